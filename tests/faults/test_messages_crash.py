"""The whole of messaging while the server is killed every few seconds: producers, consumers, functions that move messages from queue to
queue, dead letters, FIFO groups. Nothing acknowledged is lost, what was deleted stays deleted, groups keep their order, and what cannot be
moved ends in a dead-letter queue after exactly maxReceiveCount receives.

Seconds of load: LAMBARI_CRASH_SECONDS (20 here; `make soak` runs 1800). Producers: LAMBARI_CRASH_CLIENTS (16; soak 64); a quarter as many
consumers.
"""

import collections
import json
import os
import random
import threading
import time

import pytest
from crash import CLIENTS, LastingLoad, join, until
from lambari import Lambari
from test_sqs_crash import HIGH_THROUGHPUT

SECONDS = int(os.environ.get("LAMBARI_CRASH_SECONDS", "20"))
LIFE = (2, 6)  # seconds
RECEIVES = 8  # of a message that is not moved
VISIBILITY = 20
BACKLOG = 3_000  # messages on their way; more than that, and the producers wait

MOVER = {"app.py": """
import boto3, os
sqs = boto3.client('sqs')
def handler(event, context):
    entries, failures = [], []
    for n, record in enumerate(event['Records']):
        if record['body'].startswith('bad'):
            failures.append({'itemIdentifier': record['messageId']})
            continue
        entry = {'Id': str(n), 'MessageBody': record['body']}
        if 'MessageGroupId' in record['attributes']:  # moved twice, it is one message
            entry.update(MessageGroupId=record['attributes']['MessageGroupId'], MessageDeduplicationId=record['body'])
        entries.append(entry)
    if entries:
        answer = sqs.send_message_batch(QueueUrl=os.environ['QUEUE'], Entries=entries)
        if answer.get('Failed'):
            raise RuntimeError(str(answer['Failed']))
    return {'batchItemFailures': failures}
"""}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]})


