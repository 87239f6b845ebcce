"""Concurrency of functions: reserved and provisioned, what is refused and how, the life of environments."""

import concurrent.futures
import json
import time

import pytest
from botocore.exceptions import ClientError
from lambari import zip_of

WHO = {"app.py": "import os, time, uuid\nID = uuid.uuid4().hex\ndef handler(event, context):\n    time.sleep(event.get('sleep', 0))\n"
                 "    return {'id': ID, 'type': os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'], 'version': context.function_version}\n"}


def call(client, function, payload=None, **options):
    answer = client.invoke(FunctionName=function, Payload=json.dumps(payload or {}), **options)
    return json.loads(answer["Payload"].read())


def refused(error, code, status, words=None):
    assert error.value.response["Error"]["Code"] == code
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    if words:
        assert words in error.value.response["Error"]["Message"]


def provisioned(client, name, qualifier):
    deadline = time.monotonic() + 30
    while True:
        config = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
        if config["Status"] != "IN_PROGRESS" or time.monotonic() > deadline:
            return config
        time.sleep(0.05)


def test_reserved_concurrency_throttles_as_aws_says(server, name):
    client = server.client("lambda")
    server.function(name, WHO, Timeout=20)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    call(client, name)

    def slow():
        while True:
            try:
                return call(server.client("lambda"), name, {"sleep": 4})
            except ClientError:
                time.sleep(0.1)  # the other call was there first

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(slow)
        throttled = None
        while throttled is None and not running.done():
            time.sleep(0.4)  # slower than the rate that a concurrency of one allows
            try:
                call(client, name)
            except ClientError as error:
                throttled = error.response
        assert throttled, "a second call at the same time is refused"
        assert throttled["Error"]["Code"] == "TooManyRequestsException" and throttled["Error"]["Message"] == "Rate Exceeded."
        assert throttled["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded" and throttled["Type"] == "User"
        assert throttled["ResponseMetadata"]["HTTPStatusCode"] == 429 and throttled["ResponseMetadata"]["HTTPHeaders"]["retry-after"]
        running.result()
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as error:
        call(client, name)
    refused(error, "TooManyRequestsException", 429)
    with pytest.raises(ClientError) as error:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=100000)
    refused(error, "InvalidParameterValueException", 400, "below its minimum value of [100]")
    client.delete_function_concurrency(FunctionName=name)
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=name)


def test_ten_requests_a_second_for_each_unit(server, name):
    client = server.client("lambda")
    server.function(name, {"app.py": "def handler(e, c):\n    return 1\n"}, MemorySize=256)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    call(client, name)
    served, reasons, began = 0, set(), time.monotonic()
    while time.monotonic() - began < 2:
        try:
            call(client, name)
            served += 1
        except ClientError as error:
            reasons.add(error.response["Reason"])
    took = time.monotonic() - began
    assert served <= 10 + 10 * took + 1
    if served > 10 * took:
        assert reasons == {"ReservedFunctionInvocationRateLimitExceeded"}


def test_provisioned_concurrency(own_server, name):
    server = own_server
    client = server.client("lambda")
    server.function(name, WHO, Timeout=20)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    with pytest.raises(ClientError) as error:
        client.put_provisioned_concurrency_config(FunctionName=name, Qualifier="$LATEST", ProvisionedConcurrentExecutions=1)
    refused(error, "InvalidParameterValueException", 400, "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    with pytest.raises(ClientError) as error:
        client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
    refused(error, "ProvisionedConcurrencyConfigNotFoundException", 404)

    made = client.put_provisioned_concurrency_config(FunctionName=name, Qualifier="live", ProvisionedConcurrentExecutions=2)
    assert made["Status"] == "IN_PROGRESS" and made["RequestedProvisionedConcurrentExecutions"] == 2
    config = provisioned(client, name, "live")
    assert (config["Status"], config["AllocatedProvisionedConcurrentExecutions"], config["AvailableProvisionedConcurrentExecutions"]) == ("READY", 2, 2)
    answer = call(client, name, Qualifier="live")
    assert answer["type"] == "provisioned-concurrency" and answer["version"] == "1"
    assert call(client, name)["type"] == "on-demand"

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: call(server.client("lambda"), name, {"sleep": 3}, Qualifier="live"), range(3)))
    assert sorted(answer["type"] for answer in answers) == ["on-demand", "provisioned-concurrency", "provisioned-concurrency"]
    assert len({answer["id"] for answer in answers}) == 3

    listed = client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
    assert [c["FunctionArn"].rsplit(":", 1)[1] for c in listed] == ["live"]
    shown = server.aws("lambda", "get-provisioned-concurrency-config", "--function-name", name, "--qualifier", "live")
    assert shown["Status"] == "READY"

    # The alias moves: its environments are made anew, of the other version.
    client.update_function_code(FunctionName=name, ZipFile=zip_of({**WHO, "new": "1"}), Publish=True)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    assert provisioned(client, name, "live")["Status"] == "READY"
    answer = call(client, name, Qualifier="live")
    assert answer["type"] == "provisioned-concurrency" and answer["version"] == "2"

    server.restart()
    client = server.client("lambda")
    assert provisioned(client, name, "live")["Status"] == "READY"
    assert call(client, name, Qualifier="live")["type"] == "provisioned-concurrency"
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
    assert call(client, name, Qualifier="live")["type"] == "on-demand"
    assert client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"] == []


