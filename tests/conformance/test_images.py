"""Functions that are container images, from OCI layouts in the server's folder of images."""

import base64
import json
import pathlib
import subprocess

import pytest
from botocore.exceptions import ClientError
from lambari import ACCOUNT, REGION, ROOT
from oci import Layout, layer

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


AWSLAMBDARIC = ROOT / ".cache/runtimes/python3.11/runtime"


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
