"""Every operation of SQS that the installed boto3 knows, and a topic that feeds a queue; run by test_clients.py with boto3 of today (json)
and of 2020 (the query protocol). Prints what it called, and how."""

import json
import sys
import time

import boto3

url, name = sys.argv[1:]
options = dict(endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
sqs, sns = boto3.client("sqs", **options), boto3.client("sns", **options)
called, protocols = set(), set()


def seen(model, params, **_):
    called.add(model.name)
    protocols.add(params["headers"]["Content-Type"].split(";")[0])


sqs.meta.events.register("before-call.sqs", seen)


def attributes(queue):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]


def receive(queue, count=1):
    messages, deadline = [], time.monotonic() + 20
    while len(messages) < count and time.monotonic() < deadline:
        messages += sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1, AttributeNames=["All"],
                                        MessageAttributeNames=["All"]).get("Messages", [])
    assert len(messages) == count, messages
    return messages


# Queues, their attributes and tags.
letters = sqs.create_queue(QueueName=name + "-letters", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
arn = attributes(letters)["QueueArn"]
redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})
queue = sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "0", "VisibilityTimeout": "600"}, tags={"team": "a"})["QueueUrl"]
sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MaximumMessageSize": "2048"})
assert attributes(queue)["MaximumMessageSize"] == "2048" and attributes(queue)["VisibilityTimeout"] == "600"
assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == queue
assert set(sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]) == {queue, letters}
sqs.tag_queue(QueueUrl=queue, Tags={"stage": "x", "cost": "y"})
sqs.untag_queue(QueueUrl=queue, TagKeys=["team", "cost"])
assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"stage": "x"}
sqs.add_permission(QueueUrl=queue, Label="let-in", AWSAccountIds=["111111111111"], Actions=["SendMessage", "ReceiveMessage"])
statement, = json.loads(attributes(queue)["Policy"])["Statement"]
assert statement["Sid"] == "let-in" and sorted(statement["Action"]) == ["SQS:ReceiveMessage", "SQS:SendMessage"], statement
sqs.remove_permission(QueueUrl=queue, Label="let-in")
assert "Policy" not in attributes(queue) or not json.loads(attributes(queue)["Policy"])["Statement"]

# Messages, one by one and in batches that fail in part.
given = {"city": {"DataType": "String", "StringValue": "Bel\u00e9m"}, "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-a-b"}}
sent = sqs.send_message(QueueUrl=queue, MessageBody="ol\u00e1 <&>", MessageAttributes=given, MessageSystemAttributes=trace)
message, = receive(queue)
assert message["Body"] == "ol\u00e1 <&>" and message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
assert message["MessageAttributes"]["city"]["StringValue"] == "Bel\u00e9m" and message["MessageAttributes"]["raw"]["BinaryValue"] == b"\x00\xff"
assert message["Attributes"]["AWSTraceHeader"] == "Root=1-a-b"
sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
message, = receive(queue)
assert message["Attributes"]["ApproximateReceiveCount"] == "2"
sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
answer = sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2"},
                                                         {"Id": "c", "MessageBody": "3", "DelaySeconds": 901}])
assert [e["Id"] for e in answer["Successful"]] == ["a", "b"]
assert [(e["Id"], e["Code"], e["SenderFault"]) for e in answer["Failed"]] == [("c", "InvalidParameterValue", True)]
messages = receive(queue, 2)
answer = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=[
    {"Id": str(n), "ReceiptHandle": m["ReceiptHandle"], "VisibilityTimeout": 0} for n, m in enumerate(messages)]
    + [{"Id": "bad", "ReceiptHandle": "nonsense", "VisibilityTimeout": 0}])
assert len(answer["Successful"]) == 2 and [(e["Id"], e["Code"]) for e in answer["Failed"]] == [("bad", "ReceiptHandleIsInvalid")], answer
answer = sqs.delete_message_batch(QueueUrl=queue, Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(receive(queue, 2))]
                                  + [{"Id": "bad", "ReceiptHandle": "nonsense"}])
assert len(answer["Successful"]) == 2 and [(e["Id"], e["Code"]) for e in answer["Failed"]] == [("bad", "ReceiptHandleIsInvalid")], answer

# Dead letters, and their way back.
sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "0"})
assert sqs.list_dead_letter_source_queues(QueueUrl=letters)["queueUrls"] == [queue]
sqs.send_message(QueueUrl=queue, MessageBody="poison")
receive(queue)
assert sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []) == []
assert receive(letters)[0]["Body"] == "poison"
if hasattr(sqs, "start_message_move_task"):
    task = sqs.start_message_move_task(SourceArn=arn, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    try:
        moved = sqs.cancel_message_move_task(TaskHandle=task)["ApproximateNumberOfMessagesMoved"]
        assert moved in (0, 1), moved
    except sqs.exceptions.ResourceNotFoundException:
        pass  # it was over before
    tasks = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
    assert tasks[0]["SourceArn"] == arn and tasks[0]["Status"] in ("COMPLETED", "CANCELLING", "CANCELLED"), tasks

# What is not there, and the end.
try:
    sqs.get_queue_url(QueueName=name + "-missing")
    raise AssertionError("a queue that is not there was found")
except sqs.exceptions.QueueDoesNotExist as error:
    assert error.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue", error.response
sqs.purge_queue(QueueUrl=letters)
assert attributes(letters)["ApproximateNumberOfMessages"] == "0"

# A topic.
topic = sns.create_topic(Name=name, Tags=[{"Key": "k", "Value": "v"}])["TopicArn"]
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
                                                  "Resource": "*", "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}]}
sqs.set_queue_attributes(QueueUrl=letters, Attributes={"Policy": json.dumps(policy), "VisibilityTimeout": "30"})
subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"FilterPolicy": json.dumps({"kind": ["a"]})})["SubscriptionArn"]
for kind in ("b", "a"):
    sns.publish(TopicArn=topic, Subject="s", Message=f"kind {kind}", MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}})
document = json.loads(receive(letters)[0]["Body"])
assert document["Message"] == "kind a" and document["Subject"] == "s" and document["TopicArn"] == topic
assert [s["SubscriptionArn"] for s in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]] == [subscription]
assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "k", "Value": "v"}]
sns.unsubscribe(SubscriptionArn=subscription)
sns.delete_topic(TopicArn=topic)
for made in (queue, letters):
    sqs.delete_queue(QueueUrl=made)
assert not sqs.list_queues(QueueNamePrefix=name).get("QueueUrls")
print(json.dumps({"version": boto3.__version__, "called": sorted(called), "protocols": sorted(protocols)}))
