"""Powertools for AWS Lambda, for Python and for TypeScript: the examples of their documentation, and what comes of them in queues, tables,
streams, APIs and logs. https://docs.aws.amazon.com/powertools/python/latest/ and .../typescript/latest/. The functions are in powertools/."""

import base64
import json
import pathlib
import re
import threading
import time

import pytest
from lambari import ROOT
from test_function_url import open_to_all, visit
from test_http_api import quick_api
from test_runtimes import call
from test_stream_sources import Setup

FUNCTIONS = pathlib.Path(__file__).parent / "powertools"
SITE = next((ROOT / ".cache/venv/lib").glob("python3*/site-packages"))
NODE = ROOT / ".cache/node"

both = pytest.mark.parametrize("language", ["python", "typescript"])


def installed(folder, *names):
    """Files of installed packages, as a deployment package carries them."""
    files = {}
    for name in names:
        for path in (folder / name).rglob("*"):
            if path.is_file() and path.suffix not in (".pyc", ".map") and not path.name.endswith((".d.ts", ".md")):
                files[str(path.relative_to(folder))] = path.read_bytes()
    return files


def dependencies(name, found):
    """An npm package and what it needs that AWS's runtime has not."""
    folder = NODE / "node_modules" / name
    if name not in found and folder.exists():
        found.add(name)
        package = json.loads((folder / "package.json").read_text())
        # Of what may be wanted beside it, the runtime has AWS's SDK.
        for each in [*package.get("dependencies", {}), *(peer for peer in package.get("peerDependencies", {}) if "powertools" in peer)]:
            dependencies(each, found)
    return found


def package(language, function):
    """Files and options of one of the functions."""
    if language == "python":
        files = installed(SITE, "aws_lambda_powertools", "jmespath", "aws_xray_sdk", "wrapt")
        files["typing_extensions.py"] = (SITE / "typing_extensions.py").read_bytes()
        return files | {"app.py": (FUNCTIONS / f"{function}.py").read_bytes()}, {"runtime": "python3.11"}
    source = (FUNCTIONS / f"{function}.mjs").read_text()
    found = set()
    for name in re.findall(r"'(@aws-lambda-powertools/[a-z-]+|@middy/core)", source):
        dependencies(name, found)
    files = installed(NODE, *(f"node_modules/{each}" for each in sorted(found)))
    return files | {"app.mjs": source}, {"runtime": "nodejs22.x"}


def deploy(server, name, language, function, *actions, **variables):
    files, options = package(language, function)
    if actions:
        options["Role"] = server.role(f"{name}-role")
        server.client("iam").put_role_policy(RoleName=f"{name}-role", PolicyName="own", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}))
    server.function(name, files, Timeout=60, MemorySize=512, Environment={"Variables": variables}, **options)


READS_QUEUES = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility")
KEEPS_RECORDS = ("dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")


def until(found, seconds=60):
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)
    return value


def lines(server, name):
    logs = server.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        return [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def story(server, name):
    """What was done and what failed, in order."""
    return [found.group() for line in lines(server, name) if (found := re.search(r"(DONE|FAILED|CREATING)( \S+)?", line))]


def documents(log):
    """The JSON documents of a log. Lines of Node.js's console begin with the time and the request."""
    found = []
    for line in log.splitlines():
        try:
            found.append(json.loads(line[line.index("{"):]))
        except ValueError:
            pass
    return found


def table(server, name, sort=None):
    dynamodb = server.client("dynamodb")
    keys = {"id": "HASH"} | ({sort: "RANGE"} if sort else {})
    dynamodb.create_table(TableName=name, KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
                          AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys], BillingMode="PAY_PER_REQUEST")
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return dynamodb


def items(server, name):
    return server.client("dynamodb").scan(TableName=name)["Items"]


def queue(server, name, **attributes):
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "120", **attributes})["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def left(server, url):
    found = server.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])


