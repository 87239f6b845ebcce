"""Backups and restores while money moves and the server is killed: each has the money of one moment, all of it, and what was
acknowledged before that moment.

Rounds: LAMBARI_CRASH_ROUNDS (3 here; `make soak` runs 50).
"""

import collections
import datetime
import os
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from lambari import Lambari

ROUNDS = int(os.environ.get("LAMBARI_CRASH_ROUNDS", "3"))
CLIENTS, ACCOUNTS, EACH = 6, 30, 1000
BALLAST = 3000  # rows of 2 KB that make copying last
TABLE = "accounts"


class Mover(threading.Thread):
    """Moves money, and counts in a row of its own: when a count was begun and when it was acknowledged is remembered."""

    def __init__(self, server, number, begun, told, stop):
        super().__init__(daemon=True)
        self.client = server.client("dynamodb", max_pool_connections=1)
        self.number, self.begun, self.told, self.stop, self.wrong = number, begun[number], told[number], stop, []

    def run(self):
        rng = random.Random(self.number + time.monotonic_ns())
        while not self.stop.is_set():
            try:
                self.step(rng)
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionCanceledException":
                    self.wrong.append(str(error))
                    return
            except BotoCoreError:
                return  # the server is gone

    def step(self, rng):
        source, target = rng.sample(range(ACCOUNTS), 2)
        amount = {":a": {"N": str(rng.randrange(1, 50))}, ":b": {"S": f"band{rng.randrange(4)}"}}
        count = self.begun[-1][0] + 1 if self.begun else 1
        self.begun.append((count, time.time()))
        self.client.transact_write_items(TransactItems=[
            {"Update": {"TableName": TABLE, "Key": {"id": {"S": f"a{source}"}}, "UpdateExpression": "SET amount = amount - :a, band = :b",
                        "ConditionExpression": "amount >= :a", "ExpressionAttributeValues": amount}},
            {"Update": {"TableName": TABLE, "Key": {"id": {"S": f"a{target}"}}, "UpdateExpression": "SET amount = amount + :a, band = :b",
                        "ExpressionAttributeValues": amount}},
            {"Put": {"TableName": TABLE, "Item": {"id": {"S": f"own{self.number}"}, "count": {"N": str(count)}}}}])
        self.told.append((count, time.time()))


def scan(client, table, **options):
    pages = client.get_paginator("scan").paginate(TableName=table, **options)
    return {item["id"]["S"]: item for page in pages for item in page["Items"]}


def wait(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come to an end"
        time.sleep(0.05)


def check(client, table, when, begun, told):
    """`when`: the moment whose state the table must have, seconds."""
    rows = scan(client, table)
    accounts = {key: row for key, row in rows.items() if key.startswith("a")}
    assert len(accounts) == ACCOUNTS and sum(int(row["amount"]["N"]) for row in accounts.values()) == ACCOUNTS * EACH
    assert sum(key.startswith("ballast") for key in rows) == BALLAST
    assert scan(client, table, IndexName="by-band") == accounts
    assert client.describe_table(TableName=table)["Table"]["ItemCount"] == len(rows)
    for number in range(CLIENTS):
        count = int(rows[f"own{number}"]["count"]["N"]) if f"own{number}" in rows else 0
        assert count >= max((c for c, at in told[number] if at < when - 0.001), default=0), (number, "an acknowledged write is missing")
        assert count <= max((c for c, at in begun[number] if at < when + 0.001), default=0), (number, "a later write is there")


def make_table(client):
    client.create_table(TableName=TABLE, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "band", "AttributeType": "S"}],
                        GlobalSecondaryIndexes=[{"IndexName": "by-band", "KeySchema": [{"AttributeName": "band", "KeyType": "HASH"}],
                                                 "Projection": {"ProjectionType": "ALL"}}])
    client.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    for n in range(ACCOUNTS):
        client.put_item(TableName=TABLE, Item={"id": {"S": f"a{n}"}, "amount": {"N": str(EACH)}, "band": {"S": "band0"}})
    for start in range(0, BALLAST, 25):
        client.batch_write_item(RequestItems={TABLE: [
            {"PutRequest": {"Item": {"id": {"S": f"ballast{n}"}, "data": {"S": "x" * 2000}}}} for n in range(start, start + 25)]})
    client.update_continuous_backups(TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})


@pytest.mark.timeout(120 + 90 * ROUNDS)
def test_a_moment_is_whole():
    server = Lambari().start()
    begun, told = collections.defaultdict(list), collections.defaultdict(list)
    try:
        make_table(server.client("dynamodb"))
        for number in range(ROUNDS):
            client = server.client("dynamodb")
            stop = threading.Event()
            movers = [Mover(server, n, begun, told, stop) for n in range(CLIENTS)]
            for mover in movers:
                mover.start()
            time.sleep(random.uniform(1.2, 2.2))
            past = int(time.time())  # boto3 sends whole seconds
            backup = client.create_backup(TableName=TABLE, BackupName=f"round-{number}")["BackupDetails"]
            client.restore_table_to_point_in_time(SourceTableName=TABLE, TargetTableName=f"past-{number}",
                                                  RestoreDateTime=datetime.datetime.fromtimestamp(past, datetime.timezone.utc))
            time.sleep(random.uniform(0, 0.3))
            server.kill()
            stop.set()
            for mover in movers:
                mover.join(timeout=30)
                assert not mover.wrong, mover.wrong
            server.start()
            client = server.client("dynamodb")
            arn = backup["BackupArn"]
            wait(lambda: client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE")
            client.restore_table_from_backup(TargetTableName=f"backup-{number}", BackupArn=arn)
            server.kill()  # while it is restored
            server.start()
            client = server.client("dynamodb")
            for table, when in ((f"past-{number}", past), (f"backup-{number}", backup["BackupCreationDateTime"].timestamp())):
                wait(lambda: client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE")
                check(client, table, when, begun, told)
                client.delete_table(TableName=table)
            client.delete_backup(BackupArn=arn)
        assert all(told.values()), "the load did nothing"
    finally:
        server.close()
