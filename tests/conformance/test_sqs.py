"""Amazon SQS."""

import base64
import hashlib
import json
import subprocess
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import requests
from botocore.exceptions import ClientError
from lambari import ACCOUNT, REGION, Lambari


def error_of(call, *arguments, **options):
    with pytest.raises(ClientError) as error:
        call(*arguments, **options)
    return error.value.response["Error"]["Code"]


def drain(sqs, url, **options):
    bodies = []
    while True:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **options).get("Messages", [])
        if not messages:
            return bodies
        bodies += [m["Body"] for m in messages]
        done = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)])
        assert "Failed" not in done or not done["Failed"]


def counts(sqs, url):
    a = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return [int(a["ApproximateNumberOfMessages" + n]) for n in ("", "NotVisible", "Delayed")]


def test_a_message_from_end_to_end(server, name):
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name, tags={"team": "a"})["QueueUrl"]
    assert url == f"{server.url}/{ACCOUNT}/{name}"
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert url in sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]
    attributes = {"city": {"DataType": "String", "StringValue": "Belém"}, "n": {"DataType": "Number.int", "StringValue": "7"},
                  "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    # boto3 itself compares the digest of the body; the attributes' are compared here.
    sent = sqs.send_message(QueueUrl=url, MessageBody="olá", MessageAttributes=attributes,
                            MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-a-b"}})
    assert sent["MD5OfMessageBody"] == hashlib.md5("olá".encode()).hexdigest()
    message = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"])["Messages"][0]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"] and message["MessageId"] == sent["MessageId"]
    assert {k: (v["DataType"], v.get("StringValue") or v["BinaryValue"]) for k, v in message["MessageAttributes"].items()} == {
        "city": ("String", "Belém"), "n": ("Number.int", "7"), "raw": ("Binary", b"\x00\xff")}
    assert message["Attributes"]["AWSTraceHeader"] == "Root=1-a-b" and message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert counts(sqs, url) == [0, 1, 0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert counts(sqs, url) == [0, 0, 0]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "a"}
    sqs.tag_queue(QueueUrl=url, Tags={"x": "y"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"x": "y"}
    # Any host may name the queue.
    assert sqs.send_message(QueueUrl=f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}", MessageBody="m")["MessageId"]
    sqs.delete_queue(QueueUrl=url)
    assert error_of(sqs.send_message, QueueUrl=url, MessageBody="m") == "AWS.SimpleQueueService.NonExistentQueue"
    assert error_of(sqs.create_queue, QueueName=name) == "AWS.SimpleQueueService.QueueDeletedRecently"


def test_codes_of_errors(server, name):
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as error:
        sqs.get_queue_url(QueueName="no-such-queue")
    assert error.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert error.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    entry = {"MessageBody": "m"}
    batches = [([], "EmptyBatchRequest"), ([{"Id": str(n), **entry} for n in range(11)], "TooManyEntriesInBatchRequest"),
               ([{"Id": "a", **entry}] * 2, "BatchEntryIdsNotDistinct"), ([{"Id": "a b", **entry}], "InvalidBatchEntryId"),
               ([{"Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)], "BatchRequestTooLong")]
    for entries, code in batches:
        assert error_of(sqs.send_message_batch, QueueUrl=url, Entries=entries) == "AWS.SimpleQueueService." + code
    assert error_of(sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11) == "InvalidParameterValue"
    assert error_of(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=21) == "InvalidParameterValue"
    assert error_of(sqs.send_message, QueueUrl=url, MessageBody="\x01") == "InvalidMessageContents"
    assert error_of(sqs.delete_message, QueueUrl=url, ReceiptHandle="x") == "ReceiptHandleIsInvalid"
    assert error_of(sqs.create_queue, QueueName=name, Attributes={"VisibilityTimeout": "1"}) == "QueueAlreadyExists"
    assert error_of(sqs.set_queue_attributes, QueueUrl=url, Attributes={"VisibilityTimeout": "-1"}) == "InvalidAttributeValue"
    assert error_of(sqs.set_queue_attributes, QueueUrl=url, Attributes={"Nope": "1"}) == "InvalidAttributeName"
    answer = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "good", **entry}, {"Id": "bad", "MessageBody": "m", "DelaySeconds": 901}])
    assert [e["Id"] for e in answer["Successful"]] == ["good"]
    assert [(e["Id"], e["Code"], e["SenderFault"]) for e in answer["Failed"]] == [("bad", "InvalidParameterValue", True)]
    # Largest message, and one byte more.
    big = "x" * (1 << 20)
    sqs.purge_queue(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody=big)
    assert drain(sqs, url) == [big]
    assert error_of(sqs.send_message, QueueUrl=url, MessageBody=big + "x") == "InvalidParameterValue"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "1024"})
    assert error_of(sqs.send_message, QueueUrl=url, MessageBody="x" * 1025) == "InvalidParameterValue"
    assert error_of(sqs.purge_queue, QueueUrl=url) == "AWS.SimpleQueueService.PurgeQueueInProgress"


def test_a_course_lab_fills_and_drains_a_queue(server, name):
    sqs = server.client("sqs")
    for options, more in (({"QueueName": name}, {}),
                          ({"QueueName": name + ".fifo", "Attributes": {"FifoQueue": "true", "ContentBasedDeduplication": "true"}}, {"MessageGroupId": "g"})):
        url = sqs.create_queue(**options)["QueueUrl"]
        for start in range(0, 3000, 10):
            sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": str(start + n), **more} for n in range(10)])
        assert counts(sqs, url) == [3000, 0, 0]
        bodies = drain(sqs, url, WaitTimeSeconds=1)
        assert sorted(map(int, bodies)) == list(range(3000))
        if more:
            assert bodies == [str(n) for n in range(3000)]
        assert counts(sqs, url) == [0, 0, 0]


def test_long_polls_wake(server, name):
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes={"ReceiveMessageWaitTimeSeconds": "20"})["QueueUrl"]
    got = []
    workers = [threading.Thread(target=lambda: got.append(server.client("sqs").receive_message(QueueUrl=url)["Messages"][0]["Body"])) for _ in range(8)]
    for worker in workers:
        worker.start()
    time.sleep(0.3)
    begin = time.monotonic()
    for n in range(8):
        sqs.send_message(QueueUrl=url, MessageBody=str(n))
    for worker in workers:
        worker.join(timeout=15)
    assert sorted(got) == [str(n) for n in range(8)] and time.monotonic() - begin < 15
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)


