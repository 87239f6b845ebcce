"""What reaches a function's log: the order of Lambda's own lines, JSON documents, levels."""

import base64
import json
import time

import pytest
from botocore.exceptions import ClientError


def messages(server, group, count, wanted=lambda lines: True):
    """The events of a group once there are at least `count`."""
    logs = server.client("logs")
    deadline = time.monotonic() + 20
    while True:
        try:
            lines = [event["message"].rstrip("\n") for event in logs.filter_log_events(logGroupName=group)["events"]]
        except ClientError:
            lines = []
        if (len(lines) >= count and wanted(lines)) or time.monotonic() > deadline:
            return lines
        time.sleep(0.1)


def test_text_lines_come_in_order(server, name):
    client = server.client("lambda")
    server.function(name, {"app.py": "print('loading')\ndef handler(e, c):\n    print('called')\n"})
    tail = base64.b64decode(client.invoke(FunctionName=name, LogType="Tail")["LogResult"]).decode()
    assert tail.index("START RequestId") < tail.index("called") < tail.index("END RequestId") < tail.index("REPORT RequestId")
    lines = messages(server, f"/aws/lambda/{name}", 6)
    assert [line.split()[0] for line in lines] == ["INIT_START", "loading", "START", "called", "END", "REPORT"]
    assert "Init Duration" in lines[5]


def test_a_failed_init_is_tried_again_in_the_invocation(server, name):
    client = server.client("lambda")
    server.function(name, {"app.py": "import os\nprint('try')\nos._exit(1)\n"}, Timeout=5)
    answer = client.invoke(FunctionName=name)
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "Runtime.ExitError"
    lines = messages(server, f"/aws/lambda/{name}", 8)
    words = [line.split()[0] for line in lines]
    assert words[:5] == ["INIT_START", "try", "INIT_REPORT", "try", "INIT_REPORT"], lines
    assert "Phase: init\tStatus: error\tError Type: Runtime.ExitError" in lines[2] and "Phase: invoke" in lines[4]
    assert words[5] == "START" and words[-1] == "REPORT"


@pytest.mark.parametrize("runtime,handler,files", [
    ("python3.12", "app.handler", {"app.py": """
import logging
log = logging.getLogger()
def handler(event, context):
    log.debug('too little')
    log.warning('a warning')
    log.error('an error')
"""}),
    ("nodejs20.x", "app.handler", {"app.mjs": """
export const handler = async () => { console.debug('too little'); console.warn('a warning'); console.error('an error'); };
"""}),
])
def test_json(server, name, runtime, handler, files):
    client = server.client("lambda")
    group = f"/custom/{name}"
    server.function(name, files, runtime=runtime, handler=handler, Timeout=10,
                    LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "WARN", "SystemLogLevel": "INFO", "LogGroup": group})
    assert client.get_function_configuration(FunctionName=name)["LoggingConfig"] == {
        "LogFormat": "JSON", "ApplicationLogLevel": "WARN", "SystemLogLevel": "INFO", "LogGroup": group}
    answer = client.invoke(FunctionName=name)
    assert "FunctionError" not in answer, answer["Payload"].read()
    request_id = answer["ResponseMetadata"]["RequestId"]
    documents = [json.loads(line) for line in messages(server, group, 5)]
    assert [d.get("type", d.get("message")) for d in documents] == ["platform.initStart", "platform.start", "a warning", "an error", "platform.report"]
    assert [d["level"] for d in documents if "level" in d][-1] == "ERROR"
    report = documents[-1]["record"]
    assert report["requestId"] == request_id and report["status"] == "success"
    assert report["metrics"]["memorySizeMB"] == 128 and report["metrics"]["initDurationMs"] > 0

    # Less of the system's, all of the application's.
    client.update_function_configuration(FunctionName=name, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "SystemLogLevel": "WARN"})
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    client.invoke(FunctionName=name)
    documents = [json.loads(line) for line in messages(server, group, 8)][5:]
    assert [d.get("type", d.get("message")) for d in documents] == ["too little", "a warning", "an error"]
    with pytest.raises(ClientError) as error:
        client.update_function_configuration(FunctionName=name, LoggingConfig={"LogFormat": "Text", "SystemLogLevel": "WARN"})
    assert "LogLevel is not supported when LogFormat is set to" in error.value.response["Error"]["Message"]
