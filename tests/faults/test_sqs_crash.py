"""kill -9 under load on queues: what was acknowledged as sent is received, in order within its group; what was acknowledged as
deleted does not come back.

Half of the clients send, half receive and delete.
"""

import collections
import random
import threading
import time

import pytest
from botocore.exceptions import ClientError
from crash import CLIENTS, ROUNDS, Load, kill_under_load
from lambari import Lambari

VISIBILITY = 3
HIGH_THROUGHPUT = {"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}


class Truth:
    """What clients were told. `tried` holds what was asked for and not answered: either outcome is right."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent, self.deleted, self.tried_delete = set(), {}, set()
        self.group_sent = collections.defaultdict(list)      # numbers in order
        self.group_deleted = collections.defaultdict(set)    # asked for, answered or not
        self.wrong = []

    def received(self, body, begun):
        with self.lock:
            if body in self.deleted and self.deleted[body] < begun:
                self.wrong.append(f"{body} came back after its deletion was acknowledged")

    def received_in_order(self, group, numbers):
        """A whole receive of one group; nobody else holds it meanwhile."""
        with self.lock:
            if numbers != sorted(numbers):
                self.wrong.append(f"{group}: {numbers} out of order")
            skipped = [n for n in self.group_sent[group] if n < numbers[0] and n not in self.group_deleted[group]]
            if skipped:
                self.wrong.append(f"{group}: {numbers[0]} came before {skipped}")


class Client(Load):
    def __init__(self, server, number, truth, stop, urls, counters):
        super().__init__(stop)
        self.client = server.client("sqs", max_pool_connections=1, read_timeout=15)
        self.number, self.truth, (self.plain, self.fifo), self.counters = number, truth, urls, counters
        self.step = self.produce if self.number % 2 else self.consume

    def produce(self):
        truth = self.truth
        bodies = [f"{self.number}-{time.monotonic_ns()}-{n}" for n in range(random.choice((1, 3)))]
        if len(bodies) == 1:
            self.client.send_message(QueueUrl=self.plain, MessageBody=bodies[0], DelaySeconds=random.choice((0, 0, 1)))
        else:
            answer = self.client.send_message_batch(QueueUrl=self.plain, Entries=[{"Id": str(n), "MessageBody": b} for n, b in enumerate(bodies)])
            assert len(answer["Successful"]) == len(bodies)
        with truth.lock:
            truth.sent.update(bodies)
        # The number is taken before the call: when that is cut off, the next life of this client says it again, and deduplication
        # makes one message of the two.
        group = f"g{self.number}"
        number = self.counters[group]
        self.client.send_message(QueueUrl=self.fifo, MessageBody=str(number), MessageGroupId=group, MessageDeduplicationId=f"{group}-{number}")
        with truth.lock:
            truth.group_sent[group].append(number)
        self.counters[group] += 1

    def consume(self):
        begun = time.monotonic()
        self.take(self.plain, begun, 0)
        self.take_groups(0)

    def take(self, url, begun, wait):
        messages = self.client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=VISIBILITY, WaitTimeSeconds=wait).get("Messages", [])
        for message in messages:
            self.truth.received(message["Body"], begun)
        if not messages:
            return 0
        with self.truth.lock:
            self.truth.tried_delete.update(m["Body"] for m in messages)
        self.client.delete_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)])
        now = time.monotonic()
        with self.truth.lock:
            for message in messages:
                self.truth.deleted.setdefault(message["Body"], now)
        return len(messages)

    def take_groups(self, wait):
        messages = self.client.receive_message(QueueUrl=self.fifo, MaxNumberOfMessages=10, VisibilityTimeout=VISIBILITY, WaitTimeSeconds=wait,
                                               MessageSystemAttributeNames=["MessageGroupId"]).get("Messages", [])
        groups = collections.defaultdict(list)
        for message in messages:
            groups[message["Attributes"]["MessageGroupId"]].append(message)
        for group, held in groups.items():
            self.truth.received_in_order(group, [int(m["Body"]) for m in held])
        for group, held in groups.items():
            for message in held:
                with self.truth.lock:
                    self.truth.group_deleted[group].add(int(message["Body"]))
                try:
                    self.client.delete_message(QueueUrl=self.fifo, ReceiptHandle=message["ReceiptHandle"])
                except ClientError as error:  # on a slow machine the message is another's again
                    if "expired" not in str(error):
                        raise
        return len(messages)


@pytest.mark.timeout(120 + 60 * ROUNDS)
def test_no_message_is_lost_and_none_comes_back():
    server, truth, counters = Lambari().start(), Truth(), collections.defaultdict(int)
    try:
        sqs = server.client("sqs")
        urls = (sqs.create_queue(QueueName="plain")["QueueUrl"], sqs.create_queue(QueueName="groups.fifo", Attributes=HIGH_THROUGHPUT)["QueueUrl"])
        for _ in range(ROUNDS):
            kill_under_load(server, lambda stop: [Client(server, n, truth, stop, urls, counters) for n in range(CLIENTS)], (2, 5))
            assert not truth.wrong, truth.wrong[:5]
        # Everything that is left, until nothing comes for longer than any message is hidden or delayed.
        last = Client(server, 0, truth, threading.Event(), urls, counters)
        quiet = time.monotonic()
        while time.monotonic() - quiet < VISIBILITY + 2:
            if last.take(urls[0], time.monotonic(), 1) + last.take_groups(1) > 0:
                quiet = time.monotonic()
        assert not truth.wrong, truth.wrong[:5]
        lost = truth.sent - truth.deleted.keys() - truth.tried_delete
        assert not lost, f"{len(lost)} of {len(truth.sent)} messages are lost: {sorted(lost)[:5]}"
        for group, numbers in truth.group_sent.items():
            missing = set(numbers) - truth.group_deleted[group]
            assert not missing, f"{group}: {sorted(missing)[:5]} are lost"
        assert len(truth.sent) > 100 and sum(map(len, truth.group_sent.values())) > 50, "the load did little"
        attributes = sqs.get_queue_attributes(QueueUrl=urls[0], AttributeNames=["All"])["Attributes"]
        assert attributes["ApproximateNumberOfMessages"] == "0", attributes
    finally:
        server.close()
