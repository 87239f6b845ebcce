"""Functions that are container images, from OCI layouts in the server's folder of images."""

import base64
import gzip
import io
import json
import pathlib
import subprocess
import tarfile

import pytest
from botocore.exceptions import ClientError
from lambari import ACCOUNT, REGION, ROOT
from oci import MERGED, Layout, layer, libraries, tree

REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"

# A runtime interface client in one file, linked statically: its image needs nothing else. It answers with what it sees.
CLIENT = r"""
#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[1 << 20];

static char* call(const char* method, const char* path, const char* body) {
  char host[64];
  snprintf(host, sizeof host, "%s", getenv("AWS_LAMBDA_RUNTIME_API"));
  char* port = strchr(host, ':');
  *port++ = 0;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  inet_pton(AF_INET, host, &to.sin_addr);
  int s = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(s, (struct sockaddr*)&to, sizeof to) != 0) exit(3);
  dprintf(s, "%s /2018-06-01/runtime/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", method, path, strlen(body), body);
  size_t size = 0;
  for (ssize_t got; (got = read(s, buffer + size, sizeof buffer - 1 - size)) > 0;) size += got;
  close(s);
  buffer[size] = 0;
  return buffer;
}

static void list(FILE* out, const char* path) {
  fprintf(out, "[");
  DIR* d = opendir(path);
  const char* comma = "";
  for (struct dirent* e; d && (e = readdir(d));)
    if (e->d_name[0] != '.') fprintf(out, "%s\"%s\"", comma, e->d_name), comma = ",";
  if (d) closedir(d);
  fprintf(out, "]");
}

static void text(FILE* out, const char* path) {
  char word[64] = "";
  FILE* f = fopen(path, "r");
  if (f) fscanf(f, "%63s", word), fclose(f);
  fprintf(out, "\"%s\"", word);
}

int main(int argc, char** argv, char** environment) {
  printf("the image starts\n");
  fflush(stdout);
  for (;;) {
    char* answer = call("GET", "invocation/next", "");
    char id[64] = "", path[128], folder[256], *reply;
    size_t size;
    sscanf(strcasestr(answer, "lambda-runtime-aws-request-id:") + 30, " %63[^\r\n]", id);
    char* event = strdup(strstr(answer, "\r\n\r\n") + 4);
    FILE* out = open_memstream(&reply, &size);
    fprintf(out, "{\"event\":%s,\"arguments\":[", event);
    for (int i = 0; i < argc; ++i) fprintf(out, "%s\"%s\"", i ? "," : "", argv[i]);
    fprintf(out, "],\"variables\":{");
    for (char** e = environment; *e; ++e)
      fprintf(out, "%s\"%.*s\":\"%s\"", e == environment ? "" : ",", (int)(strchr(*e, '=') - *e), *e, strchr(*e, '=') + 1);
    fprintf(out, "},\"folder\":\"%s\",\"user\":%d,\"root\":", getcwd(folder, sizeof folder), getuid());
    list(out, "/");
    fprintf(out, ",\"words\":");
    list(out, "/words");
    fprintf(out, ",\"linked\":");
    text(out, "/linked");
    fprintf(out, ",\"same\":");
    text(out, "/words/same");
    fprintf(out, ",\"through\":");
    text(out, "/lib/through");
    fprintf(out, ",\"names\":");
    text(out, "/etc/resolv.conf");
    FILE* f = fopen("/tmp/file", "w");
    fprintf(out, ",\"tmp\":%d", f != NULL);
    if (f) fclose(f);
    f = fopen("/words/file", "w");
    fprintf(out, ",\"writable\":%d", f != NULL);
    FILE* proc = fopen("/proc/self/stat", "r");
    fprintf(out, ",\"proc\":%d,\"null\":%d,\"bundle\":%d}", proc != NULL, access("/dev/null", W_OK) == 0, access(getenv("SSL_CERT_FILE"), R_OK) == 0);
    if (proc) fclose(proc);
    fclose(out);
    snprintf(path, sizeof path, "invocation/%s/response", id);
    call("POST", path, reply);
    free(reply);
    free(event);
  }
}
"""


