"""Event source mappings of SQS queues through boto3 and the AWS CLI: what is sent is what the function gets, and what becomes of it."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from lambari import ACCOUNT, REGION
from test_async import advance, calls, role, until

COLLECT = {"app.py": """
import json
def handler(event, context):
    for record in event['Records']:
        print('CALL', record['messageId'], json.dumps({'body': record['body'], 'group': record['attributes'].get('MessageGroupId'),
              'receives': record['attributes']['ApproximateReceiveCount'], 'of': len(event['Records'])}))
    if any(record['body'].startswith('fail') for record in event['Records']):
        raise ValueError('boom')
"""}
PARTIAL = {"app.py": COLLECT["app.py"].replace("raise ValueError('boom')", "return {'batchItemFailures': [{'itemIdentifier': r['messageId']} "
                                               "for r in event['Records'] if r['body'].startswith('fail')]}")}


class Setup:
    """A queue with a dead-letter queue, and a function with a role that may read it."""

    def __init__(self, server, name, files=COLLECT, fifo=False, receives=2, visibility=30, **options):
        self.server, self.name = server, name
        self.sqs, self.client = server.client("sqs"), server.client("lambda")
        suffix, more = (".fifo", {"FifoQueue": "true", "ContentBasedDeduplication": "true"}) if fifo else ("", {})
        self.letters = self.sqs.create_queue(QueueName=f"{name}-dlq{suffix}", Attributes=more)["QueueUrl"]
        self.queue = self.sqs.create_queue(QueueName=name + suffix, Attributes=more | {
            "VisibilityTimeout": str(visibility),
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": self.arn(self.letters), "maxReceiveCount": receives})})["QueueUrl"]
        server.function(name, files, Role=role(server), **options)

    def arn(self, url):
        return self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def map(self, **options):
        made = self.client.create_event_source_mapping(EventSourceArn=self.arn(self.queue), FunctionName=self.name, **options)
        until(lambda: self.client.get_event_source_mapping(UUID=made["UUID"])["State"] in ("Enabled", "Disabled"))
        return made

    def bodies(self):
        return [call["body"] for _, call in calls(self.server, self.name)]

    def depth(self, url=None):
        a = self.sqs.get_queue_attributes(QueueUrl=url or self.queue, AttributeNames=["All"])["Attributes"]
        return int(a["ApproximateNumberOfMessages"]) + int(a["ApproximateNumberOfMessagesNotVisible"]) + int(a["ApproximateNumberOfMessagesDelayed"])

    def send(self, *bodies, **options):
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.queue, MessageBody=body, **options)


def test_messages_reach_the_function_and_are_deleted(server, name):
    s = Setup(server, name)
    s.send("before")
    made = s.map()
    assert made["State"] == "Creating" and made["StateTransitionReason"] == "USER_INITIATED" and made["BatchSize"] == 10
    assert made["EventSourceMappingArn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{made['UUID']}"
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    s.send("after", MessageAttributes={"k": {"DataType": "String", "StringValue": "v"}})
    until(lambda: sorted(s.bodies()) == ["after", "before"])
    until(lambda: s.depth() == 0)
    listed = server.aws("lambda", "list-event-source-mappings", "--function-name", name)["EventSourceMappings"]
    assert [m["UUID"] for m in listed] == [made["UUID"]] and listed[0]["State"] == "Enabled"


def test_a_poison_message_ends_in_the_dead_letter_queue(own_server, name):
    server = own_server
    s = Setup(server, name, receives=3)
    s.map(BatchSize=1)
    s.send("fail", "fine")
    until(lambda: s.bodies().count("fail") == 1 and "fine" in s.bodies())
    for attempt in (2, 3):
        time.sleep(0.2)
        advance(server, "31s")
        until(lambda: s.bodies().count("fail") == attempt)
    time.sleep(0.2)
    advance(server, "31s")
    until(lambda: s.depth(s.letters) == 1)
    assert s.depth() == 0 and s.bodies().count("fail") == 3 and s.bodies().count("fine") == 1
    received = s.sqs.receive_message(QueueUrl=s.letters)["Messages"]
    assert [m["Body"] for m in received] == ["fail"]


def test_partial_failures(own_server, name):
    server = own_server
    s = Setup(server, name, PARTIAL)
    s.map(Enabled=False, FunctionResponseTypes=["ReportBatchItemFailures"])
    s.send("a", "fail", "b")
    uuid = s.client.list_event_source_mappings(EventSourceArn=s.arn(s.queue))["EventSourceMappings"][0]["UUID"]
    assert s.client.update_event_source_mapping(UUID=uuid, Enabled=True)["State"] == "Enabling"
    until(lambda: sorted(s.bodies()) == ["a", "b", "fail"])
    until(lambda: s.depth() == 1)
    time.sleep(0.2)
    advance(server, "31s")
    until(lambda: s.bodies().count("fail") == 2)
    time.sleep(0.2)
    advance(server, "31s")
    until(lambda: s.depth(s.letters) == 1 and s.depth() == 0)
    assert s.bodies().count("a") == s.bodies().count("b") == 1


def test_fifo_keeps_the_order_of_each_group(own_server, name):
    server = own_server
    s = Setup(server, name, fifo=True, receives=5)
    s.map(BatchSize=3)
    for n in range(12):
        for group in "xyz":
            s.send(f"{group}{n}", MessageGroupId=group)
    until(lambda: len(s.bodies()) == 36, 40)
    for group in "xyz":
        assert [b for b in s.bodies() if b[0] == group] == [f"{group}{n}" for n in range(12)]
    until(lambda: s.depth() == 0)
    # A failure holds its group, and no other.
    s.send("fail", MessageGroupId="x")
    until(lambda: "fail" in s.bodies())
    s.send("x-later", MessageGroupId="x")
    s.send("y-later", MessageGroupId="y")
    until(lambda: "y-later" in s.bodies())
    assert "x-later" not in s.bodies()


def test_filters_drop_what_does_not_match(server, name):
    s = Setup(server, name)
    made = s.map(FilterCriteria={"Filters": [{"Pattern": json.dumps({"body": {"city": ["Natal"], "n": [{"numeric": [">", 5]}]}})}]})
    assert made["FilterCriteria"]["Filters"]
    s.send(json.dumps({"city": "Natal", "n": 6}), json.dumps({"city": "Natal", "n": 5}), json.dumps({"city": "Recife", "n": 9}), "Natal")
    until(lambda: s.depth() == 0)
    assert [json.loads(b) for b in until(s.bodies)] == [{"city": "Natal", "n": 6}]
    with pytest.raises(ClientError) as error:
        s.client.update_event_source_mapping(UUID=made["UUID"], FilterCriteria={"Filters": [{"Pattern": "{"}]})
    assert error.value.response["Error"]["Message"] == "Invalid filter pattern definition."


def test_a_window_gathers_a_large_batch(own_server, name):
    server = own_server
    s = Setup(server, name, visibility=600)
    s.map(BatchSize=1000, MaximumBatchingWindowInSeconds=300)
    for start in range(0, 40, 10):
        s.sqs.send_message_batch(QueueUrl=s.queue, Entries=[{"Id": str(n), "MessageBody": str(start + n)} for n in range(10)])
    time.sleep(2)
    assert s.bodies() == []
    advance(server, "5m")
    until(lambda: len(s.bodies()) == 40)
    assert {call["of"] for _, call in calls(server, name)} == {40}


def test_disable_update_delete_and_restart(own_server, name):
    server = own_server
    s = Setup(server, name)
    uuid = s.map()["UUID"]
    s.send("1")
    until(lambda: s.bodies() == ["1"])
    assert s.client.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] == "Disabling"
    until(lambda: s.client.get_event_source_mapping(UUID=uuid)["State"] == "Disabled")
    s.send("2")
    server.restart()
    s = again(s)
    time.sleep(0.5)
    assert s.depth() == 1 and s.client.get_event_source_mapping(UUID=uuid)["State"] == "Disabled"
    server.aws("lambda", "update-event-source-mapping", "--uuid", uuid, "--enabled", "--batch-size", 5)
    until(lambda: s.bodies() == ["1", "2"])
    until(lambda: s.client.get_event_source_mapping(UUID=uuid)["State"] == "Enabled")
    assert s.client.get_event_source_mapping(UUID=uuid)["BatchSize"] == 5
    server.restart()
    s = again(s)
    s.send("3")
    until(lambda: s.bodies() == ["1", "2", "3"])
    assert s.client.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"

    def gone():
        try:
            s.client.get_event_source_mapping(UUID=uuid)
        except s.client.exceptions.ResourceNotFoundException:
            return True
    until(gone)
    s.send("4")
    time.sleep(0.5)
    assert s.depth() == 1
    s.map()
    until(lambda: s.bodies() == ["1", "2", "3", "4"])


def again(setup):
    """The same queue and function after a restart of the server."""
    other = object.__new__(Setup)
    other.__dict__ = dict(setup.__dict__)
    other.sqs, other.client = setup.server.client("sqs"), setup.server.client("lambda")
    return other


def test_maximum_concurrency(server, name):
    s = Setup(server, name, {"app.py": """