def sqs_event(*bodies):
    return {"Records": [{"messageId": f"m{i}", "receiptHandle": "r", "body": json.dumps(body), "attributes": {}, "messageAttributes": {},
                         "md5OfBody": "x", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q", "awsRegion": "us-east-1"}
                        for i, body in enumerate(bodies)]}


# -- batches

@both
def test_a_batch_of_which_one_message_fails(own_server, name, language):
    """What fails comes again and goes to the dead letters, what is well goes at once."""
    server = own_server
    sqs, client = server.client("sqs"), server.client("lambda")
    dead, dead_arn = queue(server, name + "-dead")
    url, arn = queue(server, name, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1}))
    deploy(server, name, language, "batch", *READS_QUEUES, POWERTOOLS_SERVICE_NAME="order")
    # Asked directly, it names the one that failed and no other.
    assert call(server, name, sqs_event({"item": "one"}, {"item": "bad"}, {"item": "two"}))[0] == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert call(server, name, sqs_event({"item": "one"}, {"item": "two"}))[0] == {"batchItemFailures": []}
    answer = client.invoke(FunctionName=name, Payload=json.dumps(sqs_event({"item": "bad"}, {"item": "bad"})))
    assert json.loads(answer["Payload"].read())["errorType"] == {"python": "BatchProcessingError", "typescript": "FullBatchFailureError"}[language]
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": word, "MessageBody": json.dumps({"item": word})} for word in ("one", "bad", "two")])
    client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name, BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"])
    until(lambda: left(server, url) == 1)  # both good ones are deleted
    assert server.cli("clock", "advance", "3m").returncode == 0
    messages = until(lambda: sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages"))
    assert [json.loads(message["Body"])["item"] for message in messages] == ["bad"] and left(server, url) == 0


@both
def test_a_fifo_batch_stops_at_what_fails(own_server, name, language):
    """What comes after it in the queue is not done before it."""
    server = own_server
    sqs = server.client("sqs")
    url, arn = queue(server, name + ".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": word, "MessageBody": word, "MessageGroupId": "g"} for word in ("one", "bad", "two")])
    deploy(server, name, language, "fifo", *READS_QUEUES)
    server.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName=name, BatchSize=10,
                                                        FunctionResponseTypes=["ReportBatchItemFailures"])
    until(lambda: left(server, url) == 2)
    assert server.cli("clock", "advance", "3m").returncode == 0
    until(lambda: left(server, url) == 0)
    assert until(lambda: len(story(server, name)) == 4) and story(server, name) == ["DONE one", "FAILED bad", "DONE bad", "DONE two"]


@both
def test_a_batch_of_a_stream_goes_on_from_what_failed(server, name, language):
    files, options = package(language, "stream")
    s = Setup(server, name, files, Timeout=60, MemorySize=512, **options)
    s.put("one", "bad", "two")
    s.map(BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"])
    assert until(lambda: len(story(server, name)) == 5)
    assert story(server, name) == ["DONE one", "FAILED bad", "DONE two", "DONE bad", "DONE two"]


# -- idempotency

@both
def test_idempotency_in_dynamodb(server, name, language):
    dynamodb = table(server, name)
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification={"AttributeName": "expiration", "Enabled": True})
    deploy(server, name, language, "payments", *KEEPS_RECORDS, IDEMPOTENCY_TABLE=name)
    first, log = call(server, name, {"user_id": "xyz", "product_id": "123456789"})
    assert first["statusCode"] == 200 and "CREATING" in log
    again, log = call(server, name, {"product_id": "123456789", "user_id": "xyz"})
    assert again == first and "CREATING" not in log  # not paid twice
    other = call(server, name, {"user_id": "xyz", "product_id": "2"})[0]
    assert other["payment_id"] != first["payment_id"]
    kept = items(server, name)
    assert len(kept) == 2 and {item["status"]["S"] for item in kept} == {"COMPLETED"} and all("expiration" in item for item in kept)
    assert all(item["id"]["S"].startswith(name) and "#" in item["id"]["S"] for item in kept)
    # One that fails leaves nothing, and may be tried again.
    answer = server.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"nobody": 1}))
    assert json.loads(answer["Payload"].read())["errorType"] == "PaymentError"
    assert len(items(server, name)) == 2
    # One that is under way is not begun a second time.
    slow, answers = {"user_id": "xyz", "product_id": "3", "seconds": 5}, []
    caller = threading.Thread(target=lambda: answers.append(call(server, name, slow)[0]))
    caller.start()
    until(lambda: any(item["status"]["S"] == "INPROGRESS" for item in items(server, name)))
    answer = server.client("lambda").invoke(FunctionName=name, Payload=json.dumps(slow))
    assert json.loads(answer["Payload"].read())["errorType"] == "IdempotencyAlreadyInProgressError"
    caller.join()
    again, log = call(server, name, slow)
    assert [again] == answers and "CREATING" not in log
    # One that ran out of time is begun again.
    client, slow = server.client("lambda"), {"user_id": "xyz", "product_id": "4", "seconds": 50}
    client.update_function_configuration(FunctionName=name, Timeout=2)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    for _ in range(2):
        answer = client.invoke(FunctionName=name, Payload=json.dumps(slow), LogType="Tail")
        assert "Task timed out after 2.00 seconds" in json.loads(answer["Payload"].read())["errorMessage"]
        assert "CREATING" in base64.b64decode(answer["LogResult"]).decode()


