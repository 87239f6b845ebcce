"""kill -9 while events wait and queues are drained: what was acknowledged happens at least once.

The second test is the pipeline of a serverless course: a queue is filled with batches of ten, a function moves each message to another
queue, what it cannot move ends in a dead-letter queue; nothing is lost, whatever dies meanwhile.
"""

import json
import os
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from lambari import Lambari

ROUNDS = int(os.environ.get("LAMBARI_CRASH_ROUNDS", "3"))
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


def drain(server, url, into, enough, seconds):
    """Takes messages out of the queue until `enough(into)`."""
    sqs = server.client("sqs")
    deadline = time.monotonic() + seconds
    while not enough(into):
        assert time.monotonic() < deadline, f"{len(into)} bodies arrived"
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        for message in got:
            into.setdefault(message["Body"], 0)
            into[message["Body"]] += 1
        if got:
            sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(got)])


@pytest.mark.timeout(120 + 60 * ROUNDS)
def test_acknowledged_events_run_at_least_once():
    server, acknowledged, wrong = Lambari().start(), set(), []
    try:
        url, _ = queue(server, "done")
        prepare(server, "reporter", REPORTER, url)

        def load(number, stop):
            client = server.client("lambda", max_pool_connections=1)
            for n in range(10**6):
                if stop.is_set():
                    return
                event = f"{number}-{time.monotonic_ns()}-{n}"
                try:
                    client.invoke(FunctionName="reporter", InvocationType="Event", Payload=json.dumps(event))
                    acknowledged.add(event)
                except ClientError as error:
                    wrong.append(str(error))
                    return
                except BotoCoreError:
                    return  # not acknowledged
                time.sleep(0.01)
        for _ in range(ROUNDS):
            stop = threading.Event()
            threads = [threading.Thread(target=load, args=(n, stop)) for n in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(random.uniform(0.5, 1.5))
            server.kill()
            stop.set()
            for thread in threads:
                thread.join(timeout=30)
            assert not wrong, wrong
            server.start()
        ran = {}
        drain(server, url, ran, lambda bodies: acknowledged <= {json.loads(body) for body in bodies}, 90)
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
        moved, dead = {}, {}
        drain(server, out, moved, lambda got: good <= set(got), 300)
        # What cannot be moved shows again after its visibility timeout, twelve times; the clock brings that forward.
        def dead_letters(got):
            server.cli("clock", "advance", "11s")
            return bad <= set(got)
        drain(server, letters, dead, dead_letters, 120)
        assert set(moved) == good and set(dead) == bad
    finally:
        server.close()