def test_restart_update_and_clock(own_server):
    sqs = own_server.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    for n in range(5):
        sqs.send_message(QueueUrl=url, MessageBody=str(n))
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    held = sqs.receive_message(QueueUrl=url)["Messages"][0]
    own_server.restart()
    assert counts(sqs, url) == [4, 1, 1]
    own_server.kill()
    own_server.start()
    assert counts(sqs, url) == [4, 1, 1]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})})
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=held["ReceiptHandle"])  # a handle outlives the restart
    for expected in (4, 5):
        assert own_server.cli("clock", "advance", "11m").returncode == 0
        got = [m for _ in range(2) for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60).get("Messages", [])]
        assert len(got) == expected
    assert own_server.cli("clock", "advance", "2m").returncode == 0
    # Those that were received twice go; the late one comes a second time.
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [m["Body"] for m in got] == ["later"]
    assert counts(sqs, dead) == [4, 0, 0]
    task = sqs.start_message_move_task(SourceArn=arn)["TaskHandle"]
    deadline = time.monotonic() + 10
    while sqs.list_message_move_tasks(SourceArn=arn)["Results"][0]["Status"] != "COMPLETED":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert counts(sqs, url) == [4, 1, 0] and task
    assert own_server.cli("clock", "advance", "5d").returncode == 0
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    assert own_server.cli("nuke", "--yes").returncode == 0 or own_server.cli("nuke").returncode == 0
    assert sqs.list_queues().get("QueueUrls", []) == []


def test_the_end_of_the_server_lets_long_polls_go(own_server):
    url = own_server.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    answers = []
    worker = threading.Thread(target=lambda: answers.append(own_server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)))
    worker.start()
    time.sleep(1)
    begin = time.monotonic()
    assert own_server.stop() == 0
    worker.join(timeout=10)
    assert time.monotonic() - begin < 15 and "Messages" not in answers[0]


