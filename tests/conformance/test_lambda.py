"""AWS Lambda through boto3: deploy, update, call, delete; the effect is what is asserted."""

import base64
import json
import re
import time

import pytest
from botocore.exceptions import ClientError
from lambari import ACCOUNT, REGION, zip_of

ECHO = {"app.py": "import os\ndef handler(event, context):\n    print('got', event)\n"
                  "    return {'event': event, 'version': context.function_version, 'greeting': os.environ.get('GREETING')}\n"}


def call(client, function, payload=None, **options):
    answer = client.invoke(FunctionName=function, Payload=json.dumps(payload if payload is not None else {}), **options)
    return json.loads(answer["Payload"].read() or "null"), answer


def refused(error, code, status, words=None):
    assert error.value.response["Error"]["Code"] == code
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    if words:
        assert words in error.value.response["Error"]["Message"]


def arn(name):
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def test_create_invoke_update_delete(server, name):
    client = server.client("lambda")
    created = server.function(name, ECHO, Environment={"Variables": {"GREETING": "hi"}})
    assert created["FunctionArn"] == arn(name)
    assert created["Version"] == "$LATEST" and created["PackageType"] == "Zip" and created["MemorySize"] == 128 and created["Timeout"] == 3
    answer, response = call(client, name, {"a": [1, "ç"]}, LogType="Tail")
    assert answer == {"event": {"a": [1, "ç"]}, "version": "$LATEST", "greeting": "hi"}
    assert response["StatusCode"] == 200 and "FunctionError" not in response and response["ExecutedVersion"] == "$LATEST"
    log = base64.b64decode(response["LogResult"]).decode()
    assert "START RequestId:" in log and "END RequestId:" in log and "got {'a'" in log
    assert re.search(r"REPORT RequestId: [0-9a-f-]{36}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB", log)

    updated = client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": "def handler(e, c):\n    return 'second'\n"}))
    assert updated["CodeSha256"] != created["CodeSha256"] and updated["RevisionId"] != created["RevisionId"]
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert call(client, name)[0] == "second"

    client.update_function_configuration(FunctionName=name, Timeout=9, MemorySize=256, Description="d")
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    configuration = client.get_function_configuration(FunctionName=name)
    assert (configuration["Timeout"], configuration["MemorySize"], configuration["Description"]) == (9, 256, "d")
    assert configuration["Environment"]["Variables"] == {"GREETING": "hi"}
    assert name in [f["FunctionName"] for page in client.get_paginator("list_functions").paginate() for f in page["Functions"]]

    client.delete_function(FunctionName=name)
    with pytest.raises(ClientError) as error:
        client.invoke(FunctionName=name)
    refused(error, "ResourceNotFoundException", 404, f"Function not found: {arn(name)}")


def test_function_error_timeout_crash_and_recovery(server, name):
    client = server.client("lambda")
    server.function(name, {"app.py": """
import os, sys, time
def handler(event, context):
    if event == 'raise':
        raise ValueError('boom')
    if event == 'exit':
        os._exit(3)
    if event == 'sleep':
        time.sleep(30)
    if event == 'eat':
        return len(bytearray(300 * 1024 * 1024))
    return 'fine'
"""}, Timeout=1)
    answer, response = call(client, name, "raise")
    assert response["FunctionError"] == "Unhandled" and response["StatusCode"] == 200
    assert answer["errorType"] == "ValueError" and answer["errorMessage"] == "boom" and "stackTrace" in answer
    answer, response = call(client, name, "sleep", LogType="Tail")
    assert response["FunctionError"] == "Unhandled"
    assert re.search(r"Task timed out after 1\.00 seconds", answer["errorMessage"]) and answer["errorType"] == "Sandbox.Timedout"
    answer, response = call(client, name, "exit")
    assert response["FunctionError"] == "Unhandled" and answer["errorType"] == "Runtime.ExitError"
    assert "Runtime exited with error: exit status 3" in answer["errorMessage"]
    answer, response = call(client, name, "eat")
    assert response["FunctionError"] == "Unhandled" and answer["errorType"] in ("Runtime.OutOfMemory", "Runtime.ExitError")
    assert call(client, name, "x")[0] == "fine"


