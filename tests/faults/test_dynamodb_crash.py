"""Money that moves between accounts while the server is killed: none is made, none is lost, and index and stream agree with the table."""

import pytest
from crash import CLIENTS, ROUNDS, Load, kill_under_load
from lambari import Lambari

ACCOUNTS, EACH = 40, 1000
TABLE = "accounts"


class Mover(Load):
    """Moves money; remembers what it was told about rows that it alone writes."""

    def __init__(self, server, number, told, stop):
        super().__init__(stop)
        self.client = server.client("dynamodb", max_pool_connections=1)
        self.number, self.told = number, told
        self.count = told.get(number, 0)

    def expects(self, code, status):
        return code == "TransactionCanceledException"

    def step(self):
        source, target = self.random.sample(range(ACCOUNTS), 2)
        amount = {":a": {"N": str(self.random.randrange(1, 50))}, ":b": {"S": f"band{self.random.randrange(4)}"}}
        self.client.transact_write_items(TransactItems=[
            {"Update": {"TableName": TABLE, "Key": {"id": {"S": f"a{source}"}}, "UpdateExpression": "SET amount = amount - :a, band = :b",
                        "ConditionExpression": "amount >= :a", "ExpressionAttributeValues": amount}},
            {"Update": {"TableName": TABLE, "Key": {"id": {"S": f"a{target}"}}, "UpdateExpression": "SET amount = amount + :a, band = :b",
                        "ExpressionAttributeValues": amount}}])
        self.count += 1
        self.client.put_item(TableName=TABLE, Item={"id": {"S": f"own{self.number}"}, "count": {"N": str(self.count)}})
        self.told[self.number] = self.count


def scan(client, **options):
    pages = client.get_paginator("scan").paginate(TableName=TABLE, **options)
    return [item for page in pages for item in page["Items"]]


def replay(server, arn):
    """The table as its stream tells it."""
    streams, items = server.client("dynamodbstreams"), {}
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    while True:
        answer = streams.get_records(ShardIterator=iterator)
        for record in answer["Records"]:
            assert record["eventName"] in ("INSERT", "MODIFY")
            items[record["dynamodb"]["Keys"]["id"]["S"]] = record["dynamodb"]["NewImage"]
        if not answer["Records"]:
            return items
        iterator = answer["NextShardIterator"]


@pytest.mark.timeout(60 + 60 * ROUNDS)
def test_money_is_neither_made_nor_lost():
    server, told = Lambari().start(), {}
    try:
        client = server.client("dynamodb")
        client.create_table(TableName=TABLE, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "band", "AttributeType": "S"}],
                            GlobalSecondaryIndexes=[{"IndexName": "by-band", "KeySchema": [{"AttributeName": "band", "KeyType": "HASH"}],
                                                     "Projection": {"ProjectionType": "ALL"}}],
                            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
        client.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        arn = client.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
        for n in range(ACCOUNTS):
            client.put_item(TableName=TABLE, Item={"id": {"S": f"a{n}"}, "amount": {"N": str(EACH)}, "band": {"S": "band0"}})
        for _ in range(ROUNDS):
            kill_under_load(server, lambda stop: [Mover(server, n, told, stop) for n in range(CLIENTS)], (1.5, 4))
            client = server.client("dynamodb")
            rows = {row["id"]["S"]: row for row in scan(client)}
            accounts = {key: row for key, row in rows.items() if key.startswith("a")}
            assert sum(int(row["amount"]["N"]) for row in accounts.values()) == ACCOUNTS * EACH
            for number, count in told.items():
                assert int(rows[f"own{number}"]["count"]["N"]) >= count
                told[number] = int(rows[f"own{number}"]["count"]["N"])
            assert {row["id"]["S"]: row for row in scan(client, IndexName="by-band")} == accounts
            assert replay(server, arn) == rows
        assert told, "the load did nothing"
    finally:
        server.close()