@pytest.fixture(scope="module")
def client_binary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("client")
    (folder / "client.c").write_text("#define _GNU_SOURCE\n" + CLIENT)
    subprocess.run(["gcc", "-O1", "-s", "-static", "-w", "-o", folder / "client", folder / "client.c"], check=True, timeout=120)
    return (folder / "client").read_bytes()


def base_of(binary):
    """Two layers: the second takes away, adds and follows links of the first."""
    lower = layer([("usr/", None), ("usr/lib/", None), ("lib", ("link", "usr/lib")), ("words/", None), ("words/gone", "x"), ("words/kept", "kept"),
                   ("emptied/", None), ("emptied/old", "x"), ("etc/", None), ("etc/resolv.conf", ("link", "/nowhere")), ("proc", ("link", "/etc")),
                   ("dev/", None), ("dev/console", ("device",)), ("./usr/bin/client", binary, 0o755), ("usr/bin/secret", "x", 0o600)])
    upper = layer([("words/.wh.gone", ""), ("emptied/new", "x"), ("emptied/.wh..wh..opq", ""), ("words/same", ("same", "words/kept")),
                   ("/linked", ("link", "/words/kept")), ("lib/through", "through"), ("usr/bin/noformat", "neither", 0o755)])
    return [lower, upper]


def create(server, name, uri, **options):
    client = server.client("lambda")
    made = client.create_function(FunctionName=name, PackageType="Image", Code={"ImageUri": uri}, Role=server.role(), Timeout=10, **options)
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    return made


def invoke(server, name, payload="{}", **options):
    answer = server.client("lambda").invoke(FunctionName=name, Payload=payload, LogType="Tail", **options)
    return answer, json.loads(answer["Payload"].read()), base64.b64decode(answer["LogResult"]).decode()


@pytest.mark.parametrize("kind", ["folder", "tar"])
def test_an_image_runs(server, name, client_binary, kind):
    layout = Layout()
    digest = layout.add("v1", base_of(client_binary), Entrypoint=["client"], Cmd=["app.handler"], WorkingDir="/words",
                        Env=["GREETING=hello", "PATH=/usr/bin", "AWS_REGION=wrong"])
    place = server.data / "images" / "team" / name
    layout.write(place) if kind == "folder" else layout.write_tar(f"{place}.tar")
    uri = f"{REGISTRY}/team/{name}:v1"
    made = create(server, name, uri, Environment={"Variables": {"MORE": "yes"}})
    assert made["PackageType"] == "Image" and made["CodeSize"] == 0 and "Runtime" not in made and "Handler" not in made
    assert made["CodeSha256"] == digest.removeprefix("sha256:")
    code = server.client("lambda").get_function(FunctionName=name)["Code"]
    assert code == {"RepositoryType": "ECR", "ImageUri": uri, "ResolvedImageUri": f"{REGISTRY}/team/{name}@{digest}"}

    answer, seen, log = invoke(server, name, '{"a": 1}')
    assert "FunctionError" not in answer, (seen, log)
    assert seen["event"] == {"a": 1} and seen["arguments"] == ["client", "app.handler"] and seen["folder"] == "/words"
    variables = seen["variables"]
    assert variables["GREETING"] == "hello" and variables["MORE"] == "yes" and variables["PATH"] == "/usr/bin"
    assert variables["AWS_REGION"] == REGION and variables["AWS_LAMBDA_FUNCTION_NAME"] == name and "LD_LIBRARY_PATH" not in variables
    # Only the image, and what an environment has of its own.
    assert sorted(seen["root"]) == sorted(["usr", "lib", "words", "emptied", "etc", "proc", "dev", "tmp", "linked"])
    assert sorted(seen["words"]) == ["kept", "same"] and seen["linked"] == "kept" and seen["same"] == "kept" and seen["through"] == "through"
    assert seen["tmp"] == 1 and seen["writable"] == 0 and seen["proc"] == 1 and seen["null"] == 1 and seen["bundle"] == 1
    assert seen["names"] == "nameserver" and seen["user"] != 0
    assert "the image starts" in log and "START RequestId" in log and "Init Duration" in log
    assert invoke(server, name, "2")[1]["event"] == 2  # the same environment