def test_nothing_runs_between_invocations(server, name):
    """What a function leaves undone is undone still when it is called again."""
    client = server.client("lambda")
    server.function(name, {"app.py": """
import threading, time
ticks = [time.monotonic()]
def tick():
    while True:
        time.sleep(0.01)
        ticks.append(time.monotonic())
threading.Thread(target=tick, daemon=True).start()
def handler(event, context):
    return max(after - before for before, after in zip(ticks, ticks[1:] + [time.monotonic()]))
"""})
    call(client, name)
    time.sleep(3)
    assert call(client, name)[0] > 1.5, "the thread stood still"


@pytest.mark.parametrize("runtime,files,handler", [
    ("python3.12", {"app.py": "def handler(e, c):\n    return e['n'] + 1\n"}, "app.handler"),
    ("nodejs20.x", {"app.js": "exports.handler = async (e) => e.n + 1;\n"}, "app.handler"),
    ("nodejs22.x", {"app.mjs": "export const handler = async (e) => e.n + 1;\n"}, "app.handler"),
    ("provided.al2023", {"bootstrap": """#!/bin/sh
while true; do
  exec 3<>/dev/null
  headers=/tmp/h
  event=$(curl -sS -D $headers "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next")
  id=$(grep -i Lambda-Runtime-Aws-Request-Id $headers | tr -d '\\r' | cut -d' ' -f2)
  n=$(echo "$event" | sed 's/[^0-9]//g')
  curl -sS -X POST "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response" -d "$((n + 1))" >/dev/null
done
"""}, "none"),
])
def test_runtimes(server, name, runtime, files, handler):
    client = server.client("lambda")
    server.function(name, files, handler=handler, runtime=runtime, Timeout=10)
    assert call(client, name, {"n": 41})[0] == 42
    assert call(client, name, {"n": 1})[0] == 2


def test_sdks_are_on_board_and_reach_lambari(server, name):
    """The function's own AWS calls go to lambari, signed as its role, and the role's policy is evaluated."""
    iam = server.client("iam")
    role = server.role(name)
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "lambda:ListFunctions", "Resource": "*"}]}))
    client = server.client("lambda")
    server.function(name, {"app.py": """
import boto3
def handler(event, context):
    who = boto3.client('sts').get_caller_identity()['Arn']
    functions = len(boto3.client('lambda').list_functions()['Functions'])
    try:
        boto3.client('iam').list_roles()
        denied = None
    except Exception as error:
        denied = str(error)
    return {'who': who, 'functions': functions, 'denied': denied}
"""}, Role=role, Timeout=20, MemorySize=256)
    answer, _ = call(client, name)
    assert answer["who"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{name}", answer
    assert answer["functions"] >= 1
    assert "AccessDenied" in answer["denied"] and "is not authorized to perform: iam:ListRoles" in answer["denied"]

    server.function(name + "-js", {"app.mjs": """
import { STSClient, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
export const handler = async () => (await new STSClient({}).send(new GetCallerIdentityCommand({}))).Arn;
"""}, runtime="nodejs20.x", Role=role, Timeout=20, MemorySize=256)
    assert call(client, name + "-js")[0] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{name}-js"


def test_versions_and_aliases(server, name):
    client = server.client("lambda")
    server.function(name, {"app.py": "def handler(e, c):\n    return 'one'\n"})
    assert client.publish_version(FunctionName=name)["Version"] == "1"
    assert client.publish_version(FunctionName=name)["Version"] == "1", "nothing changed: the same version"
    for change in (lambda: client.update_function_configuration(FunctionName=name + ":1", Timeout=9),
                   lambda: client.update_function_code(FunctionName=arn(name) + ":1", ZipFile=zip_of({"x": "y"}))):
        with pytest.raises(ClientError) as error:
            change()
        refused(error, "InvalidParameterValueException", 400, "Current operation does not support versions other than $LATEST")
    client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": "def handler(e, c):\n    return 'two'\n"}), Publish=True)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert [v["Version"] for v in client.list_versions_by_function(FunctionName=name)["Versions"]] == ["$LATEST", "1", "2"]
    assert call(client, f"{name}:1")[0] == "one" and call(client, name, Qualifier="2")[0] == "two"
    alias = client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert alias["AliasArn"] == arn(name) + ":live"
    answer, response = call(client, arn(name) + ":live")
    assert answer == "one" and response["ExecutedVersion"] == "1"
    client.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    seen = [call(client, name, Qualifier="live")[0] for _ in range(60)]
    assert 10 < seen.count("two") < 50
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {}})
    assert call(client, name, Qualifier="live")[0] == "two"
    client.delete_alias(FunctionName=name, Name="live")
    with pytest.raises(ClientError) as error:
        client.get_alias(FunctionName=name, Name="live")
    refused(error, "ResourceNotFoundException", 404, "Cannot find alias arn")


