"""Answers that come while the function makes them, as boto3 and the AWS SDK for JavaScript v3 see them."""

import base64
import json
import pathlib
import shutil
import subprocess
import time

import pytest
from botocore.exceptions import ClientError
from lambari import REGION, ROOT, zip_of

STREAM = {"app.mjs": """
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.setContentType('text/plain');
  for (let i = 0; i < event.count; i++) {
    stream.write(`piece ${i};`);
    await new Promise((done) => setTimeout(done, event.pause ?? 0));
  }
  if (event.fail) throw new RangeError('half way');
  if (event.hang) await new Promise((done) => setTimeout(done, 60000));
  const megabyte = Buffer.alloc(1 << 20, 'x');
  for (let i = 0; i < (event.megabytes ?? 0); i++)
    if (!stream.write(megabyte)) await new Promise((done) => stream.once('drain', done));
  console.log('written');
  stream.end();
  if (event.after) {
    await new Promise((done) => setTimeout(done, event.after));
    console.log('after the end');
  }
});
"""}


def stream(client, name, payload, **options):
    """The pieces with the seconds at which they came, and the last event."""
    answer = client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(payload), **options)
    assert answer["StatusCode"] == 200 and answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    pieces, complete = [], None
    for event in answer["EventStream"]:
        assert complete is None, "something came after InvokeComplete"
        if "PayloadChunk" in event:
            pieces.append((time.monotonic(), event["PayloadChunk"]["Payload"]))
        else:
            complete = event["InvokeComplete"]
    return pieces, complete, answer


def test_pieces_come_as_they_are_written(server, name):
    client = server.client("lambda")
    server.function(name, STREAM, runtime="nodejs22.x", Timeout=10)
    stream(client, name, {"count": 1})  # warm
    pieces, complete, answer = stream(client, name, {"count": 4, "pause": 250}, LogType="Tail")
    assert b"".join(piece for _, piece in pieces) == b"piece 0;piece 1;piece 2;piece 3;"
    assert len(pieces) == 4 and pieces[-1][0] - pieces[0][0] > 0.5, "they came together"
    assert answer["ExecutedVersion"] == "$LATEST"
    log = base64.b64decode(complete["LogResult"]).decode()
    assert "written" in log and "REPORT RequestId" in log and "ErrorCode" not in complete


def test_more_than_a_buffered_answer_may_have(server, name):
    client = server.client("lambda")
    server.function(name, STREAM, runtime="nodejs20.x", Timeout=60, MemorySize=512)
    pieces, complete, _ = stream(client, name, {"count": 0, "megabytes": 24})
    assert sum(len(piece) for _, piece in pieces) == 24 << 20 and "ErrorCode" not in complete
    assert pieces[-1][0] - pieces[0][0] > 7, "the first 6 MB come at once, 18 more at 2 MB/s"
    buffered = client.invoke(FunctionName=name, Payload=json.dumps({"count": 0, "megabytes": 7}))
    assert buffered["FunctionError"] == "Unhandled" and json.loads(buffered["Payload"].read())["errorType"] == "Function.ResponseSizeTooLarge"
    assert client.invoke(FunctionName=name, Payload=json.dumps({"count": 2}))["Payload"].read() == b"piece 0;piece 1;"


@pytest.mark.parametrize("runtime", ["nodejs22.x", "nodejs24.x"])
def test_failures_are_told_at_the_end(server, name, runtime):
    client = server.client("lambda")
    server.function(name, STREAM, runtime=runtime, Timeout=2)
    pieces, complete, _ = stream(client, name, {"count": 2, "fail": True})
    assert b"".join(piece for _, piece in pieces) == b"piece 0;piece 1;"
    assert complete["ErrorCode"] == "Unhandled"
    assert json.loads(complete["ErrorDetails"])["errorType"] == "RangeError"
    pieces, complete, _ = stream(client, name, {"count": 1, "hang": True})
    assert pieces[0][1] == b"piece 0;" and complete["ErrorCode"] == "Unhandled" and "timed out" in complete["ErrorDetails"]
    assert stream(client, name, {"count": 1})[0][0][1] == b"piece 0;"


@pytest.mark.parametrize("runtime", ["nodejs22.x", "nodejs24.x"])
def test_a_function_works_on_after_the_end_of_its_stream(server, name, runtime):
    client = server.client("lambda")
    server.function(name, STREAM, runtime=runtime, Timeout=2)
    _, complete, _ = stream(client, name, {"count": 1, "after": 500}, LogType="Tail")
    assert "after the end" in base64.b64decode(complete["LogResult"]).decode()
    answer = client.invoke(FunctionName=name, Payload=json.dumps({"count": 1, "after": 500}), LogType="Tail")
    assert answer["Payload"].read() == b"piece 0;" and "after the end" in base64.b64decode(answer["LogResult"]).decode()
    _, complete, _ = stream(client, name, {"count": 1, "after": 60000})
    assert "timed out" in complete["ErrorDetails"]


def test_a_client_that_leaves_stops_nothing(server, name):
    client = server.client("lambda")
    server.function(name, STREAM, runtime="nodejs22.x", Timeout=10)
    answer = client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps({"count": 8, "pause": 50, "megabytes": 4}))
    next(iter(answer["EventStream"]))
    answer["EventStream"].close()
    logs, deadline = server.client("logs"), time.monotonic() + 20
    while not any("written" in e["message"] for e in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_functions_that_do_not_stream_and_calls_that_are_refused(server, name):
    client = server.client("lambda")
    server.function(name, {"app.py": "def handler(event, context):\n    if event: raise ValueError('no')\n    return {'a': 1}\n"})
    pieces, complete, _ = stream(client, name, {})
    assert [piece for _, piece in pieces] == [b'{"a": 1}'] and complete == {}
    pieces, complete, _ = stream(client, name, {"x": 1})
    assert pieces == [] and json.loads(complete["ErrorDetails"])["errorType"] == "ValueError"
    assert client.invoke_with_response_stream(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    for arguments, code, status in [({"FunctionName": name + "x"}, "ResourceNotFoundException", 404),
                                    ({"FunctionName": name, "Payload": "{"}, "InvalidRequestContentException", 400),
                                    ({"FunctionName": name, "Qualifier": "7"}, "ResourceNotFoundException", 404)]:
        with pytest.raises(ClientError) as error:
            client.invoke_with_response_stream(**arguments)
        assert error.value.response["Error"]["Code"] == code and error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as error:
        client.invoke_with_response_stream(FunctionName=name)
    assert error.value.response["Error"]["Code"] == "TooManyRequestsException"


def test_the_javascript_sdk(server, name):
    server.function(name, STREAM, runtime="nodejs20.x", Timeout=10)
    modules = ROOT / ".cache/node"
    shutil.copy(ROOT / "tests/conformance/sdk_v3_stream.mjs", modules / "sdk_v3_stream.mjs")
    node = next((p for p in sorted((ROOT / ".cache/runtimes").glob("**/bin/node"), reverse=True)), pathlib.Path("/usr/bin/node"))
    done = subprocess.run([node, modules / "sdk_v3_stream.mjs", name], env=server.environment() | {"AWS_REGION": REGION},
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [piece["text"] for piece in report["pieces"]] == ["piece 0;", "piece 1;", "piece 2;"]
    assert report["pieces"][2]["at"] - report["pieces"][0]["at"] > 300
    assert report["complete"]["ErrorCode"] == "Unhandled" and "RangeError" in report["complete"]["ErrorDetails"]
