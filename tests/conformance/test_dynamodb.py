"""DynamoDB through boto3's client and resource layers and the AWS CLI."""

import decimal
import time

import boto3
import botocore.config
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError
from lambari import ACCOUNT, REGION


@pytest.fixture
def dynamodb(server):
    return server.client("dynamodb")


def resource(server):
    return boto3.resource("dynamodb", endpoint_url=server.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test",
                          config=botocore.config.Config(retries={"max_attempts": 0}))


def create(client, name, **options):
    options = {"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}],
               "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
               "BillingMode": "PAY_PER_REQUEST", **options}
    client.create_table(TableName=name, **options)
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})


def eventually(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return value


def test_items_of_every_type_come_back_as_they_were(server, dynamodb, name):
    create(dynamodb, name)
    table = resource(server).Table(name)
    item = {"pk": "a", "sk": "1", "n": decimal.Decimal("123456789012345678901234567890.12345678"), "b": b"\x00\xff", "yes": True, "no": None,
            "ss": {"x", "y"}, "ns": {decimal.Decimal(1), decimal.Decimal("2.5")}, "bs": {b"1", b"2"}, "list": [1, "two", [3], {"four": 4}],
            "map": {"deep": {"er": "value"}}, "empty": ""}
    table.put_item(Item=item)
    got = table.get_item(Key={"pk": "a", "sk": "1"})["Item"]
    assert got == {**item, "list": [decimal.Decimal(1), "two", [decimal.Decimal(3)], {"four": decimal.Decimal(4)}]}
    table.update_item(Key={"pk": "a", "sk": "1"}, UpdateExpression="SET #m.deep.er = :v ADD n :one REMOVE yes DELETE ss :x",
                      ExpressionAttributeNames={"#m": "map"}, ExpressionAttributeValues={":v": "new", ":one": 1, ":x": {"x"}})
    got = table.get_item(Key={"pk": "a", "sk": "1"}, ConsistentRead=True)["Item"]
    assert got["map"] == {"deep": {"er": "new"}} and got["ss"] == {"y"} and "yes" not in got
    assert got["n"] == decimal.Decimal("123456789012345678901234567891.12345678")
    with pytest.raises(ClientError) as refused:
        table.put_item(Item={"pk": "a", "sk": "1"}, ConditionExpression=Attr("pk").not_exists())
    assert refused.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    table.delete_item(Key={"pk": "a", "sk": "1"})
    assert "Item" not in table.get_item(Key={"pk": "a", "sk": "1"})


def test_single_table_design_with_a_global_index(server, dynamodb, name):
    create(dynamodb, name,
           AttributeDefinitions=[{"AttributeName": a, "AttributeType": "S"} for a in ("pk", "sk", "gsi1pk", "gsi1sk")],
           GlobalSecondaryIndexes=[{"IndexName": "gsi1", "Projection": {"ProjectionType": "ALL"},
                                    "KeySchema": [{"AttributeName": "gsi1pk", "KeyType": "HASH"}, {"AttributeName": "gsi1sk", "KeyType": "RANGE"}]}])
    table = resource(server).Table(name)
    with table.batch_writer() as batch:
        for customer in range(3):
            batch.put_item(Item={"pk": f"CUSTOMER#{customer}", "sk": "PROFILE", "name": f"c{customer}"})
            for order in range(20):
                batch.put_item(Item={"pk": f"CUSTOMER#{customer}", "sk": f"ORDER#{order:03}", "total": order,
                                     "gsi1pk": f"STATUS#{'open' if order % 2 else 'done'}", "gsi1sk": f"{customer}#{order:03}"})
    orders = table.query(KeyConditionExpression=Key("pk").eq("CUSTOMER#1") & Key("sk").begins_with("ORDER#"))
    assert [o["sk"] for o in orders["Items"]] == [f"ORDER#{n:03}" for n in range(20)]
    newest = table.query(KeyConditionExpression=Key("pk").eq("CUSTOMER#1") & Key("sk").begins_with("ORDER#"), ScanIndexForward=False, Limit=2)
    assert [o["sk"] for o in newest["Items"]] == ["ORDER#019", "ORDER#018"] and "LastEvaluatedKey" in newest
    seen, start = [], {}
    while True:
        page = table.query(IndexName="gsi1", KeyConditionExpression=Key("gsi1pk").eq("STATUS#open"), Limit=7, **start)
        seen += page["Items"]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert [i["gsi1sk"] for i in seen] == sorted(f"{c}#{o:03}" for c in range(3) for o in range(1, 20, 2))
    # An item that leaves the index is gone from it with the same write.
    table.update_item(Key={"pk": "CUSTOMER#0", "sk": "ORDER#001"}, UpdateExpression="REMOVE gsi1pk")
    assert table.query(IndexName="gsi1", KeyConditionExpression=Key("gsi1pk").eq("STATUS#open"))["Count"] == 29
    big = table.scan(FilterExpression=Attr("total").gte(18), ProjectionExpression="sk")
    assert big["Count"] == 6 and big["ScannedCount"] == 63
    parts = [table.scan(Segment=s, TotalSegments=4)["Items"] for s in range(4)]
    assert sum(map(len, parts)) == 63


def test_an_index_made_later_is_filled_and_then_deleted(server, dynamodb, name):
    create(dynamodb, name)
    for n in range(450):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "p"}, "sk": {"S": f"{n:04}"}, "color": {"S": "red" if n % 3 else "blue"}})
    dynamodb.update_table(TableName=name, AttributeDefinitions=[{"AttributeName": "color", "AttributeType": "S"}], GlobalSecondaryIndexUpdates=[
        {"Create": {"IndexName": "by-color", "KeySchema": [{"AttributeName": "color", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}}])
    index = lambda: dynamodb.describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes", [])  # noqa: E731
    assert eventually(lambda: index() and index()[0]["IndexStatus"] == "ACTIVE")
    found = dynamodb.query(TableName=name, IndexName="by-color", KeyConditionExpression="color = :c", ExpressionAttributeValues={":c": {"S": "blue"}})
    assert found["Count"] == 150 and set(found["Items"][0]) == {"pk", "sk", "color"}
    dynamodb.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-color"}}])
    assert eventually(lambda: not index())


def test_the_longest_keys_of_a_table_and_its_index(dynamodb, name):
    sizes = {"pk": 2048, "sk": 1024, "gpk": 2048, "gsk": 1024}
    create(dynamodb, name, AttributeDefinitions=[{"AttributeName": a, "AttributeType": "B"} for a in sizes],
           GlobalSecondaryIndexes=[{"IndexName": "longest", "Projection": {"ProjectionType": "ALL"},
                                    "KeySchema": [{"AttributeName": "gpk", "KeyType": "HASH"}, {"AttributeName": "gsk", "KeyType": "RANGE"}]}])
    item = {attribute: {"B": b"\0" * size} for attribute, size in sizes.items()}  # zeros take the most room in a key of the store
    dynamodb.put_item(TableName=name, Item=item)
    assert dynamodb.get_item(TableName=name, Key={"pk": item["pk"], "sk": item["sk"]})["Item"] == item
    found = dynamodb.query(TableName=name, IndexName="longest", KeyConditionExpression="gpk = :p AND gsk = :s",
                           ExpressionAttributeValues={":p": item["gpk"], ":s": item["gsk"]})
    assert found["Items"] == [item]
    for attribute, size in sizes.items():
        with pytest.raises(ClientError) as refused:
            dynamodb.put_item(TableName=name, Item={**item, attribute: {"B": b"\0" * (size + 1)}})
        assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_transactions_are_all_or_nothing(dynamodb, name):
    create(dynamodb, name)
    key = lambda who: {"pk": {"S": who}, "sk": {"S": "balance"}}  # noqa: E731
    for who in ("ana", "bob"):
        dynamodb.put_item(TableName=name, Item={**key(who), "amount": {"N": "100"}})

    def move(amount, token):
        step = lambda who, sign: {"Update": {  # noqa: E731
            "TableName": name, "Key": key(who), "UpdateExpression": f"SET amount = amount {sign} :a",
            "ConditionExpression": "amount >= :a" if sign == "-" else "attribute_exists(pk)", "ExpressionAttributeValues": {":a": {"N": str(amount)}}}}
        dynamodb.transact_write_items(TransactItems=[step("ana", "-"), step("bob", "+")], ClientRequestToken=token)

    move(30, "first-token")
    move(30, "first-token")  # the same token: done once
    with pytest.raises(ClientError) as refused:
        move(500, "second-token")
    reasons = refused.value.response["CancellationReasons"]
    assert [r["Code"] for r in reasons] == ["ConditionalCheckFailed", "None"]
    both = dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": name, "Key": key(w)}} for w in ("ana", "bob")])["Responses"]
    assert [b["Item"]["amount"]["N"] for b in both] == ["70", "130"]


def test_a_stream_tells_every_change_in_order(server, dynamodb, name):
    create(dynamodb, name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    arn = dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    for value in ("one", "two", "two"):  # the third changes nothing and is not told
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"S": "b"}, "v": {"S": value}})
    dynamodb.delete_item(TableName=name, Key={"pk": {"S": "a"}, "sk": {"S": "b"}})
    streams = server.client("dynamodbstreams")
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    answer = streams.get_records(ShardIterator=iterator)
    records = answer["Records"]
    assert [r["eventName"] for r in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert records[1]["dynamodb"]["OldImage"]["v"] == {"S": "one"} and records[1]["dynamodb"]["NewImage"]["v"] == {"S": "two"}
    assert "NewImage" not in records[2]["dynamodb"]
    numbers = [int(r["dynamodb"]["SequenceNumber"]) for r in records]
    assert numbers == sorted(numbers)
    assert streams.get_records(ShardIterator=answer["NextShardIterator"])["Records"] == []
    again = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                                       SequenceNumber=records[0]["dynamodb"]["SequenceNumber"])["ShardIterator"]
    assert len(streams.get_records(ShardIterator=again)["Records"]) == 2