def test_layers(server, name):
    client = server.client("lambda")
    first = client.publish_layer_version(LayerName=name, Content={"ZipFile": zip_of({"python/lib_a.py": "V = 'a1'\n"})}, CompatibleRuntimes=["python3.11"])
    second = client.publish_layer_version(LayerName=name, Content={"ZipFile": zip_of({"python/lib_a.py": "V = 'a2'\n"})})
    other = client.publish_layer_version(LayerName=name + "-b", Content={"ZipFile": zip_of({"python/lib_a.py": "V = 'b'\n", "python/lib_b.py": "V = 'b'\n"})})
    assert (first["Version"], second["Version"], other["Version"]) == (1, 2, 1)
    server.function(name, {"app.py": "import lib_a, lib_b\ndef handler(e, c):\n    return lib_a.V + lib_b.V\n"},
                    Layers=[other["LayerVersionArn"], first["LayerVersionArn"]])
    assert call(client, name)[0] == "a1b", "the later layer wins"
    client.update_function_configuration(FunctionName=name, Layers=[first["LayerVersionArn"], other["LayerVersionArn"]])
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert call(client, name)[0] == "bb"
    client.update_function_configuration(FunctionName=name, Layers=[other["LayerVersionArn"], second["LayerVersionArn"]])
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    client.delete_layer_version(LayerName=name, VersionNumber=2)
    assert [v["Version"] for v in client.list_layer_versions(LayerName=name)["LayerVersions"]] == [1]
    assert call(client, name)[0] == "a2b", "a deleted version still serves the functions that use it"
    with pytest.raises(ClientError) as error:
        client.update_function_configuration(FunctionName=name, Layers=[first["LayerVersionArn"], second["LayerVersionArn"]])
    refused(error, "InvalidParameterValueException", 400)
    six = [client.publish_layer_version(LayerName=f"{name}-{n}", Content={"ZipFile": zip_of({"a": "a"})})["LayerVersionArn"] for n in range(6)]
    with pytest.raises(ClientError) as error:
        client.update_function_configuration(FunctionName=name, Layers=six)
    refused(error, "InvalidParameterValueException", 400)