def test_a_failing_init_fails_provisioning(server, name):
    client = server.client("lambda")
    server.function(name, {"app.py": "raise RuntimeError('not today')\n"})
    client.publish_version(FunctionName=name)
    client.put_provisioned_concurrency_config(FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=1)
    config = provisioned(client, name, "1")
    assert config["Status"] == "FAILED" and config["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"


def test_environments_live_six_hours_at_most(own_server, name):
    client = own_server.client("lambda")
    own_server.function(name, WHO)
    first = call(client, name)["id"]
    assert call(client, name)["id"] == first
    own_server.cli("clock", "advance", "6h")
    assert call(client, name)["id"] != first


def test_weights_of_an_alias(server, name):
    """600 calls at one half: outside of 240 to 360 once in about a million runs."""
    client = server.client("lambda")
    server.function(name, {"app.py": "def handler(e, c):\n    return c.function_version\n"}, MemorySize=256)
    client.publish_version(FunctionName=name)
    client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": "def handler(e, c):\n    return c.function_version\n", "b": "1"}), Publish=True)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    seen = [client.invoke(FunctionName=name, Qualifier="live")["ExecutedVersion"] for _ in range(600)]
    assert 240 <= seen.count("2") <= 360
    client.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.0}})
    assert {client.invoke(FunctionName=name, Qualifier="live")["ExecutedVersion"] for _ in range(20)} == {"1"}
    client.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
    assert {client.invoke(FunctionName=name, Qualifier="live")["ExecutedVersion"] for _ in range(20)} == {"2"}


def test_recursive_loops(server, name):
    client = server.client("lambda")
    server.function(name, {"app.py": "import os\ndef handler(e, c):\n    return os.environ['_X_AMZN_TRACE_ID']\n"})
    assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"

    headers = {}
    client.meta.events.register("before-call.lambda.Invoke", lambda params, **_: params["headers"].update(headers))
    runs, error = 0, None
    for _ in range(20):
        try:
            headers["X-Amzn-Trace-Id"] = json.loads(client.invoke(FunctionName=name)["Payload"].read())
            runs += 1
        except ClientError as refusal:
            error = refusal.response
            break
    assert runs == 16 and error["Error"]["Code"] == "RecursiveInvocationException" and error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")["RecursiveLoop"] == "Allow"
    client.invoke(FunctionName=name)


def test_what_is_not_here_is_refused_by_name(server, name):
    client = server.client("lambda")
    role = server.role()
    base = dict(FunctionName=name, Role=role, Code={"ZipFile": zip_of(WHO)}, Runtime="python3.11", Handler="app.handler")
    for change, words in [
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "SnapStart"),
        ({"Architectures": ["arm64"]}, "Architecture arm64 cannot run here"),
        ({"PackageType": "Image", "Code": {"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:y"}}, "Image"),
        ({"EphemeralStorage": {"Size": 10241}}, "10240"),
        ({"Code": {"S3Bucket": "bucket", "S3Key": "key"}}, "Code from S3"),
        ({"CodeSigningConfigArn": "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-0123456789abcdef0"}, "CodeSigningConfigArn"),
    ]:
        with pytest.raises(ClientError) as error:
            client.create_function(**{**base, **change})
        assert words in error.value.response["Error"]["Message"], error.value.response["Error"]
    for operation, parameters in [
        ("create_code_signing_config", {"AllowedPublishers": {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/0123456789"]}}),
        ("list_code_signing_configs", {}),
        ("put_function_code_signing_config", {"FunctionName": name, "CodeSigningConfigArn": "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-0123456789abcdef0"}),
    ]:
        with pytest.raises(ClientError) as error:
            getattr(client, operation)(**parameters)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
        assert "CodeSigningConfig" in error.value.response["Error"]["Message"]
    client.create_function(**base, SnapStart={"ApplyOn": "None"}, EphemeralStorage={"Size": 10240}, Architectures=["x86_64"])
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert client.get_function_configuration(FunctionName=name)["EphemeralStorage"]["Size"] == 10240
