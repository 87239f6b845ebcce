"""Backups on demand, point-in-time recovery, and restores from both, through boto3."""

import concurrent.futures
import datetime
import time

import pytest
from botocore.exceptions import ClientError
from lambari import ACCOUNT, REGION
from test_dynamodb import create, eventually

BY_COLOR = {"AttributeDefinitions": [{"AttributeName": a, "AttributeType": "S"} for a in ("pk", "sk", "color", "shade")],
            "GlobalSecondaryIndexes": [{"IndexName": "by-color", "Projection": {"ProjectionType": "ALL"},
                                        "KeySchema": [{"AttributeName": "color", "KeyType": "HASH"}]}],
            "LocalSecondaryIndexes": [{"IndexName": "by-shade", "Projection": {"ProjectionType": "KEYS_ONLY"},
                                       "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "shade", "KeyType": "RANGE"}]}]}


@pytest.fixture
def dynamodb(server):
    return server.client("dynamodb", max_pool_connections=16)


def code_of(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def item(number, **more):
    return {"pk": {"S": f"p{number % 7}"}, "sk": {"S": f"{number:05}"}, "color": {"S": "red" if number % 2 else "blue"},
            "shade": {"S": f"s{number % 3}"}, "data": {"S": "x" * 200}, **more}


def fill(client, table, numbers):
    numbers = list(numbers)
    for start in range(0, len(numbers), 25):
        writes = [{"PutRequest": {"Item": item(n)}} for n in numbers[start:start + 25]]
        assert not client.batch_write_item(RequestItems={table: writes})["UnprocessedItems"]


def everything(client, table, **options):
    pages = client.get_paginator("scan").paginate(TableName=table, **options)
    return {(i["pk"]["S"], i["sk"]["S"]): i for page in pages for i in page["Items"]}


def backed_up(client, table, name):
    arn = client.create_backup(TableName=table, BackupName=name)["BackupDetails"]["BackupArn"]
    assert available(client, arn)
    return arn


def available(client, arn):
    return eventually(lambda: client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE", 60)


def active(client, table):
    def ready():
        described = client.describe_table(TableName=table)["Table"]
        return described if described["TableStatus"] == "ACTIVE" else None
    return eventually(ready, 60)


def moment():
    """A time between what was done and what comes: a whole second, as boto3 sends no finer ones."""
    second = int(time.time()) + 1
    while time.time() < second + 0.002:
        time.sleep(0.01)
    return datetime.datetime.fromtimestamp(second, datetime.timezone.utc)


def test_a_backup_is_the_table_of_one_moment(dynamodb, name):
    create(dynamodb, name, **BY_COLOR, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
           Tags=[{"Key": "team", "Value": "blue"}])
    fill(dynamodb, name, range(1500))
    expected = everything(dynamodb, name)
    answer = dynamodb.create_backup(TableName=name, BackupName="first")["BackupDetails"]
    assert (answer["BackupStatus"], answer["BackupType"], answer["BackupName"]) == ("CREATING", "USER", "first")
    arn = answer["BackupArn"]
    # Everything changes while the rows are copied: what was there, what is new, what goes.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = [pool.submit(dynamodb.put_item, TableName=name, Item=item(n, changed={"S": "later"})) for n in range(0, 1500, 3)]
        done += [pool.submit(dynamodb.delete_item, TableName=name, Key={k: item(n)[k] for k in ("pk", "sk")}) for n in range(1, 1500, 3)]
        done += [pool.submit(dynamodb.put_item, TableName=name, Item=item(n)) for n in range(2000, 2300)]
        for each in done:
            each.result()
    assert available(dynamodb, arn)
    description = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]
    source, features = description["SourceTableDetails"], description["SourceTableFeatureDetails"]
    assert (source["ItemCount"], source["TableName"], source["BillingMode"]) == (1500, name, "PAY_PER_REQUEST")
    assert description["BackupDetails"]["BackupSizeBytes"] == source["TableSizeBytes"] > 1500 * 200
    assert [i["IndexName"] for i in features["GlobalSecondaryIndexes"]] == ["by-color"] and features["StreamDescription"]["StreamEnabled"]

    restored = dynamodb.restore_table_from_backup(TargetTableName=f"{name}-2", BackupArn=arn)["TableDescription"]
    assert restored["TableStatus"] == "CREATING" and restored["RestoreSummary"]["RestoreInProgress"]
    described = active(dynamodb, f"{name}-2")
    assert everything(dynamodb, f"{name}-2") == expected
    assert described["ItemCount"] == 1500 and described["RestoreSummary"]["SourceBackupArn"] == arn
    assert not described["RestoreSummary"]["RestoreInProgress"]
    # Streams and tags are not restored, as on AWS; the indexes are.
    assert "LatestStreamArn" not in described and dynamodb.list_tags_of_resource(ResourceArn=described["TableArn"])["Tags"] == []
    red = dynamodb.query(TableName=f"{name}-2", IndexName="by-color", KeyConditionExpression="color = :c",
                         ExpressionAttributeValues={":c": {"S": "red"}}, Select="COUNT")
    assert red["Count"] == 750
    assert {i["IndexName"]: i["ItemCount"] for i in described["GlobalSecondaryIndexes"]} == {"by-color": 1500}
    assert described["GlobalSecondaryIndexes"][0]["IndexSizeBytes"] == described["TableSizeBytes"]
    assert 0 < described["LocalSecondaryIndexes"][0]["IndexSizeBytes"] < described["TableSizeBytes"]

    # It outlives the table, which here leaves nothing else behind.
    dynamodb.delete_table(TableName=name)
    dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    assert [b["BackupArn"] for b in dynamodb.list_backups(TableName=name)["BackupSummaries"]] == [arn]
    dynamodb.restore_table_from_backup(TargetTableName=name, BackupArn=arn)
    assert active(dynamodb, name) and everything(dynamodb, name) == expected
    assert dynamodb.delete_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "DELETED"
    assert code_of(dynamodb.describe_backup, BackupArn=arn) == "BackupNotFoundException"
    assert everything(dynamodb, name) == expected


def test_backups_are_listed_by_table_time_and_type(own_server, name):
    client = own_server.client("dynamodb")
    create(client, name)
    create(client, f"{name}-b")
    arns = [backed_up(client, name, f"b-{n}") for n in range(2)]
    middle = moment()
    arns += [backed_up(client, name, f"b-{n}") for n in range(2, 5)]
    other = backed_up(client, f"{name}-b", "other")
    listed, start = [], {}
    while True:
        page = client.list_backups(Limit=2, **start)
        listed += [b["BackupArn"] for b in page["BackupSummaries"]]
        if "LastEvaluatedBackupArn" not in page:
            break
        start = {"ExclusiveStartBackupArn": page["LastEvaluatedBackupArn"]}
    assert listed == [*arns, other]

    def names(**filters):
        return [b["BackupName"] for b in client.list_backups(TableName=name, **filters)["BackupSummaries"]]

    assert names(TimeRangeLowerBound=middle) == ["b-2", "b-3", "b-4"] and names(TimeRangeUpperBound=middle) == ["b-0", "b-1"]
    assert names(BackupType="SYSTEM") == [] and len(names(BackupType="USER")) == 5


def test_what_cannot_be_backed_up_or_restored_is_refused(dynamodb, name):
    missing = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}/backup/01600000000000-00000000"
    assert code_of(dynamodb.create_backup, TableName=name, BackupName="one") == "TableNotFoundException"
    assert code_of(dynamodb.describe_backup, BackupArn=missing) == "BackupNotFoundException"
    assert code_of(dynamodb.delete_backup, BackupArn=missing) == "BackupNotFoundException"
    assert code_of(dynamodb.restore_table_from_backup, TargetTableName=f"{name}-2", BackupArn=missing) == "BackupNotFoundException"
    create(dynamodb, name, **BY_COLOR)
    arn = backed_up(dynamodb, name, "one")
    restore = {"BackupArn": arn, "TargetTableName": f"{name}-2"}
    assert code_of(dynamodb.restore_table_from_backup, BackupArn=arn, TargetTableName=name) == "TableAlreadyExistsException"
    other = {"IndexName": "other", "KeySchema": [{"AttributeName": "color", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
    assert code_of(dynamodb.restore_table_from_backup, **restore, GlobalSecondaryIndexOverride=[other]) == "ValidationException"
    assert code_of(dynamodb.restore_table_from_backup, **restore, BillingModeOverride="PROVISIONED") == "ValidationException"
    key = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/mine"}
    assert code_of(dynamodb.restore_table_from_backup, **restore, SSESpecificationOverride=key) == "ValidationException"
    to_a_time = {"SourceTableName": name, "TargetTableName": f"{name}-2", "UseLatestRestorableTime": True}
    assert code_of(dynamodb.restore_table_to_point_in_time, **to_a_time) == "PointInTimeRecoveryUnavailableException"
    assert code_of(dynamodb.restore_table_to_point_in_time, **{**to_a_time, "SourceTableName": "none"}) == "TableNotFoundException"
    assert code_of(dynamodb.describe_continuous_backups, TableName="none") == "TableNotFoundException"


def test_a_restore_may_change_indexes_and_billing(dynamodb, name):
    create(dynamodb, name, **BY_COLOR)
    fill(dynamodb, name, range(50))
    arn = backed_up(dynamodb, name, "one")
    units = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 9}
    dynamodb.restore_table_from_backup(TargetTableName=f"{name}-2", BackupArn=arn, BillingModeOverride="PROVISIONED",
                                       ProvisionedThroughputOverride=units, GlobalSecondaryIndexOverride=[])
    described = active(dynamodb, f"{name}-2")
    assert described["ProvisionedThroughput"]["WriteCapacityUnits"] == 9 and "GlobalSecondaryIndexes" not in described
    assert {a["AttributeName"] for a in described["AttributeDefinitions"]} == {"pk", "sk", "shade"}
    by_shade = dynamodb.query(TableName=f"{name}-2", IndexName="by-shade", KeyConditionExpression="pk = :p AND shade = :s",
                              ExpressionAttributeValues={":p": {"S": "p0"}, ":s": {"S": "s0"}})
    assert by_shade["Count"] == len([n for n in range(50) if n % 7 == 0 and n % 3 == 0])
    # A restored table is a table like others.
    dynamodb.put_item(TableName=f"{name}-2", Item=item(100))
    assert dynamodb.describe_continuous_backups(TableName=f"{name}-2")["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"] == {
        "PointInTimeRecoveryStatus": "DISABLED"}


def recovery(client, table, **specification):
    return client.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, **specification})[
        "ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]




def test_a_table_is_restored_as_it_was_at_a_time(dynamodb, name):
    create(dynamodb, name, **BY_COLOR)
    fill(dynamodb, name, range(300))
    described = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert described["ContinuousBackupsStatus"] == "ENABLED"
    assert described["PointInTimeRecoveryDescription"] == {"PointInTimeRecoveryStatus": "DISABLED"}
    enabled = recovery(dynamodb, name, RecoveryPeriodInDays=5)
    assert enabled["PointInTimeRecoveryStatus"] == "ENABLED" and enabled["RecoveryPeriodInDays"] == 5
    states = [(moment(), everything(dynamodb, name))]
    dynamodb.put_item(TableName=name, Item=item(0, changed={"S": "once"}))
    dynamodb.delete_item(TableName=name, Key={k: item(1)[k] for k in ("pk", "sk")})
    dynamodb.put_item(TableName=name, Item=item(900))
    states.append((moment(), everything(dynamodb, name)))
    dynamodb.transact_write_items(TransactItems=[
        {"Put": {"TableName": name, "Item": item(1, back={"BOOL": True})}}, {"Delete": {"TableName": name, "Key": {k: item(900)[k] for k in ("pk", "sk")}}},
        {"Update": {"TableName": name, "Key": {k: item(0)[k] for k in ("pk", "sk")}, "UpdateExpression": "SET color = :c",
                    "ExpressionAttributeValues": {":c": {"S": "green"}}}}])
    states.append((moment(), everything(dynamodb, name)))
    fill(dynamodb, name, range(300))
    for number, (when, expected) in enumerate(states):
        target = f"{name}-{number}"
        answer = dynamodb.restore_table_to_point_in_time(SourceTableName=name, TargetTableName=target, RestoreDateTime=when)["TableDescription"]
        assert answer["TableStatus"] == "CREATING" and answer["RestoreSummary"]["SourceTableArn"].endswith(f"table/{name}")
        described = active(dynamodb, target)
        assert everything(dynamodb, target) == expected, number
        assert everything(dynamodb, target, IndexName="by-color") == expected and described["ItemCount"] == len(expected)
    source = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    dynamodb.restore_table_to_point_in_time(SourceTableArn=source, TargetTableName=f"{name}-now", UseLatestRestorableTime=True)
    assert active(dynamodb, f"{name}-now") and everything(dynamodb, f"{name}-now") == everything(dynamodb, name)
    for wrong in (states[0][0] - datetime.timedelta(hours=1), moment() + datetime.timedelta(hours=1)):
        assert code_of(dynamodb.restore_table_to_point_in_time, SourceTableName=name, TargetTableName=f"{name}-x",
                       RestoreDateTime=wrong) == "InvalidRestoreTimeException"
    assert code_of(dynamodb.restore_table_to_point_in_time, SourceTableName=name, TargetTableName=name,
                   UseLatestRestorableTime=True) == "TableAlreadyExistsException"
    assert code_of(dynamodb.update_continuous_backups, TableName=name, PointInTimeRecoverySpecification={
        "PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 36}) == "ValidationException"


def test_the_window_moves_and_ends(own_server, name):
    client = own_server.client("dynamodb")
    create(client, name)
    begun = recovery(client, name, RecoveryPeriodInDays=2)["EarliestRestorableDateTime"]
    client.put_item(TableName=name, Item=item(1))
    own_server.cli("clock", "advance", "24h")
    client.put_item(TableName=name, Item=item(2))

    def window():
        return client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]

    assert window()["EarliestRestorableDateTime"] == begun
    yesterday = window()["LatestRestorableDateTime"] - datetime.timedelta(hours=1)
    client.restore_table_to_point_in_time(SourceTableName=name, TargetTableName=f"{name}-1", RestoreDateTime=yesterday)
    assert active(client, f"{name}-1") and [k[1] for k in everything(client, f"{name}-1")] == ["00001"]
    own_server.cli("clock", "advance", "48h")
    assert window()["EarliestRestorableDateTime"] > begun + datetime.timedelta(hours=23)
    assert code_of(client.restore_table_to_point_in_time, SourceTableName=name, TargetTableName=f"{name}-2", RestoreDateTime=begun) == \
        "InvalidRestoreTimeException"
    # A longer period does not bring back what a shorter one has let go.
    recovery(client, name, RecoveryPeriodInDays=1)
    assert recovery(client, name, RecoveryPeriodInDays=35)["EarliestRestorableDateTime"] > begun + datetime.timedelta(hours=47)
    client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False})
    assert window() == {"PointInTimeRecoveryStatus": "DISABLED"}
    assert recovery(client, name)["EarliestRestorableDateTime"] > begun + datetime.timedelta(hours=71)


def test_a_deleted_table_with_recovery_leaves_a_backup(own_server, name):
    client = own_server.client("dynamodb")
    create(client, name, **BY_COLOR)
    fill(client, name, range(100))
    expected = everything(client, name)
    recovery(client, name)
    client.delete_table(TableName=name)
    client.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    backup, = client.list_backups(BackupType="SYSTEM")["BackupSummaries"]
    assert backup["BackupName"] == f"{name}$DeletedTableBackup" and backup["BackupStatus"] == "AVAILABLE"
    assert (backup["BackupExpiryDateTime"] - backup["BackupCreationDateTime"]).days == 35
    create(client, name)  # a namesake has nothing of it
    assert everything(client, name) == {}
    own_server.restart()
    client = own_server.client("dynamodb")
    client.restore_table_from_backup(TargetTableName=f"{name}-2", BackupArn=backup["BackupArn"])
    assert active(client, f"{name}-2") and everything(client, f"{name}-2") == expected
    assert everything(client, f"{name}-2", IndexName="by-color") == expected
    own_server.cli("clock", "advance", f"{36 * 24}h")
    assert eventually(lambda: client.list_backups()["BackupSummaries"] == [])
    assert everything(client, f"{name}-2") == expected


def test_time_to_live_of_a_table_survives_its_updates_and_not_its_restore(own_server, name):
    client = own_server.client("dynamodb")
    create(client, name)
    later = str(int(time.time()) + 3600)
    client.put_item(TableName=name, Item=item(1, until={"N": later}))
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"})
    assert active(client, name)
    arn = backed_up(client, name, "one")
    client.update_table(TableName=name, DeletionProtectionEnabled=True)
    assert active(client, name)
    own_server.restart()
    client = own_server.client("dynamodb")
    client.restore_table_from_backup(TargetTableName=f"{name}-2", BackupArn=arn)
    assert active(client, f"{name}-2")
    own_server.cli("clock", "advance", "2h")
    assert eventually(lambda: everything(client, name) == {})
    assert len(everything(client, f"{name}-2")) == 1
    assert client.describe_time_to_live(TableName=f"{name}-2")["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"


def test_what_is_not_offered_says_its_name(dynamodb, name):
    create(dynamodb, name)
    arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    for operation, arguments in [
            ("ExportTableToPointInTime", {"TableArn": arn, "S3Bucket": "bucket"}), ("ListExports", {}), ("ListImports", {}),
            ("CreateGlobalTable", {"GlobalTableName": name, "ReplicationGroup": [{"RegionName": REGION}]}), ("ListGlobalTables", {}),
            ("EnableKinesisStreamingDestination", {"TableName": name, "StreamArn": "arn:aws:kinesis:us-east-1:000000000000:stream/none"}),
            ("DescribeKinesisStreamingDestination", {"TableName": name}),
            ("UpdateContributorInsights", {"TableName": name, "ContributorInsightsAction": "ENABLE"}),
            ("DescribeContributorInsights", {"TableName": name}), ("DescribeTableReplicaAutoScaling", {"TableName": name})]:
        method = "".join(("_" if c.isupper() and i else "") + c.lower() for i, c in enumerate(operation))
        with pytest.raises(ClientError) as refused:
            getattr(dynamodb, method)(**arguments)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
        assert operation in refused.value.response["Error"]["Message"]
    for setting in ({"SSESpecification": {"Enabled": True, "SSEType": "KMS"}}, {"ReplicaUpdates": [{"Create": {"RegionName": "eu-west-1"}}]}):
        assert code_of(dynamodb.update_table, TableName=name, **setting) == "ValidationException"
    assert dynamodb.describe_limits()["TableMaxReadCapacityUnits"] == 40_000
    assert dynamodb.describe_endpoints()["Endpoints"][0]["CachePeriodInMinutes"] == 1440


def test_sizes_of_indexes_are_those_of_their_items(dynamodb, name):
    create(dynamodb, name)
    fill(dynamodb, name, range(1200))
    create(dynamodb, f"{name}-small")
    dynamodb.update_table(TableName=name, AttributeDefinitions=BY_COLOR["AttributeDefinitions"][:3], GlobalSecondaryIndexUpdates=[
        {"Create": BY_COLOR["GlobalSecondaryIndexes"][0]}])
    with concurrent.futures.ThreadPoolExecutor(8) as pool:  # while the index is filled
        done = [pool.submit(dynamodb.delete_item, TableName=name, Key={k: item(n)[k] for k in ("pk", "sk")}) for n in range(0, 1200, 4)]
        done += [pool.submit(dynamodb.update_item, TableName=name, Key={k: item(n)[k] for k in ("pk", "sk")}, UpdateExpression="SET color = :c",
                             ExpressionAttributeValues={":c": {"S": "a longer color"}}) for n in range(1, 1200, 4)]
        done += [pool.submit(dynamodb.update_item, TableName=name, Key={k: item(n)[k] for k in ("pk", "sk")}, UpdateExpression="REMOVE color")
                 for n in range(2, 1200, 4)]
        for each in done:
            each.result()
    assert active(dynamodb, name)
    held = everything(dynamodb, name, IndexName="by-color")
    index, = dynamodb.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]
    assert len(held) == 600 and index["ItemCount"] == 600
    # The same items alone in a table have the same size.
    for row in held.values():
        dynamodb.put_item(TableName=f"{name}-small", Item=row)
    assert dynamodb.describe_table(TableName=f"{name}-small")["Table"]["TableSizeBytes"] == index["IndexSizeBytes"]
    dynamodb.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-color"}}])
    assert "GlobalSecondaryIndexes" not in active(dynamodb, name)
