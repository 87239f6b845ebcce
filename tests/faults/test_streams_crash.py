"""kill -9 while a function is fed from a table's stream: every acknowledged change reaches the function, and each key's changes in order.

The function, which fails now and then, copies what it gets into a second table. Rounds: LAMBARI_CRASH_ROUNDS (3 here; `make soak` runs 50).
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
WRITERS, KEYS = 4, 5
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}]})

# Appends each change to the list that the copy keeps for the key.
COPIER = {"app.py": """
import boto3
table = boto3.client('dynamodb')
def handler(event, context):
    for record in event['Records']:
        image = record['dynamodb']['NewImage']
        if image['number']['N'].endswith('7') and hash(context.aws_request_id) % 3 == 0:
            raise ValueError('not this time')
        table.update_item(TableName='copy', Key={'id': image['id']}, UpdateExpression='SET seen = list_append(if_not_exists(seen, :none), :new)',
                          ExpressionAttributeValues={':none': {'L': []}, ':new': {'L': [image['number']]}})
"""}


class Writer(threading.Thread):
    """Counts up on keys of its own; remembers the last acknowledged number of each."""

    def __init__(self, server, number, told, stop):
        super().__init__(daemon=True)
        self.client, self.number, self.told, self.stop, self.wrong = server.client("dynamodb", max_pool_connections=1), number, told, stop, []

    def run(self):
        while not self.stop.is_set():
            key = f"w{self.number}-{random.randrange(KEYS)}"
            try:
                answer = self.client.update_item(TableName="source", Key={"id": {"S": key}}, UpdateExpression="ADD #n :one", ReturnValues="UPDATED_NEW",
                                                 ExpressionAttributeNames={"#n": "number"}, ExpressionAttributeValues={":one": {"N": "1"}})
                self.told[key] = int(answer["Attributes"]["number"]["N"])
            except ClientError as error:
                self.wrong.append(str(error))
                return
            except BotoCoreError:
                return  # the server is gone
            time.sleep(0.005)


def seen(client):
    items = [item for page in client.get_paginator("scan").paginate(TableName="copy", ConsistentRead=True) for item in page["Items"]]
    return {item["id"]["S"]: [int(each["N"]) for each in item["seen"]["L"]] for item in items}


def in_order(numbers):
    """Repeats go back and go on without a gap; a number is never met before the one below it."""
    most = 0
    for number in numbers:
        if number > most + 1:
            return False
        most = max(most, number)
    return True


@pytest.mark.timeout(180 + 60 * ROUNDS)
def test_changes_reach_the_function_in_order():
    server, told = Lambari().start(), {}
    try:
        client = server.client("dynamodb")
        for table, stream in (("source", {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}), ("copy", {"StreamEnabled": False})):
            client.create_table(TableName=table, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], StreamSpecification=stream)
            client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        role = server.role("faults-role")
        server.client("iam").put_role_policy(RoleName="faults-role", PolicyName="tables", PolicyDocument=POLICY)
        server.function("copier", COPIER, Role=role, Timeout=30)
        server.client("lambda").create_event_source_mapping(
            EventSourceArn=client.describe_table(TableName="source")["Table"]["LatestStreamArn"], FunctionName="copier", StartingPosition="LATEST",
            ParallelizationFactor=3, BatchSize=10)
        for _ in range(ROUNDS):
            stop = threading.Event()
            writers = [Writer(server, n, told, stop) for n in range(WRITERS)]
            for writer in writers:
                writer.start()
            time.sleep(random.uniform(0.5, 2))
            server.kill()
            stop.set()
            for writer in writers:
                writer.join(timeout=30)
                assert not writer.wrong, writer.wrong
            server.start()
        assert sum(told.values()) > 50, "the load did nothing"
        client = server.client("dynamodb")
        deadline = time.monotonic() + 120
        while any(count > max(numbers, default=0) for key, count in told.items() for numbers in [seen(client).get(key, [])]):
            assert time.monotonic() < deadline, "acknowledged changes did not arrive"
            time.sleep(0.2)
        copy = seen(client)
        assert all(in_order(numbers) for numbers in copy.values()), {k: v for k, v in copy.items() if not in_order(v)}
    finally:
        server.close()
