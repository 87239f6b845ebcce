"""CloudWatch Logs."""

import time

import pytest
from botocore.exceptions import ClientError


def test_groups_streams_events(server, name):
    logs = server.client("logs")
    logs.create_log_group(logGroupName=name, tags={"a": "b"})
    with pytest.raises(ClientError) as error:
        logs.create_log_group(logGroupName=name)
    assert error.value.response["Error"]["Code"] == "ResourceAlreadyExistsException"
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    now = int(time.time() * 1000)
    events = [{"timestamp": now - 2000 + i, "message": f"line {i} {'ERROR' if i % 10 == 0 else 'ok'}"} for i in range(100)]
    assert "rejectedLogEventsInfo" not in logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=events)
    page = logs.get_log_events(logGroupName=name, logStreamName="s", startFromHead=True, limit=60)
    rest = logs.get_log_events(logGroupName=name, logStreamName="s", startFromHead=True, nextToken=page["nextForwardToken"])
    assert [e["message"] for e in page["events"] + rest["events"]] == [e["message"] for e in events]
    end = logs.get_log_events(logGroupName=name, logStreamName="s", nextToken=rest["nextForwardToken"])
    assert end["events"] == [] and end["nextForwardToken"] == rest["nextForwardToken"]
    found = [e for p in logs.get_paginator("filter_log_events").paginate(logGroupName=name, filterPattern="ERROR") for e in p["events"]]
    assert len(found) == 10 and all("ERROR" in e["message"] for e in found)
    logs.put_retention_policy(logGroupName=name, retentionInDays=7)
    group = next(g for g in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"])
    assert group["retentionInDays"] == 7 and group["storedBytes"] >= 0
    logs.delete_log_group(logGroupName=name)
    with pytest.raises(ClientError) as error:
        logs.get_log_events(logGroupName=name, logStreamName="s")
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_function_logs(server, name):
    server.function(name, {"app.py": "def handler(e, c):\n    print('hello from', c.aws_request_id)\n"})
    request = server.client("lambda").invoke(FunctionName=name)["ResponseMetadata"]["RequestId"]
    logs = server.client("logs")
    deadline = time.monotonic() + 10
    while True:
        try:
            messages = [e["message"] for e in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
        except logs.exceptions.ResourceNotFoundException:
            messages = []
        if any(m.startswith("REPORT RequestId") for m in messages):
            break
        assert time.monotonic() < deadline, messages
        time.sleep(0.1)
    assert any(f"hello from {request}" in m for m in messages) and any(m.startswith(f"START RequestId: {request}") for m in messages)


def test_retention_is_acted_on(own_server):
    logs = own_server.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": int(time.time() * 1000), "message": "m"}])
    assert len(logs.get_log_events(logGroupName="g", logStreamName="s")["events"]) == 1
    assert own_server.cli("clock", "advance", "25h").returncode == 0
    later = own_server.aws("logs", "get-log-events", "--log-group-name", "g", "--log-stream-name", "s", check=False)
    own_server.cli("clock", "reset")
    assert later.returncode != 0 or '"events": []' in later.stdout  # the CLI's own clock is now 25 h behind: it may be told so