import time
def handler(event, context):
    print('CALL', 'begin', time.time())
    time.sleep(0.3)
    print('CALL', 'end', time.time())
"""})
    s.map(BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    s.send(*"abcdefgh")
    until(lambda: s.depth() == 0)
    until(lambda: len(calls(server, name)) == 16)
    marks = sorted((when, what) for what, when in calls(server, name))
    inside = most = 0
    for _, what in marks:
        inside += 1 if what == "begin" else -1
        most = max(most, inside)
    assert most == 2


def test_what_aws_refuses(server, name):
    s = Setup(server, name, Timeout=10)
    queue = s.arn(s.queue)

    def refusal(code="InvalidParameterValueException", **options):
        with pytest.raises(ClientError) as error:
            s.client.create_event_source_mapping(**({"EventSourceArn": queue, "FunctionName": name} | options))
        assert error.value.response["Error"]["Code"] == code
        return error.value.response["Error"]["Message"]
    assert refusal(FunctionName="no-such") == "Function does not exist"
    assert refusal(BatchSize=11) == "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
    assert "NonExistentQueue" in refusal(EventSourceArn=queue + "x")
    short = s.sqs.create_queue(QueueName=name + "-short", Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
    assert refusal(EventSourceArn=s.arn(short)) == "Queue visibility timeout: 5 seconds is less than Function timeout: 10 seconds"
    server.function(name + "-poor", COLLECT)  # its role may only write logs
    assert refusal(FunctionName=name + "-poor") == "The function execution role does not have permissions to call ReceiveMessage on SQS"
    uuid = s.map()["UUID"]
    assert refusal("ResourceConflictException").endswith(f"Please update or delete the existing mapping with UUID {uuid}")


def test_dead_letters_and_destinations_of_events_are_messages(own_server, name):
    server = own_server
    s = Setup(server, name, {"app.py": "def handler(event, context):\n    if event.get('fail'):\n        raise ValueError('boom')\n    return 'well'\n"})
    s.client.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": s.arn(s.letters)})
    s.client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    s.client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0, DestinationConfig={
        "OnSuccess": {"Destination": s.arn(s.queue)}, "OnFailure": {"Destination": s.arn(s.queue)}})
    for payload in ({"n": 1}, {"fail": True}):
        answer = s.client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(payload))
        request_id = answer["ResponseMetadata"]["RequestId"]
        message, = s.sqs.receive_message(QueueUrl=s.queue, WaitTimeSeconds=10)["Messages"]
        record = json.loads(message["Body"])
        assert record["requestContext"]["condition"] == ("RetriesExhausted" if payload.get("fail") else "Success")
        assert record["requestContext"]["requestId"] == request_id and record["requestPayload"] == payload
        s.sqs.delete_message(QueueUrl=s.queue, ReceiptHandle=message["ReceiptHandle"])
    letter, = s.sqs.receive_message(QueueUrl=s.letters, WaitTimeSeconds=10, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(letter["Body"]) == {"fail": True}
    assert {k: (v["DataType"], v["StringValue"]) for k, v in letter["MessageAttributes"].items()} == {
        "RequestID": ("String", request_id), "ErrorCode": ("Number", "200"), "ErrorMessage": ("String", "boom")}
    # Six hours without room: the event is too old. With reserved concurrency 0 it is not even tried.
    s.sqs.delete_message(QueueUrl=s.letters, ReceiptHandle=letter["ReceiptHandle"])
    s.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    s.client.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    message, = s.sqs.receive_message(QueueUrl=s.queue, WaitTimeSeconds=10)["Messages"]
    assert json.loads(message["Body"])["requestContext"]["condition"] == "ZeroReservedConcurrency"


def test_an_event_ages_for_six_hours(own_server, name):
    server = own_server
    s = Setup(server, name, {"app.py": "import time\ndef handler(event, context):\n    time.sleep(event['s'])\n"}, Timeout=20)
    s.client.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnFailure": {"Destination": s.arn(s.queue)}})
    s.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    s.client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"s": 8}')
    time.sleep(0.5)
    s.client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"s": 0}')  # throttled
    time.sleep(0.5)
    advance(server, "5h59m")
    time.sleep(0.5)
    assert s.depth() == 0
    advance(server, "6m")
    message, = s.sqs.receive_message(QueueUrl=s.queue, WaitTimeSeconds=10)["Messages"]
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "EventAgeExceeded" and record["requestContext"]["approximateInvokeCount"] == 0
    assert record["requestPayload"] == {"s": 0} and record["responseContext"]["statusCode"] == 429


def test_topics_take_records_and_letters_and_feed_functions(own_server, name):
    server = own_server
    s = Setup(server, name, {"app.py": "def handler(event, context):\n    if event.get('fail'):\n        raise ValueError('boom')\n    return 'well'\n"})
    sns = server.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=s.arn(s.queue), Attributes={"RawMessageDelivery": "true"})
    s.sqs.set_queue_attributes(QueueUrl=s.queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": s.arn(s.queue)}]})})
    s.client.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": topic})
    s.client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    s.client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0, DestinationConfig={"OnSuccess": {"Destination": topic}})
    for payload in ({"n": 1}, {"fail": True}):
        s.client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(payload))
        message, = s.sqs.receive_message(QueueUrl=s.queue, WaitTimeSeconds=10, MessageAttributeNames=["All"])["Messages"]
        s.sqs.delete_message(QueueUrl=s.queue, ReceiptHandle=message["ReceiptHandle"])
        if payload.get("fail"):
            assert json.loads(message["Body"]) == payload and message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "boom"
        else:
            assert json.loads(message["Body"])["requestContext"]["condition"] == "Success"
    # A topic calls a function that allows it, and no other.
    server.function(name + "-fed", {"app.py": "import json\ndef handler(event, context):\n"
                                              "    print('CALL', context.aws_request_id, json.dumps(event['Records'][0]['Sns']['Message']))\n"})
    other = sns.create_topic(Name=name + "-other")["TopicArn"]
    for source in (topic, other):
        sns.subscribe(TopicArn=source, Protocol="lambda", Endpoint=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}-fed")
    s.client.add_permission(FunctionName=name + "-fed", StatementId="topic", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com", SourceArn=topic)
    sns.publish(TopicArn=other, Message="not allowed")
    sns.publish(TopicArn=topic, Message="hello")
    assert [body for _, body in until(lambda: calls(server, name + "-fed"))] == ["hello"]