def test_bad_input_changes_nothing(server, name):
    client = server.client("lambda")
    role = server.role()
    base = dict(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=role, Code={"ZipFile": zip_of(ECHO)})
    cases = [
        (dict(Code={"ZipFile": b"this is no zip"}), "InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again."),
        (dict(Runtime="cobol85"), "InvalidParameterValueException", "Value cobol85 at 'runtime' failed to satisfy constraint"),
        (dict(Role=f"arn:aws:iam::{ACCOUNT}:role/nobody-has-this"), "InvalidParameterValueException", "cannot be assumed by Lambda"),
        (dict(Timeout=901), "ValidationException", "timeout"),
        (dict(MemorySize=10241), "ValidationException", "memorySize"),
        (dict(Environment={"Variables": {"AWS_REGION": "x"}}), "InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION"),
        (dict(Code={"S3Bucket": "bucket", "S3Key": "key"}), None, None),
    ]
    for change, code, words in cases:
        with pytest.raises(ClientError) as error:
            client.create_function(**{**base, **change})
        if code:
            refused(error, code, 400, words)
    with pytest.raises(ClientError) as error:
        client.get_function(FunctionName=name)
    refused(error, "ResourceNotFoundException", 404)
    client.create_function(**base)
    with pytest.raises(ClientError) as error:
        client.create_function(**base)
    refused(error, "ResourceConflictException", 409, f"Function already exist: {name}")


def test_a_bad_handler_is_an_init_error(server, name):
    client = server.client("lambda")
    server.function(name, ECHO, handler="nothere.handler")
    answer, response = call(client, name)
    assert response["FunctionError"] == "Unhandled" and answer["errorType"] == "Runtime.ImportModuleError"
    assert "Unable to import module 'nothere'" in answer["errorMessage"]


def test_code_over_the_limit_is_refused(server, name):
    import os
    client = server.client("lambda")
    with pytest.raises(ClientError) as error:  # 50 MB zipped
        client.create_function(FunctionName=name, Runtime="python3.11", Handler="a.b", Role=server.role(),
                               Code={"ZipFile": zip_of({"a.bin": os.urandom(52 * 1024 * 1024)})})
    assert error.value.response["Error"]["Code"] in ("RequestEntityTooLargeException", "InvalidParameterValueException", "RequestTooLargeException")
    with pytest.raises(ClientError) as error:  # 250 MB unzipped
        client.create_function(FunctionName=name, Runtime="python3.11", Handler="a.b", Role=server.role(),
                               Code={"ZipFile": zip_of({"a.bin": bytes(263 * 1024 * 1024)})})
    refused(error, "InvalidParameterValueException", 400, "Unzipped size must be smaller than 262144000 bytes")


def test_dry_run_permissions_tags_concurrency(server, name):
    client = server.client("lambda")
    server.function(name, ECHO, Tags={"team": "a"})
    assert client.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    client.add_permission(FunctionName=name, StatementId="s", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com")
    policy = json.loads(client.get_policy(FunctionName=name)["Policy"])
    assert policy["Statement"][0]["Principal"] == {"Service": "sns.amazonaws.com"} and policy["Statement"][0]["Resource"] == arn(name)
    with pytest.raises(ClientError) as error:
        client.add_permission(FunctionName=name, StatementId="s", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com")
    refused(error, "ResourceConflictException", 409, "The statement id (s) provided already exists")
    client.remove_permission(FunctionName=name, StatementId="s")
    with pytest.raises(ClientError) as error:
        client.get_policy(FunctionName=name)
    refused(error, "ResourceNotFoundException", 404)
    client.tag_resource(Resource=arn(name), Tags={"stage": "b"})
    client.untag_resource(Resource=arn(name), TagKeys=["team"])
    assert client.list_tags(Resource=arn(name))["Tags"] == {"stage": "b"}
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as error:
        client.invoke(FunctionName=name)
    refused(error, "TooManyRequestsException", 429)
    client.delete_function_concurrency(FunctionName=name)
    assert call(client, name)[1]["StatusCode"] == 200


def test_an_operation_that_is_not_there_names_itself(server):
    with pytest.raises(ClientError) as error:
        server.client("lambda").list_code_signing_configs()
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "ListCodeSigningConfigs" in error.value.response["Error"]["Message"]
    assert 'lambda' in server.client("lambda").meta.service_model.service_name
