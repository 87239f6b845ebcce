"""kill -9 while messages are published: after the restart every acknowledged one has come to every subscribed queue."""

import json

import pytest
from crash import CLIENTS, ROUNDS, Load, drain, kill_under_load
from lambari import ACCOUNT, REGION, Lambari

QUEUES = 3
ALLOW_SNS = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}]}


class Publisher(Load):
    """Publishes messages of its own, long and short; remembers only what was acknowledged, and in which order."""

    def __init__(self, server, topic, fifo, number, round_number, stop):
        super().__init__(stop)
        self.client = server.client("sns", max_pool_connections=1)
        self.topic, self.fifo = topic, fifo
        self.name = f"{round_number}-{number}"
        self.acknowledged = []

    def step(self):
        count = len(self.acknowledged)
        text = f"{self.name}-{count}"
        if count % 5 == 4:
            text += " " + "x" * 5_000  # kept once, for all deliveries
        if self.fifo:
            extra = {"MessageGroupId": self.name, "MessageDeduplicationId": f"{self.name}-{count}"}
            self.client.publish(TopicArn=self.fifo, Message=text, **extra)
        else:
            self.client.publish(TopicArn=self.topic, Message=text)
        self.acknowledged.append(text)


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
            publishers = kill_under_load(
                server, lambda stop: [Publisher(server, topic, fifo if n % 2 else None, n, round_number, stop) for n in range(CLIENTS)], (1, 3))
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
