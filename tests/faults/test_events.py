"""kill -9 while events wait and queues are drained: what was acknowledged happens at least once.

The second test is the pipeline of a serverless course: a queue is filled with batches of ten, a function moves each message to another
queue, what it cannot move ends in a dead-letter queue; nothing is lost, whatever dies meanwhile.
"""

import json
import os
import time

import pytest
from botocore.exceptions import BotoCoreError
from crash import ROUNDS, Load, drain, kill_under_load
from lambari import Lambari

MESSAGES = int(os.environ.get("LAMBARI_PIPELINE_MESSAGES", "3000"))
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]})

# Sends its event to the queue that the variable names.
REPORTER = {"app.py": """
import boto3, json, os
sqs = boto3.client('sqs')
def handler(event, context):
    sqs.send_message(QueueUrl=os.environ['QUEUE'], MessageBody=json.dumps(event))
"""}
MOVER = {"app.py": """
import boto3, os
sqs = boto3.client('sqs')
def handler(event, context):
    failures = []
    for record in event['Records']:
        if record['body'].startswith('bad'):
            failures.append({'itemIdentifier': record['messageId']})
        else:
            sqs.send_message(QueueUrl=os.environ['QUEUE'], MessageBody=record['body'])
    return {'batchItemFailures': failures}
"""}


def prepare(server, name, files, target, **options):
    role = server.role("faults-role")
    server.client("iam").put_role_policy(RoleName="faults-role", PolicyName="queues", PolicyDocument=POLICY)
    server.function(name, files, Role=role, Environment={"Variables": {"QUEUE": target}}, **options)


def queue(server, name, **attributes):
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


class Sender(Load):
    """Sends events; remembers those that were acknowledged."""

    def __init__(self, server, number, acknowledged, stop):
        super().__init__(stop)
        self.client, self.number, self.acknowledged = server.client("lambda", max_pool_connections=1), number, acknowledged

    def step(self):
        event = f"{self.number}-{time.monotonic_ns()}"
        self.client.invoke(FunctionName="reporter", InvocationType="Event", Payload=json.dumps(event))
        self.acknowledged.add(event)
        self.stop.wait(0.01)


@pytest.mark.timeout(120 + 60 * ROUNDS)
def test_acknowledged_events_run_at_least_once():
    server, acknowledged = Lambari().start(), set()
    try:
        url, _ = queue(server, "done")
        prepare(server, "reporter", REPORTER, url)
        for _ in range(ROUNDS):
            kill_under_load(server, lambda stop: [Sender(server, n, acknowledged, stop) for n in range(4)], (0.5, 1.5))
        drain(server, url, acknowledged, 90, of=json.loads)
        assert len(acknowledged) > 20, "the load did nothing"
    finally:
        server.close()


@pytest.mark.timeout(600)
def test_a_pipeline_of_queues_loses_nothing():
    server = Lambari().start()
    try:
        out, _ = queue(server, "out")
        letters, letters_arn = queue(server, "letters")
        source, source_arn = queue(server, "in", VisibilityTimeout="10",
                                   RedrivePolicy=json.dumps({"deadLetterTargetArn": letters_arn, "maxReceiveCount": 12}))
        prepare(server, "mover", MOVER, out, Timeout=10)
        server.client("lambda").create_event_source_mapping(EventSourceArn=source_arn, FunctionName="mover", BatchSize=10,
                                                            FunctionResponseTypes=["ReportBatchItemFailures"],
                                                            ScalingConfig={"MaximumConcurrency": 4})
        bodies = [f"{'bad' if n % 100 == 0 else 'good'}-{n}" for n in range(MESSAGES)]
        sent, kills = 0, 0
        while sent < MESSAGES:
            entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[sent:sent + 10])]
            try:
                answer = server.client("sqs").send_message_batch(QueueUrl=source, Entries=entries)
                assert len(answer["Successful"]) == len(entries), answer
                sent += 10
            except BotoCoreError:
                pass  # not acknowledged: sent again, perhaps twice
            if kills < ROUNDS and sent > (kills + 1) * MESSAGES // (ROUNDS + 1):
                server.kill()
                server.start()
                kills += 1
        good = {body for body in bodies if body.startswith("good")}
        bad = {body for body in bodies if body.startswith("bad")}
        moved = drain(server, out, good, 300)
        # What cannot be moved shows again after its visibility timeout, twelve times; the clock brings that forward.
        dead = drain(server, letters, bad, 120, meanwhile=lambda: server.cli("clock", "advance", "11s"))
        assert set(moved) == good and set(dead) == bad
    finally:
        server.close()
