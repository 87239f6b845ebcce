"""Asynchronous invocation through boto3 and the AWS CLI: acceptance, retries by the moved clock, destinations, dead letters, restart."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from lambari import ACCOUNT, REGION

# Writes each call into its log, fails as the event says, and answers what it got.
WORKER = {"app.py": """
import json
def handler(event, context):
    print('CALL', context.aws_request_id, json.dumps(event, sort_keys=True))
    if isinstance(event, dict) and event.get('fail'):
        raise ValueError('boom')
    return {'done': event}
"""}
DESTINATIONS = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["lambda:InvokeFunction", "sqs:*", "sns:Publish"], "Resource": "*"}]}


def arn(name):
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def role(server):
    result = server.role("async-role")
    server.client("iam").put_role_policy(RoleName="async-role", PolicyName="destinations", PolicyDocument=json.dumps(DESTINATIONS))
    return result


def calls(server, name):
    """What the function was called with: [request id, event]."""
    logs = server.client("logs")
    try:
        events = [e for page in logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}", filterPattern="CALL")
                  for e in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [(e["message"].split(" ", 2)[1], json.loads(e["message"].split(" ", 2)[2])) for e in events if e["message"].startswith("CALL")]


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def advance(server, text):
    done = server.cli("clock", "advance", text)
    assert done.returncode == 0, done.stderr


def send(client, name, event, **options):
    answer = client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event), **options)
    assert answer["StatusCode"] == 202 and answer["Payload"].read() == b"" and "FunctionError" not in answer
    return answer["ResponseMetadata"]["RequestId"]


def test_an_event_is_accepted_and_runs(server, name):
    client = server.client("lambda")
    server.function(name, WORKER)
    request_id = send(client, name, {"n": 1})
    assert until(lambda: calls(server, name)) == [(request_id, {"n": 1})]
    # The CLI, and the deprecated operation.
    answer = server.aws("lambda", "invoke", "--function-name", name, "--invocation-type", "Event", "--payload", '{"n": 2}',
                        *(["--cli-binary-format", "raw-in-base64-out"] if "aws-cli/2" in server.aws("--version", check=False).stdout else []),
                        "/dev/null")
    assert answer["StatusCode"] == 202
    assert client.invoke_async(FunctionName=name, InvokeArgs=b'{"n": 3}')["Status"] == 202
    until(lambda: sorted(event["n"] for _, event in calls(server, name)) == [1, 2, 3])
    with pytest.raises(ClientError) as error:
        send(client, name, "x" * 1_048_576)
    assert error.value.response["Error"]["Code"] == "RequestEntityTooLargeException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    with pytest.raises(ClientError) as error:
        send(client, "no-such-function", {})
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_retries_then_destination(own_server, name):
    server = own_server
    client = server.client("lambda")
    execution = role(server)
    server.function(name, WORKER, Role=execution)
    server.function(name + "-failed", WORKER, Role=execution)
    put = client.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnFailure": {"Destination": arn(name + "-failed")}})
    assert put["FunctionArn"] == arn(name) + ":$LATEST"
    assert put["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {"Destination": arn(name + "-failed")}}
    request_id = send(client, name, {"fail": True, "n": 12})
    until(lambda: len(calls(server, name)) == 1)
    time.sleep(0.6)
    advance(server, "40s")
    time.sleep(0.3)
    assert len(calls(server, name)) == 1, "the first retry comes after one minute"
    advance(server, "20s")
    until(lambda: len(calls(server, name)) == 2)
    time.sleep(0.6)
    advance(server, "100s")
    time.sleep(0.3)
    assert len(calls(server, name)) == 2, "the second one after two more"
    server.restart()
    advance(server, "4m")  # a new process begins at the machine's time
    until(lambda: len(calls(server, name)) == 3)
    assert {call[0] for call in calls(server, name)} == {request_id}
    (_, record), = until(lambda: calls(server, name + "-failed"))
    assert record["version"] == "1.0" and record["timestamp"].endswith("Z")
    assert record["requestContext"] == {"requestId": request_id, "functionArn": arn(name) + ":$LATEST", "condition": "RetriesExhausted",
                                        "approximateInvokeCount": 3}
    assert record["requestPayload"] == {"fail": True, "n": 12}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert record["responsePayload"]["errorMessage"] == "boom" and record["responsePayload"]["errorType"] == "ValueError"


def test_success_destination_of_an_alias(server, name):
    client = server.client("lambda")
    execution = role(server)
    server.function(name, WORKER, Role=execution)
    server.function(name + "-well", WORKER, Role=execution)
    version = client.publish_version(FunctionName=name)["Version"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    client.put_function_event_invoke_config(FunctionName=name, Qualifier="live", MaximumRetryAttempts=0,
                                            DestinationConfig={"OnSuccess": {"Destination": arn(name + "-well")}})
    request_id = send(client, name, {"n": 1}, Qualifier="live")
    send(client, name, {"n": 2})  # $LATEST has no destination
    (_, record), = until(lambda: calls(server, name + "-well"))
    assert record["requestContext"] == {"requestId": request_id, "functionArn": arn(name) + ":live", "condition": "Success",
                                        "approximateInvokeCount": 1}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": version}
    assert record["responsePayload"] == {"done": {"n": 1}}


def test_throttled_events_wait_until_there_is_room(own_server, name):
    server = own_server
    client = server.client("lambda")
    server.function(name, {"app.py": "import time\ndef handler(e, c):\n    time.sleep(0.3)\n    print('CALL', c.aws_request_id, e['n'])\n"})
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    for n in range(5):
        send(client, name, {"n": n})

    def moved():
        advance(server, "10s")
        return sorted(event for _, event in calls(server, name)) == list(range(5))
    until(moved, 40)


def test_configuration_through_its_life(own_server, name):
    server = own_server
    client = server.client("lambda")
    server.function(name, WORKER)
    with pytest.raises(client.exceptions.ResourceNotFoundException) as error:
        client.get_function_event_invoke_config(FunctionName=name)
    assert error.value.response["Error"]["Message"] == f"The function {arn(name)}:$LATEST doesn't have an EventInvokeConfig"
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.put_function_event_invoke_config(FunctionName=name)
    for flag, value in (("--maximum-retry-attempts", 3), ("--maximum-event-age-in-seconds", 21601)):
        result = server.aws("lambda", "put-function-event-invoke-config", "--function-name", name, flag, value, check=False)
        assert result.returncode != 0 and "ValidationException" in result.stderr, result.stderr
    server.aws("lambda", "put-function-event-invoke-config", "--function-name", name, "--maximum-retry-attempts", 0,
               "--maximum-event-age-in-seconds", 60)
    client.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    server.restart()
    client = server.client("lambda")
    config = client.get_function_event_invoke_config(FunctionName=name)
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (1, 60)
    assert len(client.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]) == 1
    client.delete_function_event_invoke_config(FunctionName=name)
    assert client.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"] == []
    with pytest.raises(client.exceptions.InvalidParameterValueException) as error:
        client.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnFailure": {"Destination": arn("other")}})
    assert "does not have permissions to call InvokeFunction on " + arn("other") in error.value.response["Error"]["Message"]
