"""DynamoDB as its other clients use it: the document client of JavaScript, both AWS CLIs, and what boto3's resource layer does by itself."""

import decimal
import json
import pathlib
import shutil
import subprocess

import boto3
import botocore.config
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError
from lambari import REGION, ROOT
from test_dynamodb import eventually


def test_the_document_client_of_javascript(server, name):
    modules = ROOT / ".cache/node"
    shutil.copy(ROOT / "tests/conformance/sdk_v3_document.mjs", modules / "sdk_v3_document.mjs")
    node = next((p for p in sorted((ROOT / ".cache/runtimes").glob("**/bin/node"), reverse=True)), pathlib.Path("/usr/bin/node"))
    done = subprocess.run([node, modules / "sdk_v3_document.mjs", name], env=server.environment() | {"AWS_REGION": REGION}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout)
    assert saw["same"] and saw["big"] == "12345678901234567890123456789012345678"
    assert saw["updated"] == {"map": {"a": {"b": {"c": ["z"]}}}, "number": 1.1, "strings": ["y"]}
    assert saw["refused"] == ["ConditionalCheckFailedException", 400, "é€🐟"]
    assert saw["unprocessed"] == 0 and saw["batch"] == [3, 5]
    assert saw["found"] == list(range(57, 5, -3)) and saw["pages"] >= 3  # 54 items of 40 KB, 1 MB a page
    assert saw["scanned"] == 62
    assert saw["cancelled"] == ["TransactionCanceledException", ["ConditionalCheckFailed", "None"]] and saw["amounts"] == [70, 130]
    assert saw["statement"] == [{"amount": 130}] and saw["deleted"] == {"pk": "bob", "sk": 0, "amount": 130} and saw["gone"]
    assert saw["missing"] == "ResourceNotFoundException"


