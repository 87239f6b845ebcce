"""SDKs that know nothing of lambari reach it by AWS's own host names: over TLS, as a proxy, and from inside functions."""

import functools
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import time

import boto3
import botocore.config
import pytest
import requests
from lambari import ACCOUNT, PROGRAM, REGION, ROOT, Lambari, zip_of

OLD = ROOT / ".cache/old"
ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"


@pytest.fixture(scope="session")
def old_clients():
    """boto3 and the JavaScript SDK of 2020, and the Serverless Framework 3."""
    subprocess.run([ROOT / "scripts/old-clients"], check=True, timeout=600)
    return OLD


@functools.cache
def node():
    found = sorted((ROOT / ".cache/runtimes").glob("nodejs2*/lang/bin/node"))
    return found[0] if found else pathlib.Path("/usr/bin/node")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """So that what `lambari run` writes does not land in the home of whoever runs the tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def lambari(server, cache):
    """lambari's command line, as a user has it: nothing of AWS is set."""
    def run(*arguments, check=True, timeout=120, **more):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBARI_"))}
        environment |= {"LAMBARI_DATA": str(server.data), "XDG_CACHE_HOME": str(cache), **more}
        done = subprocess.run([PROGRAM, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done
    return run


@pytest.fixture
def ca(lambari):
    return lambari("ca", "--path").stdout.strip()


def secure(server, service, ca, host="localhost"):
    return boto3.client(service, endpoint_url=f"https://{host}:{server.port}", verify=ca, region_name=REGION, aws_access_key_id="test",
                        aws_secret_access_key="test", config=botocore.config.Config(retries={"max_attempts": 0}))


def peer_certificate(port, name, ca):
    context = ssl.create_default_context(cafile=ca)
    with socket.create_connection(("127.0.0.1", port)) as raw, context.wrap_socket(raw, server_hostname=name) as tls:
        return tls.getpeercert(), tls.version(), tls.selected_alpn_protocol()


# ---- TLS on the port of HTTP ----

@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_boto3_over_tls(server, ca, host):
    assert secure(server, "sts", ca, host).get_caller_identity()["Arn"] == ROOT_ARN
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"https://localhost:{server.port}/_lambari/health", timeout=10)  # the system does not know this authority
    metrics = requests.get(f"{server.url}/_lambari/metrics", timeout=10).text
    counted = {line.split()[0]: float(line.split()[1]) for line in metrics.splitlines() if line.startswith("lambari_http_tls_")}
    assert counted["lambari_http_tls_handshakes_total"] >= 1 and counted["lambari_http_tls_failed_total"] >= 1


@pytest.mark.parametrize("name", ["sqs.us-east-1.amazonaws.com", "abc123.execute-api.us-east-1.amazonaws.com", "a.b.c.s3.us-east-1.amazonaws.com",
                                  "x.lambda-url.eu-west-1.on.aws", "s3.cn-north-1.amazonaws.com.cn"])
def test_each_name_has_its_certificate(server, ca, name):
    certificate, version, _ = peer_certificate(server.port, name, ca)
    assert ("DNS", name) in certificate["subjectAltName"] and version == "TLSv1.3"


def test_the_authority_is_bound_to_its_names(server, ca):
    with pytest.raises(ssl.SSLCertVerificationError):
        peer_certificate(server.port, "www.example.com", ca)
    text = subprocess.run(["openssl", "x509", "-in", ca, "-noout", "-text"], capture_output=True, text=True, check=True).stdout
    assert "X509v3 Name Constraints: critical" in text and "DNS:amazonaws.com" in text
    key = pathlib.Path(ca).with_name("ca-key.pem")
    assert key.stat().st_mode & 0o777 == 0o600 and key.parent.stat().st_mode & 0o777 == 0o700


def test_curl_and_old_protocols(server, ca):
    url = f"https://localhost:{server.port}/_lambari/health"
    curl = lambda *flags: subprocess.run(["curl", "-sS", "--cacert", ca, *flags, url], capture_output=True, text=True, timeout=30)
    assert '"status":"ok"' in curl("--tlsv1.2", "--tls-max", "1.2").stdout
    assert '"status":"ok"' in curl("--tlsv1.3").stdout
    assert curl("--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0").returncode != 0


def test_node_over_tls(server, ca):
    script = f"""require('https').get({{host: 'localhost', port: {server.port}, path: '/_lambari/health'}}, r => {{
      console.log(r.statusCode, r.socket.authorized); r.resume(); }}).on('error', e => console.log(String(e)));"""
    run = lambda **more: subprocess.run([node(), "-e", script], env={"PATH": "/usr/bin", **more}, capture_output=True, text=True, timeout=30).stdout
    assert run(NODE_EXTRA_CA_CERTS=ca) == "200 true\n"
    assert "certificate" in run()


def test_urls_follow_scheme_and_host(server, ca, name):
    server.function(name, {"app.py": "def handler(e, c):\n    return e['headers'].get('x-forwarded-proto')\n"})
    location = secure(server, "lambda", ca).get_function(FunctionName=name)["Code"]["Location"]
    assert location.startswith(f"https://localhost:{server.port}/") and requests.get(location, verify=ca, timeout=10).content[:2] == b"PK"
    gateway = secure(server, "apigatewayv2", ca)
    api = gateway.create_api(Name=name, ProtocolType="HTTP", Target=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
    assert api["ApiEndpoint"] == f"https://{api['ApiId']}.execute-api.localhost:{server.port}"
    server.client("lambda").add_permission(FunctionName=name, StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com")
    # curl knows by itself where names under localhost lead; Python's resolver may not.
    assert subprocess.run(["curl", "-sS", "--cacert", ca, api["ApiEndpoint"] + "/"], capture_output=True, text=True, timeout=30).stdout == "https"
    gateway.delete_api(ApiId=api["ApiId"])


def test_the_authority_outlives_restarts(own_server):
    before = own_server.cli("ca").stdout
    assert before.startswith("-----BEGIN CERTIFICATE-----")
    assert own_server.restart().cli("ca").stdout == before
    own_server.kill()
    assert own_server.cli("ca").stdout == before, "a stopped server's authority is read from its data directory"
    (own_server.data / "tls/ca-key.pem").write_text("damage")
    with pytest.raises(RuntimeError, match="ca-key.pem holds no key"):
        own_server.start()


def test_large_and_many(server, ca):
    session = requests.Session()
    for _ in range(50):
        assert session.get(f"https://localhost:{server.port}/_lambari/health", verify=ca, timeout=10).status_code == 200
    bad = session.post(f"https://localhost:{server.port}/", data=b"x" * (9 * 1024 * 1024), verify=ca, timeout=30)
    assert bad.status_code in (400, 404, 413)


def test_a_handshake_that_stands_still_is_cut_off(own_server):
    with socket.create_connection(("127.0.0.1", own_server.port)) as raw:
        raw.sendall(b"\x16\x03\x01\x02\x00\x01")
        others = [requests.get(f"{own_server.url}/_lambari/health", timeout=5).status_code for _ in range(3)]
        assert others == [200] * 3
        raw.settimeout(30)
        assert raw.recv(100) == b""


# ---- the proxy ----

def proxied(server, ca, **more):
    return {"proxies": {"https": server.url, "http": server.url}, "verify": ca, "timeout": 20, **more}


def test_the_proxy_stands_in_for_aws(server, ca):
    for scheme in ("https", "http"):
        answer = requests.get(f"{scheme}://lambda.us-east-1.amazonaws.com/_lambari/health", **proxied(server, ca))
        assert answer.json()["status"] == "ok"
    client = boto3.client("sts", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test", verify=ca,
                          endpoint_url="https://sts.us-east-1.amazonaws.com", config=botocore.config.Config(proxies={"https": server.url}))
    assert client.get_caller_identity()["Arn"] == ROOT_ARN


def test_the_proxy_refuses_others(server, ca):
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        requests.get("https://example.com/", **proxied(server, ca))
    refused = requests.get("http://example.com/", **proxied(server, ca))
    assert refused.status_code == 403 and "--proxy any" in refused.text
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        requests.get("https://127.0.0.1:1/", **proxied(server, ca))


def test_the_proxy_leads_on_when_it_may():
    with_any = Lambari("--proxy", "any").start()
    other = Lambari().start()
    try:
        ca = with_any.cli("ca", "--path").stdout.strip()
        assert requests.get(f"{other.url}/_lambari/health", **proxied(with_any, ca)).json()["status"] == "ok"
        others_ca = other.cli("ca", "--path").stdout.strip()
        tunnelled = requests.get(f"https://127.0.0.1:{other.port}/_lambari/health", **proxied(with_any, others_ca))
        assert tunnelled.json()["status"] == "ok"
    finally:
        with_any.close()
        other.close()


def test_no_open_doors_on_public_addresses():
    for flags in (["--auth", "open"], ["--proxy", "any"]):
        done = subprocess.run([PROGRAM, "start", "--address", "0.0.0.0", "--store", "memory", "--port", "0", *flags], capture_output=True, text=True, timeout=20)
        assert done.returncode == 2 and "loopback" in done.stderr


def test_lambaris_own_calls_stay_here_too(server, name):
    """An integration that names another API by AWS's host name reaches it over TLS."""
    server.function(name, {"app.py": "def handler(e, c):\n    return e['requestContext']['domainName']\n"})
    gateway = server.client("apigatewayv2")
    target = gateway.create_api(Name=name, ProtocolType="HTTP", Target=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")["ApiId"]
    server.client("lambda").add_permission(FunctionName=name, StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com")
    host = f"{target}.execute-api.{REGION}.amazonaws.com"
    front = gateway.create_api(Name=name, ProtocolType="HTTP", Target=f"https://{host}/")["ApiId"]
    assert server.api(front, "/").text == host
    for api in (front, target):
        gateway.delete_api(ApiId=api)


# ---- lambari run ----

def test_run_passes_everything_through(lambari):
    assert lambari("run", "--", "sh", "-c", "echo out; echo err >&2; exit 7", check=False).returncode == 7
    assert lambari("run", "--", "sh", "-c", "kill -TERM $$", check=False).returncode == -signal.SIGTERM
    assert lambari("run", "--", "no-such-program", check=False).returncode == 127
    done = lambari("run", "--", "cat", "/proc/self/status")
    assert "Name:\tcat" in done.stdout, "lambari became the program"


def test_run_the_aws_cli(lambari):
    for program in (ROOT / ".cache/venv/bin/aws", "/usr/bin/aws"):
        identity = json.loads(lambari("run", "--", program, "sts", "get-caller-identity", "--output", "json").stdout)
        assert identity["Arn"] == ROOT_ARN
        # Without the endpoint it goes by AWS's host name, through the proxy.
        identity = json.loads(lambari("run", "--", "env", "-u", "AWS_ENDPOINT_URL", program, "sts", "get-caller-identity", "--output", "json").stdout)
        assert identity["Arn"] == ROOT_ARN
    missing = lambari("run", "--", "env", "-u", "AWS_ENDPOINT_URL", ROOT / ".cache/venv/bin/aws", "cloudformation", "describe-stacks", check=False)
    assert missing.returncode != 0 and "cloudformation:DescribeStacks" in missing.stderr


PYTHON = "import boto3; print(boto3.__version__, boto3.client('sts').get_caller_identity()['Arn'], len(boto3.client('lambda').list_functions()['Functions']) >= 0)"


def test_run_boto3_of_today_and_of_2020(lambari, old_clients):
    assert f"{boto3.__version__} {ROOT_ARN} True" in lambari("run", "--", sys.executable, "-c", PYTHON).stdout
    assert f"1.14.0 {ROOT_ARN} True" in lambari("run", "--", sys.executable, "-c", PYTHON, PYTHONPATH=str(old_clients / "python")).stdout


def test_run_the_javascript_sdks(lambari, old_clients):
    v2 = """const AWS = require('aws-sdk'); new AWS.STS().getCallerIdentity().promise().then(i => console.log(AWS.VERSION, i.Arn), e => { console.error(e); process.exit(1); });"""
    assert f"2.700.0 {ROOT_ARN}" in lambari("run", "--", node(), "-e", v2, NODE_PATH=str(old_clients / "node/node_modules")).stdout
    v3 = """const { STSClient, GetCallerIdentityCommand: C } = require('@aws-sdk/client-sts'); delete process.env.AWS_ENDPOINT_URL;
      new STSClient({}).send(new C({})).then(i => console.log(i.Arn), e => { console.error(e); process.exit(1); });"""
    assert ROOT_ARN in lambari("run", "--", node(), "-e", v3, NODE_PATH=str(ROOT / ".cache/node/node_modules")).stdout
    fetch = "fetch('https://lambda.us-east-1.amazonaws.com/_lambari/health').then(r => r.json()).then(j => console.log(j.status), e => console.log(String(e.cause)))"
    assert lambari("run", "--", node(), "-e", fetch).stdout == "ok\n"


def test_run_java(lambari, tmp_path):
    java = pathlib.Path("/usr/bin/java")
    if not java.exists() or not pathlib.Path("/usr/bin/javac").exists():
        pytest.skip("no Java on this machine")
    (tmp_path / "Get.java").write_text("""
        public class Get { public static void main(String[] a) throws Exception {
          try (var in = new java.net.URL("https://sts.us-east-1.amazonaws.com/_lambari/health").openStream()) { System.out.println(new String(in.readAllBytes())); } } }""")
    assert '"status":"ok"' in lambari("run", "--", java, tmp_path / "Get.java").stdout


def test_run_the_serverless_framework(server, lambari, old_clients, name, tmp_path):
    (tmp_path / "serverless.yml").write_text(f"""
service: {name}
frameworkVersion: "3"
provider: {{name: aws, runtime: nodejs20.x, stage: dev}}
functions:
  hello: {{handler: index.handler}}
""")
    (tmp_path / "index.js").write_text("exports.handler = async e => ({ got: e });")
    server.function(f"{name}-dev-hello", {"index.js": "exports.handler = async e => ({ got: e });"}, handler="index.handler", runtime="nodejs20.x")
    sls = [node(), old_clients / "node/node_modules/serverless/bin/serverless.js"]

    def run(*arguments, check=True):
        return lambari("run", "--", "env", "-C", tmp_path, *sls, *arguments, check=check, SLS_TELEMETRY_DISABLED="1", SLS_NOTIFICATIONS_MODE="off",
                       HOME=str(tmp_path), CI="1", PATH=f"{node().parent}:{os.environ['PATH']}")

    answer = run("invoke", "-f", "hello", "--data", '{"a": 1}')
    assert json.loads(answer.stdout) == {"got": {"a": 1}}
    deploy = run("deploy", check=False)
    assert deploy.returncode != 0 and "lambari does not serve cloudformation:" in deploy.stdout + deploy.stderr, "it reached lambari, and was told what lacks"


def test_env_is_for_shells(server, lambari, cache):
    text = lambari("env").stdout
    done = subprocess.run(["sh", "-c", text + 'curl -sS --cacert "$AWS_CA_BUNDLE" https://localhost:$1/_lambari/health', "sh", str(server.port)],
                          env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=30)
    assert '"status":"ok"' in done.stdout, done.stderr
    text = lambari("env", "--all").stdout
    done = subprocess.run(["sh", "-c", text + "curl -sS https://sts.us-east-1.amazonaws.com/_lambari/health"], env={"PATH": os.environ["PATH"]},
                          capture_output=True, text=True, timeout=30)
    assert '"status":"ok"' in done.stdout, done.stderr


# ---- inside functions ----

def tree(folder, *parts):
    """{name in the zip: bytes} of some folders below `folder`."""
    files = {}
    for part in parts:
        for path in sorted((folder / part).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and "examples" not in path.parts:
                files[str(path.relative_to(folder))] = path.read_bytes()
    return files


def invoke(server, name, payload=None):
    answer = server.client("lambda").invoke(FunctionName=name, Payload=json.dumps(payload or {}))
    result = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, result
    return result


def test_a_function_knows_awss_names_only(server, name):
    server.function(name, {"app.py": """
import os, socket, subprocess, urllib.request
def handler(event, context):
    found = {}
    for host in event["hosts"]:
        try:
            found[host] = sorted({a[4][0] for a in socket.getaddrinfo(host, 443)})
        except socket.gaierror as error:
            found[host] = error.errno
    pages = {url: urllib.request.urlopen(url, timeout=10).status for url in event["urls"]}
    curl = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", event["urls"][0]], capture_output=True, text=True)
    os.environ.pop("SSL_CERT_FILE")
    return {"found": found, "pages": pages, "curl": curl.stdout + curl.stderr, "endpoint": os.environ["AWS_ENDPOINT_URL"]}
"""}, Timeout=30)
    health = "/_lambari/health"
    result = invoke(server, name, {
        "hosts": ["sqs.us-east-1.amazonaws.com", "b.s3.eu-west-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn", "x.lambda-url.us-east-1.on.aws",
                  "any.localhost", "sandbox.localdomain", "example.com", "amazonaws.com.example.com"],
        "urls": [f"https://sts.us-east-1.amazonaws.com{health}", f"http://sts.amazonaws.com{health}", f"https://bucket.s3.us-east-1.amazonaws.com{health}",
                 f"https://localhost{health}"]})
    assert list(result["found"].values())[:6] == [["127.0.0.1"]] * 6
    assert list(result["found"].values())[6:] == [socket.EAI_NONAME] * 2
    assert set(result["pages"].values()) == {200} and result["curl"] == "200"
    assert result["endpoint"] == f"http://127.0.0.1:{server.port}"


@pytest.mark.parametrize("endpoint", [True, False], ids=["endpoint set", "endpoint unset"])
def test_boto3_of_2020_in_a_function(server, old_clients, name, endpoint):
    files = tree(old_clients / "python", "boto3", "urllib3", "jmespath", "dateutil", "s3transfer")
    botocore = tree(old_clients / "python", "botocore")
    files |= {k: v for k, v in botocore.items() if "/data/" not in k or any(p in k for p in ("/data/sts/", "/data/sqs/", "/data/_retry", "/data/endpoints", "/data/sdk", "/data/partitions"))}
    files["six.py"] = (old_clients / "python/six.py").read_bytes()
    files["app.py"] = """
import os
if %s: os.environ.pop("AWS_ENDPOINT_URL")
import boto3
def handler(event, context):
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName=event["queue"])["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="from 2020")
    got = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]["Body"]
    sqs.delete_queue(QueueUrl=queue)
    return [boto3.__version__, boto3.client("sts").get_caller_identity()["Arn"], boto3.client("sts").meta.endpoint_url, queue, got]
""" % (not endpoint)
    role = server.role("queue-role", "arn:aws:iam::aws:policy/AdministratorAccess")
    server.function(name, files, Timeout=60, MemorySize=512, Role=role)
    version, arn, url, queue, got = invoke(server, name, {"queue": name})
    assert version == "1.14.0" and arn.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/queue-role/") and url == "https://sts.amazonaws.com"
    assert queue.startswith("https://") and queue.endswith(f".amazonaws.com/{ACCOUNT}/{name}") and got == "from 2020"


def test_the_javascript_sdk_2_in_a_function(server, old_clients, name):
    modules = old_clients / "node/node_modules"
    keep = ("aws-sdk/lib/", "aws-sdk/clients/", "aws-sdk/apis/sts-", "aws-sdk/apis/cognito-identity-", "aws-sdk/apis/metadata", "aws-sdk/package.json",
            "aws-sdk/global", "aws-sdk/vendor/")
    files = {f"node_modules/{k}": v for k, v in tree(modules, "aws-sdk").items() if k.startswith(keep) and not k.endswith(".d.ts")}
    for dependency in json.loads((modules / "aws-sdk/package.json").read_text())["dependencies"]:
        nested = modules / "aws-sdk/node_modules"
        home, prefix = (nested, "node_modules/aws-sdk/node_modules/") if (nested / dependency).exists() else (modules, "node_modules/")
        files |= {prefix + k: v for k, v in tree(home, dependency).items()}
    for more in ("xmlbuilder", "sax", "base64-js", "isarray", "punycode", "querystring"):
        if (modules / more).exists() and f"node_modules/{more}/package.json" not in files:
            files |= {f"node_modules/{k}": v for k, v in tree(modules, more).items()}
    files["index.js"] = """const STS = require('aws-sdk/clients/sts');
exports.handler = async () => { const sts = new STS(); return [(await sts.getCallerIdentity().promise()).Arn, sts.endpoint.href]; };"""
    server.function(name, files, handler="index.handler", runtime="nodejs20.x", Timeout=30, MemorySize=512)
    arn, url = invoke(server, name)
    assert arn.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/lambda-role/") and url == "https://sts.amazonaws.com/"


def test_a_function_keeps_its_own_variables(server, name):
    server.function(name, {"app.py": "import os\ndef handler(e, c):\n    return [os.environ['AWS_CA_BUNDLE'], os.environ['SSL_CERT_FILE']]\n"},
                    Environment={"Variables": {"AWS_CA_BUNDLE": "/var/task/mine.pem"}})
    assert invoke(server, name) == ["/var/task/mine.pem", "/etc/ssl/certs/ca-certificates.crt"]