def test_items_expire_when_their_time_has_come(own_server, name):
    client = own_server.client("dynamodb")
    create(client, name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"})
    client.put_item(TableName=name, Item={"pk": {"S": "before"}, "sk": {"S": "x"}, "until": {"N": str(int(time.time()) + 3600)}})
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"})
    client.put_item(TableName=name, Item={"pk": {"S": "after"}, "sk": {"S": "x"}, "until": {"N": str(int(time.time()) + 3600)}})
    client.put_item(TableName=name, Item={"pk": {"S": "stays"}, "sk": {"S": "x"}, "until": {"S": "never"}})
    assert eventually(lambda: client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")
    assert client.scan(TableName=name)["Count"] == 3
    assert own_server.cli("clock", "advance", "2h").returncode == 0
    assert eventually(lambda: client.scan(TableName=name)["Count"] == 1)
    arn = client.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    streams = own_server.client("dynamodbstreams")
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    removed = [r for r in streams.get_records(ShardIterator=iterator)["Records"] if r["eventName"] == "REMOVE"]
    assert len(removed) == 2 and removed[0]["userIdentity"]["PrincipalId"] == "dynamodb.amazonaws.com"


def test_provisioned_tables_throttle(own_server, name):
    client = own_server.client("dynamodb")
    create(client, name, BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})
    item = {"pk": {"S": "a"}, "sk": {"S": "b"}, "data": {"S": "x" * 100_000}}  # 98 units
    with pytest.raises(ClientError) as refused:
        for _ in range(10):  # more than five minutes of one unit a second
            client.put_item(TableName=name, Item=item)
    assert refused.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    own_server.cli("clock", "advance", "10m")
    client.put_item(TableName=name, Item=item)
    left = client.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": {**item, "sk": {"S": str(n)}}}} for n in range(10)]})
    assert 0 < len(left["UnprocessedItems"][name]) < 10


def test_what_was_written_is_there_after_a_kill(own_server, name):
    client = own_server.client("dynamodb")
    create(client, name)
    for n in range(50):
        client.put_item(TableName=name, Item={"pk": {"S": "p"}, "sk": {"S": str(n)}})
    own_server.kill()
    own_server.start()
    client = own_server.client("dynamodb")
    assert client.query(TableName=name, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "p"}})["Count"] == 50
    client.delete_table(TableName=name)
    client.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    create(client, name)  # a namesake begins empty
    assert client.scan(TableName=name)["Count"] == 0