def test_policies_are_evaluated(server, name):
    sqs, other = server.client("sqs"), server.client("sqs", key="111111111111")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert error_of(other.send_message, QueueUrl=url, MessageBody="m") in ("AccessDenied", "AccessDeniedException")
    sqs.add_permission(QueueUrl=url, Label="let-in", AWSAccountIds=["111111111111"], Actions=["SendMessage"])
    assert other.send_message(QueueUrl=url, MessageBody="m")["MessageId"]
    assert error_of(other.receive_message, QueueUrl=url) in ("AccessDenied", "AccessDeniedException")
    assert error_of(other.delete_queue, QueueUrl=url) in ("AccessDenied", "AccessDeniedException")
    assert error_of(sqs.add_permission, QueueUrl=url, Label="let-in", AWSAccountIds=["111111111111"], Actions=["SendMessage"]) == "InvalidParameterValue"
    sqs.remove_permission(QueueUrl=url, Label="let-in")
    assert error_of(other.send_message, QueueUrl=url, MessageBody="m") in ("AccessDenied", "AccessDeniedException")


def query(server, action, url=None, **parameters):
    """The older protocol, as SDKs spoke it until 2023: a signed form, answered in XML."""
    target = url or server.url + "/"
    body = urllib.parse.urlencode({"Action": action, "Version": "2012-11-05", **({"QueueUrl": url} if url else {}), **parameters})
    request = botocore.awsrequest.AWSRequest("POST", target, data=body, headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials("test", "test"), "sqs", REGION).add_auth(request)
    answer = requests.post(target, data=body, headers=dict(request.headers), timeout=30)
    text = answer.text.replace(' xmlns="http://queue.amazonaws.com/doc/2012-11-05/"', "")
    return answer.status_code, ElementTree.fromstring(text)