@pytest.mark.parametrize("program", [ROOT / ".cache/venv/bin/aws", pathlib.Path("/usr/bin/aws")], ids=["cli-1", "cli-2"])
def test_the_aws_cli(server, name, tmp_path, program):
    def aws(*arguments, **options):
        return server.aws("dynamodb", *arguments, program=program, **options)

    dynamodb = server.client("dynamodb")
    aws("create-table", "--table-name", name, "--billing-mode", "PAY_PER_REQUEST",
        "--attribute-definitions", "AttributeName=Artist,AttributeType=S", "AttributeName=SongTitle,AttributeType=S", "AttributeName=Year,AttributeType=N",
        "--key-schema", "AttributeName=Artist,KeyType=HASH", "AttributeName=SongTitle,KeyType=RANGE",
        "--local-secondary-indexes", json.dumps([{"IndexName": "by-year", "Projection": {"ProjectionType": "ALL"}, "KeySchema": [
            {"AttributeName": "Artist", "KeyType": "HASH"}, {"AttributeName": "Year", "KeyType": "RANGE"}]}]))
    eventually(lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")  # the waiter sleeps for 20 s
    aws("wait", "table-exists", "--table-name", name)
    songs = [("Acme Band", "Happy Day", 2001), ("Acme Band", "PartiQL Rocks", 1999), ("Acme Band", "Still", 2020), ("No One You Know", "Call Me Today", 2010)]
    requests = {name: [{"PutRequest": {"Item": {"Artist": {"S": a}, "SongTitle": {"S": s}, "Year": {"N": str(y)}, "Awards": {"N": "0"}}}} for a, s, y in songs]}
    (tmp_path / "items.json").write_text(json.dumps(requests))
    assert aws("batch-write-item", "--request-items", f"file://{tmp_path}/items.json", "--return-consumed-capacity", "TOTAL")["ConsumedCapacity"][0]["CapacityUnits"] == 8
    # A query by an index, with names, paged by the client.
    query = ["query", "--table-name", name, "--index-name", "by-year", "--key-condition-expression", "Artist = :a AND #y > :y",
             "--expression-attribute-names", '{"#y": "Year"}', "--expression-attribute-values", '{":a": {"S": "Acme Band"}, ":y": {"N": "1900"}}',
             "--projection-expression", "SongTitle"]
    assert [i["SongTitle"]["S"] for i in aws(*query)["Items"]] == ["PartiQL Rocks", "Happy Day", "Still"]
    first = aws(*query, "--max-items", 2)
    rest = aws(*query, "--starting-token", first["NextToken"])
    assert [i["SongTitle"]["S"] for i in first["Items"] + rest["Items"]] == ["PartiQL Rocks", "Happy Day", "Still"]
    assert len(aws(*query, "--page-size", 1)["Items"]) == 3
    key = '{"Artist": {"S": "Acme Band"}, "SongTitle": {"S": "Still"}}'
    updated = aws("update-item", "--table-name", name, "--key", key, "--update-expression", "SET Awards = Awards + :one", "--condition-expression", "Awards < :max",
                  "--expression-attribute-values", '{":one": {"N": "1"}, ":max": {"N": "1"}}', "--return-values", "ALL_NEW")
    assert updated["Attributes"]["Awards"] == {"N": "1"}
    refused = aws("update-item", "--table-name", name, "--key", key, "--update-expression", "SET Awards = Awards + :one", "--condition-expression", "Awards < :max",
                  "--expression-attribute-values", '{":one": {"N": "1"}, ":max": {"N": "1"}}', check=False)
    assert refused.returncode != 0 and "An error occurred (ConditionalCheckFailedException) when calling the UpdateItem operation: The conditional request failed" in refused.stderr
    move = [{"Delete": {"TableName": name, "Key": json.loads(key)}}, {"Put": {"TableName": name, "Item": {"Artist": {"S": "Other"}, "SongTitle": {"S": "Still"}}}}]
    aws("transact-write-items", "--transact-items", json.dumps(move))
    assert aws("get-item", "--table-name", name, "--key", key) is None
    assert aws("scan", "--table-name", name, "--filter-expression", "attribute_not_exists(Awards)")["Items"] == [{"Artist": {"S": "Other"}, "SongTitle": {"S": "Still"}}]
    aws("delete-table", "--table-name", name)
    eventually(lambda: name not in dynamodb.list_tables()["TableNames"])
    aws("wait", "table-not-exists", "--table-name", name)


def test_the_resource_layer(server, name):
    resource = boto3.resource("dynamodb", endpoint_url=server.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test",
                              config=botocore.config.Config(retries={"max_attempts": 0}))
    table = resource.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                                  AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}])
    table.wait_until_exists(WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    table.load()
    assert table.table_status == "ACTIVE" and table.key_schema == [{"AttributeName": "id", "KeyType": "HASH"}] and table in list(resource.tables.all())
    # The writer sends again what came back unprocessed, and only the last of what has the same key.
    with table.batch_writer(overwrite_by_pkeys=["id"]) as batch:
        for n in [*range(70), 3, 3, 3]:
            batch.put_item(Item={"id": n, "half": decimal.Decimal(n) / 2, "tags": {"even" if n % 2 == 0 else "odd"}, "nested": {"list": [n, {"deep": True}]}})
        batch.delete_item(Key={"id": 69})
    assert table.scan(Select="COUNT")["Count"] == 69
    found = table.scan(FilterExpression=Attr("tags").contains("odd") & Attr("nested.list[1].deep").eq(True) & ~Attr("id").between(10, 60))
    assert sorted(int(i["id"]) for i in found["Items"]) == [1, 3, 5, 7, 9, 61, 63, 65, 67]
    assert table.query(KeyConditionExpression=Key("id").eq(3), ProjectionExpression="half")["Items"] == [{"half": decimal.Decimal("1.5")}]
    answer = resource.batch_get_item(RequestItems={name: {"Keys": [{"id": n} for n in (1, 2, 500)], "ConsistentRead": True}})
    assert sorted(int(i["id"]) for i in answer["Responses"][name]) == [1, 2] and answer["UnprocessedKeys"] == {}
    old = table.update_item(Key={"id": 1}, AttributeUpdates={"half": {"Value": 9, "Action": "PUT"}, "tags": {"Action": "DELETE"}}, ReturnValues="UPDATED_OLD")
    assert old["Attributes"] == {"half": decimal.Decimal("0.5"), "tags": {"odd"}}
    with pytest.raises(ClientError) as refused:
        table.delete_item(Key={"id": 1}, ConditionExpression=Attr("half").is_in([1, 2]) | Attr("tags").exists())
    assert isinstance(refused.value, resource.meta.client.exceptions.ConditionalCheckFailedException)
    with pytest.raises(ClientError) as refused:
        table.put_item(Item={"id": "a string"})
    assert refused.value.response["Error"]["Message"] == "One or more parameter values were invalid: Type mismatch for key id expected: N actual: S"
    table.delete()
    table.wait_until_not_exists(WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    with pytest.raises(resource.meta.client.exceptions.ResourceNotFoundException):
        table.load()
