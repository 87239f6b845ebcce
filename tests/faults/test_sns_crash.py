"""kill -9 while messages are published: after the restart every acknowledged one has come to every subscribed queue.

Rounds: LAMBARI_CRASH_ROUNDS (3 here; `make soak` runs 50), clients: LAMBARI_CRASH_CLIENTS (16; soak 64).
"""

import json
import os
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError
from lambari import ACCOUNT, REGION, Lambari

ROUNDS = int(os.environ.get("LAMBARI_CRASH_ROUNDS", "3"))
CLIENTS = int(os.environ.get("LAMBARI_CRASH_CLIENTS", "16"))
QUEUES = 3
ALLOW_SNS = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}]}


class Publisher(threading.Thread):
    """Publishes messages of its own, long and short; remembers only what was acknowledged, and in which order."""

    def __init__(self, server, topic, fifo, number, round_number, stop):
        super().__init__(daemon=True)
        self.client = server.client("sns", max_pool_connections=1)
        self.topic, self.fifo, self.stop = topic, fifo, stop
        self.name = f"{round_number}-{number}"
        self.acknowledged = []

    def run(self):
        count = 0
        while not self.stop.is_set():
            try:
                text = f"{self.name}-{count}"
                if count % 5 == 4:
                    text += " " + "x" * 5_000  # kept once, for all deliveries
                if self.fifo:
                    extra = {"MessageGroupId": self.name, "MessageDeduplicationId": f"{self.name}-{count}"}
                    self.client.publish(TopicArn=self.fifo, Message=text, **extra)
                else:
                    self.client.publish(TopicArn=self.topic, Message=text)
                self.acknowledged.append(text)
                count += 1
            except BotoCoreError:
                return  # the server is gone: this one was not acknowledged


def drain(server, url, wanted, seconds=60):
    """Every body that comes, until all of `wanted` did."""
    sqs, found, missing = server.client("sqs"), [], set(wanted)
    deadline = time.monotonic() + seconds
    while missing and time.monotonic() < deadline:
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        for message in got:
            found.append(message["Body"])
            missing.discard(message["Body"])
        if got:
            sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got)])
    assert not missing, f"{len(missing)} of {len(wanted)} acknowledged messages did not come to {url}: {sorted(missing)[:3]}"
    return found


@pytest.mark.timeout(120 + 120 * ROUNDS)
def test_every_acknowledged_publish_reaches_every_queue():
    server = Lambari().start()
    try:
        sns, sqs = server.client("sns"), server.client("sqs")
        topic = sns.create_topic(Name="t")["TopicArn"]
        fifo = sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
        urls, raw = {topic: [], fifo: []}, {"RawMessageDelivery": "true"}
        for arn, suffix, attributes in ((topic, "", {}), (fifo, ".fifo", {"FifoQueue": "true"})):
            for i in range(QUEUES):
                name = f"q{i}{suffix}"
                urls[arn].append(sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(ALLOW_SNS), **attributes})["QueueUrl"])
                sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", Attributes=raw)
        published = 0
        for round_number in range(ROUNDS):
            stop = threading.Event()
            publishers = [Publisher(server, topic, fifo if n % 2 else None, n, round_number, stop) for n in range(CLIENTS)]
            for publisher in publishers:
                publisher.start()
            time.sleep(random.uniform(1, 3))
            server.kill()
            stop.set()
            for publisher in publishers:
                publisher.join(timeout=30)
            server.start()
            plain = [text for p in publishers if not p.fifo for text in p.acknowledged]
            for url in urls[topic]:
                drain(server, url, plain)
            ordered = [text for p in publishers if p.fifo for text in p.acknowledged]
            for url in urls[fifo]:
                found = drain(server, url, ordered)
                for publisher in publishers:  # the first time each came, in the order in which they were acknowledged
                    if publisher.fifo:
                        first = list(dict.fromkeys(text for text in found if text in set(publisher.acknowledged)))
                        assert first == publisher.acknowledged
            published += len(plain) + len(ordered)
        assert published > 0, "the load did nothing"
    finally:
        server.close()
