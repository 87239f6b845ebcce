"""Resource policies of tables and streams: who may, who may not, and by which revision."""

import json

import pytest
from botocore.exceptions import ClientError
from lambari import ACCOUNT, REGION
from test_dynamodb import create

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


@pytest.fixture
def dynamodb(server):
    return server.client("dynamodb")


@pytest.fixture
def user(server, name):
    """The credentials of a user without any policy of its own."""
    iam = server.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def code_of(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def policy(effect, who, actions, resource):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": effect, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{who}"}, "Action": actions, "Resource": resource}]})


def test_a_policy_of_a_table_lets_in_and_keeps_out(server, dynamodb, name, user):
    create(dynamodb, name)
    arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    client = server.client("dynamodb", **user)
    get = {"TableName": name, "Key": KEY}
    assert code_of(client.get_item, **get) == "AccessDeniedException"
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy("Allow", name, ["dynamodb:GetItem", "dynamodb:BatchGetItem"], arn))
    client.get_item(**get)
    client.transact_get_items(TransactItems=[{"Get": get}])
    client.batch_get_item(RequestItems={name: {"Keys": [KEY]}})
    assert code_of(client.put_item, TableName=name, Item=KEY) == "AccessDeniedException"
    # An explicit deny wins over what the user's own policies allow.
    server.client("iam").put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}]}))
    client.put_item(TableName=name, Item=KEY)
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy("Deny", name, "dynamodb:*Item", arn))
    for denied in (lambda: client.put_item(TableName=name, Item=KEY), lambda: client.get_item(**get),
                   lambda: client.transact_write_items(TransactItems=[{"Put": {"TableName": name, "Item": KEY}}]),
                   lambda: client.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": KEY}}]})):
        assert code_of(denied) == "AccessDeniedException"
    assert client.scan(TableName=name)["Count"] == 1
    dynamodb.delete_resource_policy(ResourceArn=arn)
    client.get_item(**get)


def test_a_policy_of_a_stream(server, dynamodb, name, user):
    create(dynamodb, name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    arn = dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    streams = server.client("dynamodbstreams", **user)
    assert code_of(streams.describe_stream, StreamArn=arn) == "AccessDeniedException"
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy("Allow", name, ["dynamodb:DescribeStream"], arn))
    assert streams.describe_stream(StreamArn=arn)["StreamDescription"]["TableName"] == name
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    assert code_of(streams.get_shard_iterator, StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST") == "AccessDeniedException"
    assert code_of(server.client("dynamodb", **user).describe_table, TableName=name) == "AccessDeniedException"


def test_another_account_is_let_in_by_the_table(server, dynamodb, name):
    create(dynamodb, name)
    arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    other = server.client("dynamodb", key="123456789012")
    assert code_of(other.put_item, TableName=arn, Item=KEY) == "AccessDeniedException"
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "dynamodb:PutItem", "Resource": arn}]}))
    other.put_item(TableName=arn, Item=KEY)
    other.transact_write_items(TransactItems=[{"Put": {"TableName": arn, "Item": KEY}}])
    assert code_of(other.scan, TableName=arn) == "AccessDeniedException"
    assert dynamodb.scan(TableName=name)["Count"] == 1