def test_the_query_protocol(server, name):
    status, xml = query(server, "CreateQueue", QueueName=name, **{"Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "5", "Tag.1.Key": "k", "Tag.1.Value": "v"})
    assert status == 200 and xml.tag == "CreateQueueResponse"
    url = xml.findtext("CreateQueueResult/QueueUrl")
    assert url == f"{server.url}/{ACCOUNT}/{name}" and xml.findtext("ResponseMetadata/RequestId")
    status, xml = query(server, "SendMessage", url, MessageBody="a <b> & c", **{
        "MessageAttribute.1.Name": "n", "MessageAttribute.1.Value.DataType": "Number", "MessageAttribute.1.Value.StringValue": "5",
        "MessageAttribute.2.Name": "b", "MessageAttribute.2.Value.DataType": "Binary", "MessageAttribute.2.Value.BinaryValue": base64.b64encode(b"\x01").decode()})
    assert status == 200 and xml.findtext("SendMessageResult/MD5OfMessageBody") == hashlib.md5(b"a <b> & c").hexdigest()
    status, xml = query(server, "SendMessageBatch", url, **{"SendMessageBatchRequestEntry.1.Id": "x", "SendMessageBatchRequestEntry.1.MessageBody": "two"})
    assert xml.findtext("SendMessageBatchResult/SendMessageBatchResultEntry/Id") == "x"
    status, xml = query(server, "ReceiveMessage", url, MaxNumberOfMessages="10", **{"AttributeName.1": "All", "MessageAttributeName.1": "All"})
    messages = xml.findall("ReceiveMessageResult/Message")
    assert [m.findtext("Body") for m in messages] == ["a <b> & c", "two"]
    assert {a.findtext("Name"): a.findtext("Value") for a in messages[0].findall("Attribute")}["ApproximateReceiveCount"] == "1"
    assert {a.findtext("Name"): a.findtext("Value/StringValue") for a in messages[0].findall("MessageAttribute")} == {"n": "5", "b": None}
    entries = {f"DeleteMessageBatchRequestEntry.{n}.{k}": v for n, m in enumerate(messages, 1) for k, v in (("Id", str(n)), ("ReceiptHandle", m.findtext("ReceiptHandle")))}
    status, xml = query(server, "DeleteMessageBatch", url, **entries)
    assert len(xml.findall("DeleteMessageBatchResult/DeleteMessageBatchResultEntry")) == 2
    status, xml = query(server, "GetQueueAttributes", url, **{"AttributeName.1": "VisibilityTimeout", "AttributeName.2": "ApproximateNumberOfMessages"})
    assert {a.findtext("Name"): a.findtext("Value") for a in xml.findall("GetQueueAttributesResult/Attribute")} == {"VisibilityTimeout": "5", "ApproximateNumberOfMessages": "0"}
    status, xml = query(server, "ListQueueTags", url)
    assert (xml.findtext("ListQueueTagsResult/Tag/Key"), xml.findtext("ListQueueTagsResult/Tag/Value")) == ("k", "v")
    status, xml = query(server, "GetQueueUrl", QueueName="no-such-queue")
    assert (status, xml.findtext("Error/Code"), xml.findtext("Error/Type")) == (400, "AWS.SimpleQueueService.NonExistentQueue", "Sender")
    status, xml = query(server, "SendMessage", url)
    assert (status, xml.findtext("Error/Code")) == (400, "MissingParameter")
    # The oldest clients send to the queue's URL and name it nowhere else.
    body = "Action=GetQueueAttributes&Version=2012-11-05&AttributeName.1=QueueArn"
    request = botocore.awsrequest.AWSRequest("GET", f"{url}/?{body}")
    botocore.auth.SigV4Auth(botocore.credentials.Credentials("test", "test"), "sqs", REGION).add_auth(request)
    answer = requests.get(f"{url}/?{body}", headers=dict(request.headers), timeout=30)
    assert answer.status_code == 200 and f":{name}</Value>" in answer.text, answer.text
    status, xml = query(server, "DeleteQueue", url)
    assert status == 200 and xml.tag == "DeleteQueueResponse"


def test_move_tasks_in_the_query_protocol(server, name):
    """Of the operations that the clients of 2020 do not know; test_clients.py has the others."""
    sqs = server.client("sqs")
    letters = sqs.create_queue(QueueName=name + "-letters")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})})["QueueUrl"]
    for n in range(3):
        sqs.send_message(QueueUrl=letters, MessageBody=str(n))
    destination = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    status, xml = query(server, "StartMessageMoveTask", SourceArn=arn, DestinationArn=destination, MaxNumberOfMessagesPerSecond="1")
    task = xml.findtext("StartMessageMoveTaskResult/TaskHandle")
    assert status == 200 and task
    status, xml = query(server, "ListMessageMoveTasks", SourceArn=arn, MaxResults="5")
    entry = xml.find("ListMessageMoveTasksResult/ListMessageMoveTasksResultEntry")
    assert status == 200 and entry.findtext("SourceArn") == arn and entry.findtext("DestinationArn") == destination
    assert entry.findtext("Status") == "RUNNING" and entry.findtext("TaskHandle") == task and entry.findtext("MaxNumberOfMessagesPerSecond") == "1"
    status, xml = query(server, "CancelMessageMoveTask", TaskHandle=task)
    assert status == 200 and int(xml.findtext("CancelMessageMoveTaskResult/ApproximateNumberOfMessagesMoved")) < 3
    status, xml = query(server, "CancelMessageMoveTask", TaskHandle="nonsense")
    assert (status, xml.findtext("Error/Type")) == (400, "Sender")


class Crowd:
    """Receives from a queue, far more often than three hundred times a second, for as long as it is there."""

    def __init__(self, url):
        target = f"{url}?Action=ReceiveMessage&Version=2012-11-05"
        request = botocore.awsrequest.AWSRequest("GET", target)
        botocore.auth.SigV4Auth(botocore.credentials.Credentials("test", "test"), "sqs", REGION).add_auth(request)
        headers = [part for name, value in request.headers.items() for part in ("-H", f"{name}: {value}")]
        self.command = ["wrk", "-t1", "-c16", "-d300s", *headers, target]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def refusal(call):
    """The first that comes; a call between two refusals may get through."""
    return next(refused for refused in (call() for _ in range(10_000)) if refused)


