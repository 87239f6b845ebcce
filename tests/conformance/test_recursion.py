"""A function that goes round in a loop with a queue, a topic or itself is stopped after 16 times, unless it is allowed to."""

import json
import re

import pytest
import requests
from lambari import ACCOUNT, REGION, zip_of
from test_async import advance, until
from test_event_sources import Setup
from test_sns import make_queue, take

MOST = 16

# Each passes on what it got, plus one, to where it came from; with a queue, up to 24.
WITH_QUEUE = {"python3.11": {"app.py": """
import boto3
def handler(event, context):
    sqs = boto3.client('sqs')
    for record in event['Records']:
        if int(record['body']) < 24:
            url = sqs.get_queue_url(QueueName=record['eventSourceARN'].split(':')[-1])['QueueUrl']
            sqs.send_message(QueueUrl=url, MessageBody=str(int(record['body']) + 1))
"""}, "nodejs20.x": {"app.js": """
const { SQSClient, GetQueueUrlCommand, SendMessageBatchCommand } = require('@aws-sdk/client-sqs');
exports.handler = async (event) => {
  const sqs = new SQSClient({});
  for (const record of event.Records) {
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: record.eventSourceARN.split(':').pop() }));
    const MessageBody = String(Number(record.body) + 1);
    if (MessageBody <= 24) await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: '1', MessageBody }] }));
  }
};
"""}}
WITH_TOPIC = {"app.py": """
import boto3
def handler(event, context):
    for record in event['Records']:
        boto3.client('sns').publish(TopicArn=record['Sns']['TopicArn'], Message=str(int(record['Sns']['Message']) + 1))
"""}
WITH_ITSELF = {"app.py": """
import boto3, json
def handler(event, context):
    boto3.client('lambda').invoke(FunctionName=context.function_name, InvocationType='Event', Payload=json.dumps({'n': event['n'] + 1}))
"""}


def letter(setup, url=None):
    return until(lambda: setup.sqs.receive_message(QueueUrl=url or setup.letters, WaitTimeSeconds=1).get("Messages"))[0]["Body"]


def allow(setup):
    assert setup.client.put_function_recursion_config(FunctionName=setup.name, RecursiveLoop="Allow")["RecursiveLoop"] == "Allow"


def records(server):
    """(failed, processed) of the server's one mapping."""
    text = requests.get(f"{server.url}/_lambari/metrics", timeout=10).text
    return tuple(int(float(re.search(rf"^lambari_lambda_source_records_{kind}_total (\S+)$", text, re.M).group(1))) for kind in ("failed", "deleted"))


@pytest.mark.parametrize("runtime", WITH_QUEUE)
def test_with_a_queue(own_server, name, runtime):
    s = Setup(own_server, name, WITH_QUEUE[runtime], receives=1, runtime=runtime, MemorySize=256, Timeout=20)
    s.map()
    s.send("0")
    until(lambda: records(own_server) == (1, MOST), 60)
    assert s.depth() == 1 and s.depth(s.letters) == 0
    advance(own_server, "31s")  # it has been received as often as the redrive policy allows
    assert letter(s) == str(MOST)
    assert s.depth() == 0
    # A message of another chain is not held up by it, and what is allowed goes round.
    allow(s)
    s.send("1")
    until(lambda: records(own_server) == (1, MOST + 24), 60)
    assert s.depth() == 0


def test_with_a_topic_and_with_itself(own_server, name):
    s = Setup(own_server, name, WITH_TOPIC, Timeout=20)
    sns = own_server.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    arn = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")["SubscriptionArn"]
    s.client.add_permission(FunctionName=name, StatementId="topic", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com", SourceArn=topic)
    s.client.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnFailure": {"Destination": s.arn(s.letters)}})
    sns.publish(TopicArn=topic, Message="0")
    record = json.loads(letter(s))
    assert record["requestPayload"]["Records"][0]["Sns"]["Message"] == str(MOST)
    assert record["requestContext"]["approximateInvokeCount"] == 0
    sns.unsubscribe(SubscriptionArn=arn)

    s.client.update_function_code(FunctionName=name, ZipFile=zip_of(WITH_ITSELF))
    s.client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    s.client.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnFailure": {"Destination": s.arn(s.queue)}})
    s.client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n": 0}')
    assert json.loads(letter(s, s.queue))["requestPayload"] == {"n": MOST}


def test_a_topic_hands_the_trace_on_to_queues(server, name):
    sns = server.client("sns")
    sns.meta.events.register("before-call.sns", lambda params, **_: params["headers"].update({"X-Amzn-Trace-Id": "Root=1-2-3;Lineage=1:0123abcd:3"}))
    topic = sns.create_topic(Name=name)["TopicArn"]
    url, queue = make_queue(server, name)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    sns.publish(TopicArn=topic, Message="m")
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "1", "Message": "m"}])
    assert {m["Attributes"]["AWSTraceHeader"] for m in take(server, url, 2)} == {"Root=1-2-3;Lineage=1:0123abcd:3"}