def test_revisions(dynamodb, name):
    create(dynamodb, name)
    arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    one, two = (policy("Allow", "someone", action, arn) for action in ("dynamodb:GetItem", "dynamodb:PutItem"))
    assert code_of(dynamodb.get_resource_policy, ResourceArn=arn) == "PolicyNotFoundException"
    assert code_of(dynamodb.put_resource_policy, ResourceArn=arn, Policy=one, ExpectedRevisionId="1") == "PolicyNotFoundException"
    first = dynamodb.put_resource_policy(ResourceArn=arn, Policy=one, ExpectedRevisionId="NO_POLICY")["RevisionId"]
    assert dynamodb.put_resource_policy(ResourceArn=arn, Policy=one)["RevisionId"] == first
    assert code_of(dynamodb.put_resource_policy, ResourceArn=arn, Policy=two, ExpectedRevisionId="NO_POLICY") == "PolicyNotFoundException"
    second = dynamodb.put_resource_policy(ResourceArn=arn, Policy=two, ExpectedRevisionId=first)["RevisionId"]
    assert second != first
    got = dynamodb.get_resource_policy(ResourceArn=arn)
    assert got["RevisionId"] == second and json.loads(got["Policy"]) == json.loads(two)
    assert code_of(dynamodb.delete_resource_policy, ResourceArn=arn, ExpectedRevisionId=first) == "PolicyNotFoundException"
    assert dynamodb.delete_resource_policy(ResourceArn=arn, ExpectedRevisionId=second)["RevisionId"] == second
    assert "RevisionId" not in dynamodb.delete_resource_policy(ResourceArn=arn)
    assert code_of(dynamodb.get_resource_policy, ResourceArn=arn + "-none") == "ResourceNotFoundException"


def test_what_is_no_policy_is_refused(server, dynamodb, name, user):
    create(dynamodb, name, ResourcePolicy=policy("Allow", name, ["dynamodb:GetItem", "dynamodb:PutResourcePolicy"],
                                                 f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"))
    client = server.client("dynamodb", **user)
    client.get_item(TableName=name, Key=KEY)  # the policy that the table was made with
    arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    for wrong in ("{", "{}", json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": arn}]}),
                  policy("Allow", "x" * 21_000, "dynamodb:*", arn)):
        assert code_of(dynamodb.put_resource_policy, ResourceArn=arn, Policy=wrong) == "ValidationException"
    lost = policy("Allow", name, "dynamodb:GetItem", arn)
    assert code_of(client.put_resource_policy, ResourceArn=arn, Policy=lost) == "ValidationException"
    client.put_resource_policy(ResourceArn=arn, Policy=lost, ConfirmRemoveSelfResourceAccess=True)
    assert code_of(client.put_resource_policy, ResourceArn=arn, Policy=lost) == "AccessDeniedException"
    # Not even a policy that denies all locks out the root user for good.
    everybody = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "dynamodb:*", "Resource": arn}]})
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=everybody, ConfirmRemoveSelfResourceAccess=True)
    assert code_of(dynamodb.get_item, TableName=name, Key=KEY) == "AccessDeniedException"
    dynamodb.delete_resource_policy(ResourceArn=arn)
    dynamodb.get_item(TableName=name, Key=KEY)


def test_tags_and_policies_count_from_the_next_call_on(own_server, name):
    client = own_server.client("dynamodb")
    create(client, name)
    arn = client.describe_table(TableName=name)["Table"]["TableArn"]
    iam = own_server.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.put_user_policy(UserName=name, PolicyName="blue", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "blue"}}}]}))

    def user_client():
        return own_server.client("dynamodb", key=key["AccessKeyId"], secret=key["SecretAccessKey"])

    get = {"TableName": name, "Key": KEY}
    user = user_client()
    for _ in range(3):
        assert code_of(user.get_item, **get) == "AccessDeniedException"
        client.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "blue"}])
        user.get_item(**get)
        client.put_resource_policy(ResourceArn=arn, Policy=policy("Deny", name, "dynamodb:GetItem", arn))
        assert code_of(user.get_item, **get) == "AccessDeniedException"
        client.delete_resource_policy(ResourceArn=arn)
        user.get_item(**get)
        client.untag_resource(ResourceArn=arn, TagKeys=["team"])
    client.put_resource_policy(ResourceArn=arn, Policy=policy("Allow", name, "dynamodb:GetItem", arn))
    own_server.kill()
    own_server.start()
    client, user = own_server.client("dynamodb"), user_client()
    user.get_item(**get)
    # The policy goes with the table; a namesake has none.
    client.delete_table(TableName=name)
    client.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    create(client, name)
    assert code_of(user.get_item, **get) == "AccessDeniedException"
    assert code_of(client.get_resource_policy, ResourceArn=arn) == "PolicyNotFoundException"