def test_fifo_queues_throttle(server, name):
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name + ".fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]

    def by_json():
        try:
            sqs.receive_message(QueueUrl=url)
        except ClientError as error:
            return error.response

    def by_query():
        status, xml = query(server, "ReceiveMessage", url)
        return status != 200 and (status, xml.findtext("Error/Code"), xml.findtext("Error/Type"))
    with Crowd(url):
        response = refusal(by_json)
        assert response["Error"]["Code"] == "RequestThrottled" and response["ResponseMetadata"]["HTTPStatusCode"] == 403
        assert response["Error"]["Message"].startswith("Request is throttled.")
        assert refusal(by_query) == (403, "RequestThrottled", "Sender")
        sqs.send_message(QueueUrl=url, MessageBody="m", MessageGroupId="g", MessageDeduplicationId="1")  # another action has room of its own
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"})
        assert not any(by_json() for _ in range(20))
    for attributes in ({"DeduplicationScope": "queue"}, {"FifoThroughputLimit": "perGroup"}):
        assert error_of(sqs.set_queue_attributes, QueueUrl=url, Attributes=attributes) == "InvalidAttributeValue"
    standard = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert error_of(sqs.set_queue_attributes, QueueUrl=standard, Attributes={"FifoThroughputLimit": "perQueue"}) == "InvalidAttributeName"


def test_throttling_may_be_turned_off(name):
    server = Lambari("--throttling", "none").start()
    try:
        sqs = server.client("sqs")
        url = sqs.create_queue(QueueName=name + ".fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        with Crowd(url):
            for _ in range(100):
                sqs.receive_message(QueueUrl=url)
    finally:
        server.close()


@pytest.mark.parametrize("program", [None, "/usr/bin/aws"])
def test_the_aws_cli(server, name, program):
    if program and subprocess.run(["test", "-x", program]).returncode:
        pytest.skip("no AWS CLI v2 on this machine")
    aws = lambda *arguments: server.aws("sqs", *arguments, program=program)  # noqa: E731
    url = aws("create-queue", "--queue-name", name, "--attributes", "DelaySeconds=0")["QueueUrl"]
    aws("send-message", "--queue-url", url, "--message-body", "from the command line")
    message = aws("receive-message", "--queue-url", url, "--wait-time-seconds", "5")["Messages"][0]
    assert message["Body"] == "from the command line"
    aws("change-message-visibility", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"], "--visibility-timeout", "0")
    message = aws("receive-message", "--queue-url", url, "--attribute-names", "All")["Messages"][0]
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"
    aws("delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
    assert aws("get-queue-attributes", "--queue-url", url, "--attribute-names", "ApproximateNumberOfMessages")["Attributes"]["ApproximateNumberOfMessages"] == "0"
    aws("delete-queue", "--queue-url", url)


FUNCTIONS = {
    "python3.11": {"app.py": """
import os, boto3
def handler(event, context):
    sqs = boto3.client('sqs')
    url = sqs.get_queue_url(QueueName=os.environ['QUEUE'])['QueueUrl']
    for target in (url, os.environ['QUEUE_URL']):
        sqs.send_message(QueueUrl=target, MessageBody='from python')
    return url
"""},
    "nodejs20.x": {"app.js": """
const { SQSClient, GetQueueUrlCommand, SendMessageCommand } = require('@aws-sdk/client-sqs');
exports.handler = async () => {
  const sqs = new SQSClient({});
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: process.env.QUEUE }));
  for (const target of [QueueUrl, process.env.QUEUE_URL])
    await sqs.send(new SendMessageCommand({ QueueUrl: target, MessageBody: 'from node' }));
  return QueueUrl;
};
"""},
}


@pytest.mark.parametrize("runtime", FUNCTIONS)
def test_a_function_sends_by_any_url(server, name, runtime):
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    role = server.role("sender")
    server.client("iam").put_role_policy(RoleName="sender", PolicyName="send", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:GetQueueUrl"], "Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"}]}))
    server.function(name, FUNCTIONS[runtime], runtime=runtime, Role=role, Timeout=30, MemorySize=256, Environment={"Variables": {"QUEUE": name, "QUEUE_URL": url}})
    answer = server.client("lambda").invoke(FunctionName=name)
    payload = answer["Payload"].read()
    assert "FunctionError" not in answer, payload
    assert json.loads(payload).endswith(f"/{ACCOUNT}/{name}")
    assert len(drain(sqs, url)) == 2