@both
def test_idempotent_records_of_a_batch(server, name, language):
    """The same messages once more: those that were done are not done again, the one that failed is. One that is another by the same name is
    refused."""
    table(server, name, sort="sort_key")
    deploy(server, name, language, "records", *KEEPS_RECORDS, IDEMPOTENCY_TABLE=name)
    for expected in (["DONE m0", "DONE m1", "DONE m2"], ["DONE m1"]):
        answer, log = call(server, name, sqs_event({"a": 1}, {"fail": True}, {"a": 3}))
        assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
        assert re.findall(r"DONE \S+", log) == expected
    kept = items(server, name)
    assert len(kept) == 2 and {item["id"]["S"] for item in kept} == {f"idempotency#{name}"} and all("validation" in item for item in kept)
    answer, log = call(server, name, sqs_event({"a": 2}, {"b": 1}, {"a": 3}))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]} and re.findall(r"DONE \S+", log) == ["DONE m1"]


# -- logger, metrics, tracer

@both
def test_logs_and_metrics(server, name, language):
    deploy(server, name, language, "logged")
    answer, log = call(server, name, {"order": "o-1", "requestContext": {"requestId": "correlation-1"}})
    assert answer == "o-1"
    seen = documents(log)
    collecting = next(one for one in seen if one.get("message") == "Collecting payment")
    for key, value in {"level": "INFO", "service": "payment", "function_name": name, "cold_start": True, "correlation_id": "correlation-1", "order_id": "o-1",
                       "function_memory_size": {"python": "512", "typescript": "512"}[language]}.items():
        assert str(collecting[key]) == str(value), key
    assert collecting["function_arn"].endswith(f":function:{name}") and collecting["function_request_id"] in log
    assert next(one for one in seen if one.get("message") == "Received an exception")["level"] == "ERROR" and "something went wrong" in log

    def metric(called):
        found, = [one for one in seen if called in one]
        directive, = found["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "ExampleApplication" and called in [each["Name"] for each in directive["Metrics"]]
        return found, directive
    booked, directive = metric("SuccessfulBooking")
    assert booked["SuccessfulBooking"] == [1, 2] and booked["environment"] == "prod" and booked["service"] == "booking" and booked["booking_id"] == "o-1"
    assert sorted(directive["Dimensions"][0]) == ["environment", "service"]
    assert metric("ColdStart")[0]["function_name"] == name and metric("Single")[0]["kind"] == "alone"
    # The second call: no cold start, and the first one's order is forgotten.
    log = call(server, name, {"order": "o-2", "requestContext": {"requestId": "correlation-2"}})[1]
    seen = documents(log)
    collecting = next(one for one in seen if one.get("message") == "Collecting payment")
    assert collecting["cold_start"] is False and collecting["order_id"] == "o-2" and not any("ColdStart" in one for one in seen)
    assert "o-1" not in log


@both
def test_the_tracer_sends_segments(server, name, language):
    deploy(server, name, language, "traced")
    client = server.client("lambda")
    root, parent = "1-5759e988-bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
    client.meta.events.register("before-call.lambda.Invoke", lambda params, **_: params["headers"].update(
        {"X-Amzn-Trace-Id": f"Root={root};Parent={parent};Sampled=1"}))
    answer = json.loads(client.invoke(FunctionName=name, Payload=json.dumps({"charge_id": "c-1"}))["Payload"].read())
    assert answer["answer"] == "dummy payment collected for charge: c-1", answer
    handled = next(segment for segment in answer["segments"] if "handler" in segment["name"])
    assert handled["trace_id"] == root and handled["parent_id"] == parent and handled["annotations"] == {"ColdStart": True, "Service": "payment"}
    everything = json.dumps(answer["segments"])
    assert '"PaymentId": "c-1"' in everything and '"payment_context": {"charge": "c-1"}' in everything and "dummy payment collected" in everything


# -- parameters, event handler

@both
def test_parameters_in_a_table(server, name, language):
    dynamodb = table(server, name)
    table(server, name + "-many", sort="sk")
    for key, value in {"my-parameter": "one", "my-document": '{"a": [1]}'}.items():
        dynamodb.put_item(TableName=name, Item={"id": {"S": key}, "value": {"S": value}})
    for key in ("a", "b"):
        dynamodb.put_item(TableName=name + "-many", Item={"id": {"S": "config"}, "sk": {"S": key}, "value": {"S": key * 2}})
    dynamodb.put_item(TableName=name + "-many", Item={"id": {"S": "other"}, "sk": {"S": "c"}, "value": {"S": "no"}})
    deploy(server, name, language, "configured", "dynamodb:GetItem", "dynamodb:Query", TABLE=name)
    expected = {"one": "one", "document": {"a": [1]}, "cached": "one", "fresh": "one", "many": {"a": "aa", "b": "bb"}}
    assert call(server, name)[0] == expected
    dynamodb.put_item(TableName=name, Item={"id": {"S": "my-parameter"}, "value": {"S": "two"}})
    assert call(server, name)[0]["fresh"] == "two"


@both
def test_routes_of_an_http_api(server, name, language):
    deploy(server, name, language, "routed")
    api = quick_api(server, name)
    answer = server.api(api, "/todos/1?expand=yes")
    assert answer.status_code == 200 and answer.json() == {"todos": {"id": "1", "title": "wash the fish"}, "expand": "yes"}
    assert answer.headers["Content-Type"] == "application/json"
    answer = server.api(api, "/todos", method="POST", json={"id": "2", "title": "dry it"})
    assert answer.status_code == 201 and answer.json() == {"created": "2"}
    assert server.api(api, "/todos/2").json()["todos"]["title"] == "dry it"
    missing = server.api(api, "/todos/3")
    assert missing.status_code == 404 and missing.json()["message"] == "no todo 3" and missing.json()["statusCode"] == 404
    assert server.api(api, "/elsewhere").status_code == 404
    # The same behind a function URL.
    client = server.client("lambda")
    url = client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    open_to_all(client, name)
    assert visit(server, url, "/todos/1").json()["todos"]["id"] == "1" and visit(server, url, "/todos/9").status_code == 404


# -- circuit breaker

def test_a_circuit_breaker_in_dynamodb(server, name):
    """Of Python alone. While the circuit is open, orders go to a queue and the backend is left alone."""
    dynamodb = table(server, name)
    url, _ = queue(server, name)
    deploy(server, name, "python", "circuit", *KEEPS_RECORDS, "sqs:SendMessage", TABLE=name, QUEUE=url)
    client = server.client("lambda")
    for n in range(2):
        answer = client.invoke(FunctionName=name, Payload=json.dumps({"n": n, "fail": True}))
        assert json.loads(answer["Payload"].read())["errorType"] == "ConnectionError"
    assert [item["state"]["S"] for item in items(server, name)] == ["OPEN"]
    answer, log = call(server, name, {"n": 2})
    assert answer == {"buffered": "payment-backend"} and "DONE" not in log
    message, = server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"]) == {"n": 2}
    # An hour later it is tried again.
    item, = items(server, name)
    dynamodb.put_item(TableName=name, Item=item | {"opened_at": {"N": str(int(item["opened_at"]["N"]) - 3601)}})
    assert call(server, name, {"n": 3})[0] == {"charged": 3}
    assert [item["state"]["S"] for item in items(server, name)] == ["CLOSED"]