def test_the_configuration_comes_before_the_image(server, name, client_binary):
    layout = Layout()
    layout.add("latest", base_of(client_binary), Entrypoint=["/nowhere"], Cmd=["a"], WorkingDir="/nowhere")
    layout.write(server.data / "images" / name)
    config = {"EntryPoint": ["/usr/bin/client", "-x"], "Command": ["mine"], "WorkingDirectory": "/usr"}
    made = create(server, name, f"{REGISTRY}/{name}", ImageConfig=config)
    assert made["ImageConfigResponse"]["ImageConfig"] == config
    seen = invoke(server, name)[1]
    assert seen["arguments"] == ["/usr/bin/client", "-x", "mine"] and seen["folder"] == "/usr"
    client = server.client("lambda")
    client.update_function_configuration(FunctionName=name, ImageConfig={"EntryPoint": ["client"], "WorkingDirectory": "/"})
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    seen = invoke(server, name)[1]
    assert seen["arguments"] == ["client", "a"] and seen["folder"] == "/"


@pytest.mark.parametrize("config,kind,words", [
    ({"EntryPoint": ["/nowhere"]}, "Runtime.InvalidEntrypoint", "fork/exec /nowhere: no such file or directory"),
    ({"EntryPoint": ["nowhere"]}, "Runtime.InvalidEntrypoint", "fork/exec nowhere: no such file or directory"),
    ({"EntryPoint": ["/usr/bin/noformat"]}, "Runtime.InvalidEntrypoint", "fork/exec /usr/bin/noformat: exec format error"),
    ({"EntryPoint": ["/words/kept"]}, "Runtime.InvalidEntrypoint", "fork/exec /words/kept: permission denied"),
    ({"WorkingDirectory": "/nowhere"}, "Runtime.InvalidWorkingDir", "chdir /nowhere: no such file or directory"),
    ({"WorkingDirectory": "words"}, "Runtime.InvalidWorkingDir", "the working directory 'words' is invalid, it needs to be an absolute path"),
])
def test_what_cannot_be_started(server, name, client_binary, config, kind, words):
    layout = Layout()
    layout.add("latest", base_of(client_binary), Entrypoint=["/usr/bin/client"])
    layout.write(server.data / "images" / name)
    create(server, name, f"{REGISTRY}/{name}:latest", ImageConfig=config)
    answer, error, log = invoke(server, name)
    assert answer["FunctionError"] == "Unhandled" and error["errorType"] == kind and error["errorMessage"].endswith("Error: " + words), (error, log)
    assert f"Error Type: {kind}" in log


def test_update_versions_and_restart(own_server, client_binary):
    server, name, uri = own_server, "versions", f"{REGISTRY}/app:latest"
    layout = Layout()

    def push(number):
        digest = layout.add("latest", base_of(client_binary), Entrypoint=["client"], Env=[f"NUMBER={number}", "PATH=/usr/bin"])
        layout.write(server.data / "images" / "app")
        return digest
    first = push(1)
    create(server, name, uri)
    client = server.client("lambda")
    version = client.publish_version(FunctionName=name)["Version"]
    second = push(2)
    # A tag that moves moves no function.
    assert invoke(server, name)[1]["variables"]["NUMBER"] == "1"
    assert client.update_function_code(FunctionName=name, ImageUri=uri, DryRun=True)["CodeSha256"] == second.removeprefix("sha256:")
    assert client.update_function_code(FunctionName=name, ImageUri=uri)["CodeSha256"] == second.removeprefix("sha256:")
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert invoke(server, name)[1]["variables"]["NUMBER"] == "2"
    assert invoke(server, name, Qualifier=version)[1]["variables"]["NUMBER"] == "1"
    # By digest; and the source may go: what a function needs has been copied.
    client.update_function_code(FunctionName=name, ImageUri=f"{REGISTRY}/app@{first}")
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    subprocess.run(["rm", "-rf", server.data / "images", *(server.data / "code").iterdir()], check=True)
    server.kill()
    server.start()
    for qualifier, number in (("$LATEST", "1"), (version, "1")):
        assert invoke(server, name, Qualifier=qualifier)[1]["variables"]["NUMBER"] == number
    # Nothing is left of it once it is deleted.
    server.client("lambda").delete_function(FunctionName=name)
    left = []
    for _ in range(120):
        left = [path for path in (server.data / "blobs/lambda").rglob("*") if path.is_file()]
        if not left:
            break
        subprocess.run(["sleep", "0.5"], check=True)
    assert not left


