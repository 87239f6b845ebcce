"""The other clients that users have: AWS CLI 1 and 2, and the SDK for JavaScript v3."""

import json
import pathlib
import shutil
import subprocess
import sys
import time

import pytest
from lambari import ACCOUNT, REGION, ROOT, TRUST_LAMBDA, zip_of


@pytest.mark.parametrize("program", [ROOT / ".cache/venv/bin/aws", pathlib.Path("/usr/bin/aws")], ids=["cli-1", "cli-2"])
def test_the_aws_cli_deploys_updates_and_deletes(server, name, tmp_path, program):
    def aws(*arguments, **options):
        return server.aws(*arguments, program=program, **options)

    assert aws("sts", "get-caller-identity")["Account"] == ACCOUNT
    (tmp_path / "f.zip").write_bytes(zip_of({"app.py": "import lib\ndef handler(e, c):\n    print('seen by', lib.NAME)\n    return {'statusCode': 200, 'body': lib.NAME}\n"}))
    (tmp_path / "g.zip").write_bytes(zip_of({"app.py": "def handler(e, c):\n    return 'second'\n"}))
    (tmp_path / "l.zip").write_bytes(zip_of({"python/lib.py": "NAME = 'layer'\n"}))
    role = aws("iam", "create-role", "--role-name", name, "--assume-role-policy-document", TRUST_LAMBDA)["Role"]["Arn"]
    aws("iam", "attach-role-policy", "--role-name", name, "--policy-arn", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    layer = aws("lambda", "publish-layer-version", "--layer-name", name, "--zip-file", f"fileb://{tmp_path}/l.zip")["LayerVersionArn"]
    aws("lambda", "create-function", "--function-name", name, "--runtime", "python3.9", "--handler", "app.handler", "--role", role,
        "--zip-file", f"fileb://{tmp_path}/f.zip", "--layers", layer)
    aws("lambda", "wait", "function-active-v2", "--function-name", name)
    out = tmp_path / "out.json"
    result = aws("lambda", "invoke", "--function-name", name, out)
    assert result["StatusCode"] == 200 and json.loads(out.read_text())["body"] == "layer"
    api = aws("apigatewayv2", "create-api", "--name", name, "--protocol-type", "HTTP", "--target", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")["ApiId"]
    aws("lambda", "add-permission", "--function-name", name, "--statement-id", "api", "--action", "lambda:InvokeFunction", "--principal",
        "apigateway.amazonaws.com", "--source-arn", f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/*")
    assert server.api(api, "/").text == "layer"
    aws("lambda", "update-function-code", "--function-name", name, "--zip-file", f"fileb://{tmp_path}/g.zip")
    aws("lambda", "wait", "function-updated-v2", "--function-name", name)
    aws("lambda", "invoke", "--function-name", name, out)
    assert json.loads(out.read_text()) == "second"
    deadline = time.monotonic() + 10
    while True:
        done = aws("logs", "filter-log-events", "--log-group-name", f"/aws/lambda/{name}", check=False)
        if "seen by layer" in done.stdout:
            break
        assert time.monotonic() < deadline, done
        time.sleep(0.2)
    aws("apigatewayv2", "delete-api", "--api-id", api)
    aws("lambda", "delete-function", "--function-name", name)
    gone = aws("lambda", "get-function", "--function-name", name, check=False)
    assert gone.returncode != 0 and "ResourceNotFoundException" in gone.stderr and "Function not found" in gone.stderr


def test_the_javascript_sdk(server, name, tmp_path):
    (tmp_path / "f.zip").write_bytes(zip_of({"app.mjs": "export const handler = async (e) => ({ got: e });\n"}))
    script = ROOT / "tests/conformance/sdk_v3.mjs"
    modules = ROOT / ".cache/node"
    shutil.copy(script, modules / "sdk_v3.mjs")
    node = next((p for p in sorted((ROOT / ".cache/runtimes").glob("**/bin/node"), reverse=True)), pathlib.Path("/usr/bin/node"))
    done = subprocess.run([node, modules / "sdk_v3.mjs", name, tmp_path / "f.zip", server.role()], env=server.environment() | {"AWS_REGION": REGION},
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["answer"] == {"got": {"a": 1}} and report["second"] == "second" and report["error"] == "ResourceNotFoundException"
    assert report["route"] == "GET /x" and report["roles"] is True


MOVE_TASKS = {"StartMessageMoveTask", "ListMessageMoveTasks", "CancelMessageMoveTask"}  # of 2023; test_sqs.py asks for them by query


@pytest.mark.parametrize("python, path, protocol, unknown", [
    (sys.executable, None, "application/x-amz-json-1.0", set()),
    ("/usr/bin/python3", ROOT / ".cache/old/python", "application/x-www-form-urlencoded", MOVE_TASKS),
], ids=["of-today", "of-2020"])
def test_boto3_does_all_of_sqs(server, name, python, path, protocol, unknown):
    environment = server.environment() | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run([python, ROOT / "tests/conformance/sqs_tour.py", server.url, name], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["protocols"] == [protocol]
    everything = set(server.client("sqs").meta.service_model.operation_names)
    assert len(everything) == 23 and set(report["called"]) == everything - unknown