class Queues:
    """Two straight ones, and two pairs with a function between them and a dead-letter queue beside."""

    def __init__(self, server):
        self.sqs = server.client("sqs")
        self.urls = {}
        for suffix, attributes in (("", {}), (".fifo", HIGH_THROUGHPUT)):
            for name in ("direct", "out", "letters"):
                self.make(name + suffix, attributes)
            redrive = json.dumps({"deadLetterTargetArn": self.arn("letters" + suffix), "maxReceiveCount": RECEIVES})
            self.make("in" + suffix, attributes | {"VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": redrive})
        role = server.role("faults-role")
        server.client("iam").put_role_policy(RoleName="faults-role", PolicyName="queues", PolicyDocument=POLICY)
        for name, suffix in (("mover", ""), ("mover-in-order", ".fifo")):
            server.function(name, MOVER, Role=role, Timeout=10, Environment={"Variables": {"QUEUE": self.urls["out" + suffix]}})
            server.client("lambda").create_event_source_mapping(
                EventSourceArn=self.arn("in" + suffix), FunctionName=name, BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"],
                ScalingConfig={"MaximumConcurrency": 4})

    def make(self, name, attributes):
        self.urls[name] = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def arn(self, name):
        return self.sqs.get_queue_attributes(QueueUrl=self.urls[name], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def left(self, name):
        a = self.sqs.get_queue_attributes(QueueUrl=self.urls[name], AttributeNames=["All"])["Attributes"]
        return sum(int(a["ApproximateNumberOfMessages" + kind]) for kind in ("", "NotVisible", "Delayed"))


class Truth:
    """What clients were told, by the queue at whose end a message is awaited."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = collections.defaultdict(set)
        self.seen = collections.defaultdict(set)
        self.deleted = {}  # (queue, message id): when that was acknowledged
        self.next = collections.defaultdict(int)  # (queue, group): the number that comes next
        self.skipped = collections.defaultdict(set)  # queue: what did not come in its turn, and may only be a dead letter
        self.letters = []  # (body, receives)
        self.wrong = []

    def acknowledge(self, queue, bodies):
        with self.lock:
            self.sent[queue].update(bodies)

    def backlog(self):
        return sum(len(self.sent[queue]) - len(self.seen[queue]) for queue in ("direct", "out", "direct.fifo", "out.fifo"))

    def receive(self, queue, messages, begun):
        with self.lock:
            for message in messages:
                if self.deleted.get((queue, message["MessageId"]), begun) < begun:
                    self.wrong.append(f"{queue}: {message['Body']} came back after its deletion was acknowledged")
                self.seen[queue].add(message["Body"])
            if queue in ("direct.fifo", "out.fifo"):
                self.check_order(queue, messages)

    def check_order(self, queue, messages):
        groups = collections.defaultdict(list)
        for message in messages:
            group, number = message["Body"].rsplit("-", 1)
            groups[group].append(int(number))
        for group, numbers in groups.items():
            if numbers != sorted(numbers):
                self.wrong.append(f"{queue}: {numbers} of {group} out of order")
            for number in numbers:
                expected = self.next[queue, group]
                if f"{group}-{number}" in self.skipped[queue]:
                    self.wrong.append(f"{queue}: {number} of {group} came after later ones")
                self.skipped[queue].update(f"{group}-{n}" for n in range(expected, number))
                self.next[queue, group] = max(expected, number + 1)

    def delete(self, queue, messages, begun):
        with self.lock:
            self.deleted.update({(queue, message["MessageId"]): begun for message in messages})


class Producer(LastingLoad):
    def __init__(self, server, queues, truth, stop, number):
        super().__init__(stop)
        self.sqs, self.queues, self.truth, self.number = server.client("sqs", max_pool_connections=1), queues, truth, number
        self.counters = collections.Counter()

    def step(self):
        if self.truth.backlog() > BACKLOG:
            self.stop.wait(0.2)
            return
        random.choice((self.send_plain, self.send_batch, self.send_in_order, self.send_poison))()
        self.stop.wait(0.1)

    def send_plain(self):
        body = f"good-{self.number}-{time.monotonic_ns()}"
        self.sqs.send_message(QueueUrl=self.queues.urls["direct"], MessageBody=body, DelaySeconds=random.choice((0, 0, 1)))
        self.truth.acknowledge("direct", [body])

    def send_batch(self):
        bodies = [f"good-{self.number}-{time.monotonic_ns()}-{n}" for n in range(10)]
        answer = self.sqs.send_message_batch(QueueUrl=self.queues.urls["in"], Entries=[{"Id": str(n), "MessageBody": b} for n, b in enumerate(bodies)])
        assert len(answer["Successful"]) == len(bodies), answer
        self.truth.acknowledge("out", bodies)

    def send_in_order(self):
        # Numbers without a gap: one that was not acknowledged is sent again as the same message.
        group = f"g{self.number}"
        for into, end in (("direct.fifo", "direct.fifo"), ("in.fifo", "out.fifo")):
            for _ in range(3):
                body = f"{group}-{self.counters[end]}"
                self.sqs.send_message(QueueUrl=self.queues.urls[into], MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body)
                self.truth.acknowledge(end, [body])
                self.counters[end] += 1

    def send_poison(self):
        if random.random() > 0.1:
            return
        body = f"bad-{self.number}-{time.monotonic_ns()}"
        self.sqs.send_message(QueueUrl=self.queues.urls["in"], MessageBody=body)
        self.truth.acknowledge("letters", [body])
        self.sqs.send_message(QueueUrl=self.queues.urls["in.fifo"], MessageBody=body, MessageGroupId=body, MessageDeduplicationId=body)
        self.truth.acknowledge("letters.fifo", [body])


class Consumer(LastingLoad):
    def __init__(self, server, queues, truth, stop, names=("direct", "out", "direct.fifo", "out.fifo")):
        super().__init__(stop)
        self.sqs, self.queues, self.truth, self.names = server.client("sqs", max_pool_connections=1), queues, truth, names

    def step(self):
        if not sum(self.take(name) for name in random.sample(self.names, len(self.names))):
            self.stop.wait(0.1)

    def take(self, name):
        url, begun = self.queues.urls[name], time.monotonic()
        messages = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=VISIBILITY, WaitTimeSeconds=0,
                                            MessageSystemAttributeNames=["ApproximateReceiveCount"]).get("Messages", [])
        if not messages:
            return 0
        self.truth.receive(name, messages, begun)
        if name.startswith("letters"):
            self.truth.letters += [(m["Body"], int(m["Attributes"]["ApproximateReceiveCount"])) for m in messages]
        answer = self.sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)])
        gone = {int(done["Id"]) for done in answer.get("Successful", [])}
        # On a slow machine, or after a crash, a message of a FIFO queue may be another's again.
        assert all("expired" in failed["Message"] for failed in answer.get("Failed", [])), answer
        self.truth.delete(name, [m for n, m in enumerate(messages) if n in gone], time.monotonic())
        return len(messages)


@pytest.mark.timeout(900 + 2 * SECONDS)
def test_a_pipeline_lives_through_crashes():
    server, truth, kills = Lambari("--log-level", "warn").start(), Truth(), 0
    try:
        queues = Queues(server)
        stop_sending, stop_taking = threading.Event(), threading.Event()
        producers = [Producer(server, queues, truth, stop_sending, n) for n in range(CLIENTS)]
        consumers = [Consumer(server, queues, truth, stop_taking) for _ in range(max(2, CLIENTS // 4))]
        for load in producers + consumers:
            load.start()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(random.uniform(*LIFE))
            server.kill()
            kills += 1
            server.start()
            assert not truth.wrong, truth.wrong[:3]
            assert not any(load.wrong for load in producers + consumers), [load.wrong for load in producers + consumers if load.wrong][:3]
        stop_sending.set()
        join(producers)

        # What is hidden shows again when the clock moves, and what cannot be moved becomes a dead letter.
        def over():
            server.cli("clock", "advance", f"{VISIBILITY + 1}s")
            return not any(queues.left(q) for q in ("in", "in.fifo", "direct", "out", "direct.fifo", "out.fifo"))
        until(over, 300, pause=1)
        stop_taking.set()
        join(consumers)
        letters = Consumer(server, queues, truth, threading.Event(), ("letters", "letters.fifo"))
        while letters.take("letters") + letters.take("letters.fifo"):
            pass
        assert not truth.wrong, truth.wrong[:3]
        # What was in hand every time the server died is a dead letter, too.
        dead = {"out": truth.seen["letters"], "out.fifo": truth.seen["letters.fifo"]}
        for name, kept in truth.sent.items():
            lost = (kept | truth.skipped[name]) - truth.seen[name] - dead.get(name, set())
            assert not lost, f"{name}: {len(lost)} of {len(kept)} are lost: {sorted(lost)[:5]}"
        assert not [body for name in ("out", "out.fifo") for body in truth.seen[name] if body.startswith("bad")]
        early = [(body, receives) for body, receives in truth.letters if receives != RECEIVES + 1]  # and the one from the dead-letter queue
        assert not early, early[:5]
        counts = {name: len(bodies) for name, bodies in sorted(truth.sent.items())}
        unlucky = sum(not body.startswith("bad") for body, _ in truth.letters)
        print(f"{kills} kills; acknowledged: {counts}; dead letters: {len(truth.letters)}, {unlucky} of them good")
        assert len(counts) == 6, f"the load did little: {counts}"
    finally:
        server.close()