def refused(call, code="InvalidParameterValueException"):
    with pytest.raises(ClientError) as error:
        call()
    assert error.value.response["Error"]["Code"] == code
    return error.value.response["Error"]["Message"]


def test_refusals(server, name, client_binary):
    client, role = server.client("lambda"), server.role()
    uri = f"{REGISTRY}/{name}:v1"

    def make(uri, **options):
        return lambda: client.create_function(**{"FunctionName": name, "PackageType": "Image", "Code": {"ImageUri": uri}, "Role": role, **options})
    assert refused(make(uri)) == f"Source image {uri} does not exist. Provide a valid source image."
    layout = Layout()
    digest = layout.add("v1", base_of(client_binary), Entrypoint=["client"])
    layout.add("odd", base_of(client_binary), layer_type="application/vnd.odd", Entrypoint=["client"])
    place = server.data / "images" / name
    layout.write(place)
    other = f"{REGISTRY}/{name}:v2"
    assert refused(make(other)) == f"Source image {other} does not exist. Provide a valid source image."
    odd = f"{REGISTRY}/{name}:odd"
    assert refused(make(odd)) == f"The image manifest, config or layer media type for the source image {odd} is not supported."
    for bad in ("docker.io/library/busybox", f"{REGISTRY}/../{name}:v1", f"{REGISTRY}/{name}@sha256:12", "x", f"file://{place}"):
        assert refused(make(bad)) == f"Source image {bad} is not valid. Provide a valid source image."
    for options in ({"Runtime": "python3.11"}, {"Handler": "a.b"}, {"Layers": [f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:x:1"]}):
        assert refused(make(uri, **options)) == "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."
    assert "ImageUri" in refused(make(uri, PackageType="Zip", Runtime="python3.11", Handler="a.b"))
    # A blob that is not what its digest says.
    (place / "blobs/sha256" / digest.removeprefix("sha256:")).write_bytes(b"{}")
    assert refused(make(uri)) == f"Source image {uri} is not valid. Provide a valid source image."
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName=name)


@pytest.mark.parametrize("entries", [[("../out", "x")], [("a/../../out", "x")], [("a", ("same", "../../../etc/passwd"))], [("a", ("same", "nothing"))]])
def test_a_layer_cannot_leave_its_image(server, name, entries):
    layout = Layout()
    layout.add("latest", [layer(entries)], Entrypoint=["/a"])
    layout.write(server.data / "images" / name)
    client = server.client("lambda")
    client.create_function(FunctionName=name, PackageType="Image", Code={"ImageUri": f"{REGISTRY}/{name}"}, Role=server.role())
    for _ in range(100):
        now = client.get_function_configuration(FunctionName=name)
        if now["State"] != "Pending":
            break
        subprocess.run(["sleep", "0.1"], check=True)
    assert now["State"] == "Failed" and now["StateReasonCode"] == "InvalidImage"
    assert not list(pathlib.Path(server.data).rglob("out"))


def test_links_lead_nowhere_but_into_the_image(server, name, client_binary):
    """What would be written through a link to the host is written into the image."""
    target = server.data / "outside"
    layout = Layout()
    layout.add("latest", [layer([("up", ("link", str(server.data))), ("far", ("link", "../../../../../.." + str(server.data)))]),
                          layer([("up/outside", "x"), ("far/outside", "x"), ("usr/bin/client", client_binary, 0o755), ("words/kept", "x")])],
               Entrypoint=["/usr/bin/client"])
    layout.write(server.data / "images" / name)
    create(server, name, f"{REGISTRY}/{name}")
    answer, seen, log = invoke(server, name)
    assert "FunctionError" not in answer and not target.exists(), (seen, log)


def test_without_isolation_there_are_no_images(client_binary):
    from lambari import Lambari
    server = Lambari("--isolation=process").start()
    try:
        layout = Layout()
        layout.add("latest", base_of(client_binary), Entrypoint=["client"])
        layout.write(server.data / "images" / "app")
        words = refused(lambda: server.client("lambda").create_function(FunctionName="f", PackageType="Image", Role=server.role(),
                                                                       Code={"ImageUri": f"{REGISTRY}/app"}))
        assert "container images need isolation" in words
    finally:
        server.close()


RUNTIMES = ROOT / ".cache/runtimes"


@pytest.fixture(scope="module")
def python_layers():
    """A Python with AWS's interface client in the function's folder, as "Using a non-AWS base image" of Lambda's guide builds it."""
    pack = RUNTIMES / "python3.11/runtime"
    library = pathlib.Path("/usr/lib/python3.11")
    interpreter = pathlib.Path("/usr/bin/python3.11")
    base = MERGED + libraries(interpreter, pack / "runtime_client.so", *library.glob("lib-dynload/*.so"))
    base += [("usr/bin/python3.11", interpreter.read_bytes(), 0o755), ("usr/bin/python3", ("link", "python3.11"))]
    base += tree(library, "usr/lib/python3.11", ("__pycache__", "test", "dist-packages", "lib2to3"))
    client = [("function/", None), ("function/runtime_client.so", (pack / "runtime_client.so").read_bytes(), 0o755),
              ("function/snapshot_restore_py.py", (pack / "snapshot_restore_py.py").read_bytes())]
    client += [entry for name in ("awslambdaric", "simplejson") for entry in tree(pack / name, f"function/{name}")]
    code = [("function/app.py", "import os, sys\n\ndef handler(event, context):\n    print('hello from', context.function_name)\n"
                                "    return {'event': event, 'folder': os.getcwd(), 'arguments': sys.argv[1:]}\n\n"
                                "def other(event, context):\n    return 'another'\n\n"
                                "def fails(event, context):\n    raise KeyError('as it should')\n")]
    return [layer(base), layer(client), layer(code)]


PYTHON = {"Entrypoint": ["/usr/bin/python3", "-m", "awslambdaric"], "Cmd": ["app.handler"], "WorkingDir": "/function",
          "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"]}
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"


@pytest.mark.parametrize("kind", ["+gzip", "+zstd", ""])
def test_awss_client_for_python(server, name, python_layers, kind):
    layers = python_layers
    if kind != "+gzip":
        layers = [gzip.decompress(each) for each in layers]
    if kind == "+zstd":
        layers = [subprocess.run(["zstd", "-q", "-1"], input=each, capture_output=True, check=True).stdout for each in layers]
    layout = Layout()
    layout.add("latest", layers, layer_type=OCI_LAYER + kind, **PYTHON)
    layout.write_tar(server.data / "images" / f"{name}.tar")
    create(server, name, f"{REGISTRY}/{name}:latest")
    answer, seen, log = invoke(server, name, '{"a": 1}')
    assert "FunctionError" not in answer, (seen, log)
    assert seen == {"event": {"a": 1}, "folder": "/function", "arguments": ["app.handler"]} and f"hello from {name}" in log
    for command, expected in (("app.other", "another"), ("app.fails", "KeyError")):
        client = server.client("lambda")
        client.update_function_configuration(FunctionName=name, ImageConfig={"Command": [command]})
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        answer, seen, log = invoke(server, name)
        assert (seen if command == "app.other" else seen["errorType"]) == expected, (seen, log)


ENTRYPOINT = """#!/bin/sh
if [ $# -ne 1 ]; then echo "entrypoint requires the handler name to be the first argument" 1>&2; exit 142; fi
export _HANDLER="$1"
exec /var/runtime/bootstrap
"""


def test_the_layout_of_awss_base_images(server, name):
    """/lambda-entrypoint.sh, /var/runtime, /var/task and the variables of public.ecr.aws/lambda/nodejs; the client is AWS's."""
    pack = RUNTIMES / "nodejs22.x"
    node = pack / "lang/bin/node"
    shell = pathlib.Path("/usr/bin/dash")
    base = MERGED + libraries(node, pack / "runtime/rapid-client.node", shell)
    base += [("var/lang/bin/node", node.read_bytes(), 0o755), ("usr/bin/sh", shell.read_bytes(), 0o755), ("lambda-entrypoint.sh", ENTRYPOINT, 0o755),
             ("var/runtime/index.mjs", (pack / "runtime/index.mjs").read_bytes()),
             ("var/runtime/rapid-client.node", (pack / "runtime/rapid-client.node").read_bytes(), 0o755),
             # The newer client starts by itself, the older one is told to, as its own program does.
             ("var/runtime/start.mjs", "import * as client from './index.mjs';\nclient.run?.(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);\n"),
             ("var/runtime/bootstrap", "#!/bin/sh\nexec /var/lang/bin/node /var/runtime/start.mjs\n", 0o755)]
    code = [("var/task/index.mjs", "export const handler = async (event, context) => ({ event, name: context.functionName, root: process.env.LAMBDA_TASK_ROOT });\n")]
    layout = Layout()
    layout.add("latest", [layer(base), layer(code)], Entrypoint=["/lambda-entrypoint.sh"], Cmd=["index.handler"], WorkingDir="/var/task",
               Env=["LANG=en_US.UTF-8", "TZ=:/etc/localtime", "PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin", "LAMBDA_TASK_ROOT=/var/task",
                    "LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
                    "LAMBDA_RUNTIME_DIR=/var/runtime"])
    layout.write(server.data / "images" / name)
    create(server, name, f"{REGISTRY}/{name}:latest", MemorySize=512)
    answer, seen, log = invoke(server, name, '{"b": 2}')
    assert "FunctionError" not in answer, (seen, log)
    assert seen == {"event": {"b": 2}, "name": name, "root": "/var/task"}
    client = server.client("lambda")
    client.update_function_configuration(FunctionName=name, ImageConfig={"Command": ["index.handler", "too", "many"]})
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    answer, seen, log = invoke(server, name)
    assert seen["errorType"] == "Runtime.ExitError" and "exit status 142" in seen["errorMessage"] and "entrypoint requires the handler name" in log


def sparse(size):
    """A layer with a file that is one hole but for a first block. Version 1.0 of GNU's sparse format."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("GNUSparseFile.0/hole")
        info.size = 1024
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "hole", "GNU.sparse.realsize": str(size)}
        tar.addfile(info, io.BytesIO(f"2\n0\n512\n{size}\n0\n".encode().ljust(512, b"\0") + b"x" * 512))
    return gzip.compress(buffer.getvalue())


def test_more_than_10_gb_are_refused(server, name):
    layout = Layout()
    layout.add("large", [sparse(6 << 30), sparse(5 << 30)], Entrypoint=["/x"])
    layout.add("fits", [sparse(6 << 30)], Entrypoint=["/x"])
    layout.write(server.data / "images" / name)
    client, states = server.client("lambda"), {}
    for tag in ("large", "fits"):
        client.create_function(FunctionName=f"{name}-{tag}", PackageType="Image", Code={"ImageUri": f"{REGISTRY}/{name}:{tag}"}, Role=server.role())
        for _ in range(100):
            states[tag] = client.get_function_configuration(FunctionName=f"{name}-{tag}")
            if states[tag]["State"] != "Pending":
                break
            subprocess.run(["sleep", "0.1"], check=True)
    assert states["large"]["State"] == "Failed" and states["large"]["StateReasonCode"] == "InvalidImage"
    assert "more than 10737418240 bytes when unpacked" in states["large"]["StateReason"]
    assert states["fits"]["State"] == "Active"
    assert [path.stat().st_size for path in server.data.glob("code/*/hole")] == [6 << 30]


def test_what_docker_save_wrote_before_25_is_named(server, name):
    place = server.data / "images" / f"{name}.tar"
    place.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(place, "w") as tar:
        document = json.dumps([{"Config": "x.json", "RepoTags": ["app:latest"], "Layers": ["x/layer.tar"]}]).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(document)
        tar.addfile(info, io.BytesIO(document))
    client = server.client("lambda")
    refused(lambda: client.create_function(FunctionName=name, PackageType="Image", Code={"ImageUri": f"{REGISTRY}/{name}:latest"}, Role=server.role()))
    assert "docker save before version 25; skopeo copy" in server.log_text()


def test_an_ordinary_user_runs_images(client_binary):
    import os
    from lambari import Lambari
    if os.getuid() != 0:
        pytest.skip("needs root, to become somebody else")
    server = Lambari(user=1234).start()
    try:
        layout = Layout()
        layout.add("latest", base_of(client_binary), Entrypoint=["client"], Env=["PATH=/usr/bin"])
        layout.write(server.data / "images" / "app")
        create(server, "f", f"{REGISTRY}/app")
        answer, seen, log = invoke(server, "f")
        assert "FunctionError" not in answer and sorted(seen["words"]) == ["kept", "same"], (seen, log)
    finally:
        server.close()