def test_the_command_line_and_partiql(server, dynamodb, name):
    server.aws("dynamodb", "create-table", "--table-name", name, "--attribute-definitions", "AttributeName=id,AttributeType=N",
               "--key-schema", "AttributeName=id,KeyType=HASH", "--provisioned-throughput", "ReadCapacityUnits=5,WriteCapacityUnits=5")
    server.aws("dynamodb", "wait", "table-exists", "--table-name", name)
    server.aws("dynamodb", "put-item", "--table-name", name, "--item", '{"id": {"N": "1"}, "title": {"S": "um"}}')
    server.aws("dynamodb", "execute-statement", "--statement", f"INSERT INTO \"{name}\" VALUE {{'id': 2, 'title': 'dois', 'tags': <<'a', 'b'>>}}")
    found = server.aws("dynamodb", "execute-statement", "--statement", f'SELECT title FROM "{name}" WHERE id = 2')
    assert found["Items"] == [{"title": {"S": "dois"}}]
    server.aws("dynamodb", "execute-statement", "--statement", f"UPDATE \"{name}\" SET title = 'two' WHERE id = 2")
    assert server.aws("dynamodb", "scan", "--table-name", name, "--select", "COUNT")["Count"] == 2
    arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    assert arn == f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    server.aws("dynamodb", "tag-resource", "--resource-arn", arn, "--tags", "Key=team,Value=blue")
    assert server.aws("dynamodb", "list-tags-of-resource", "--resource-arn", arn)["Tags"] == [{"Key": "team", "Value": "blue"}]
    server.aws("dynamodb", "create-backup", "--table-name", name, "--backup-name", "one")
    assert [b["BackupName"] for b in server.aws("dynamodb", "list-backups", "--table-name", name)["BackupSummaries"]] == ["one"]


def test_a_policy_decides_who_reads(server, dynamodb, name):
    create(dynamodb, name)
    iam = server.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=(
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Query"],"Resource":"' + arn + '"}]}'))
    reader = server.client("dynamodb", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    reader.get_item(TableName=name, Key={"pk": {"S": "a"}, "sk": {"S": "b"}})
    reader.transact_get_items(TransactItems=[{"Get": {"TableName": name, "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}}}])
    for denied in (lambda: reader.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"S": "b"}}),
                   lambda: reader.transact_write_items(TransactItems=[{"Put": {"TableName": name, "Item": {"pk": {"S": "a"}, "sk": {"S": "b"}}}}]),
                   lambda: reader.execute_statement(Statement=f'SELECT * FROM "{name}"')):
        with pytest.raises(ClientError) as refused:
            denied()
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
