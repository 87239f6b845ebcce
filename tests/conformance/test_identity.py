"""IAM, STS and signatures."""

import json

import botocore
import pytest
import requests
from botocore.exceptions import ClientError
from lambari import ACCOUNT


def code_of(error):
    return error.value.response["Error"]["Code"]


def test_root_and_other_accounts(server):
    me = server.client("sts").get_caller_identity()
    assert (me["Account"], me["Arn"], me["UserId"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
    other = server.client("sts", key="123456789012").get_caller_identity()
    assert other["Account"] == "123456789012"


def test_bad_signatures_are_refused(server):
    with pytest.raises(ClientError) as error:
        server.client("sts", secret="wrong").get_caller_identity()
    assert code_of(error) == "SignatureDoesNotMatch" and error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(ClientError) as error:
        server.client("sts", key="AKIAUNKNOWNUNKNOWN12").get_caller_identity()
    assert code_of(error) == "InvalidClientTokenId"
    unsigned = server.client("lambda", signature_version=botocore.UNSIGNED)
    with pytest.raises(ClientError) as error:
        unsigned.list_functions()
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403 and "MissingAuthenticationToken" in code_of(error)


def test_user_policies_are_evaluated(server, name):
    iam = server.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    user = dict(key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert server.client("sts", **user).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"
    with pytest.raises(ClientError) as error:
        server.client("lambda", **user).list_functions()
    assert "AccessDenied" in code_of(error)
    assert (f"User: arn:aws:iam::{ACCOUNT}:user/{name} is not authorized to perform: lambda:ListFunctions" in
            error.value.response["Error"]["Message"])
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "lambda:List*", "Resource": "*"}]}))
    server.client("lambda", **user).list_functions()
    iam.put_user_policy(UserName=name, PolicyName="q", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "lambda:ListFunctions", "Resource": "*"}]}))
    with pytest.raises(ClientError) as error:
        server.client("lambda", **user).list_functions()
    assert "with an explicit deny" in error.value.response["Error"]["Message"]
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError) as error:
        server.client("sts", **user).get_caller_identity()
    assert code_of(error) == "InvalidClientTokenId"


def test_assume_role(server, name):
    iam, sts = server.client("iam"), server.client("sts")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole",
                                                     "Condition": {"StringEquals": {"sts:ExternalId": "42"}}}]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    with pytest.raises(ClientError) as error:
        sts.assume_role(RoleArn=arn, RoleSessionName="session")
    assert code_of(error) == "AccessDenied"
    issued = sts.assume_role(RoleArn=arn, RoleSessionName="session", ExternalId="42")["Credentials"]
    session = server.client("sts", issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])
    assert session.get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/session"
    with pytest.raises(ClientError):
        server.client("iam", issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"]).list_users()
    with pytest.raises(ClientError):
        server.client("sts", issued["AccessKeyId"], issued["SecretAccessKey"]).get_caller_identity()


def test_roles_and_policies(server, name):
    iam = server.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=[{"Key": "k", "Value": "v"}])["Role"]
    assert role["RoleId"].startswith("AROA") and role["AssumeRolePolicyDocument"]["Statement"][0]["Effect"] == "Allow"
    with pytest.raises(ClientError) as error:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    assert code_of(error) == "EntityAlreadyExists" and error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    policy = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    assert [p["PolicyArn"] for p in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]] == [policy]
    with pytest.raises(ClientError) as error:
        iam.delete_role(RoleName=name)
    assert code_of(error) == "DeleteConflict"
    with pytest.raises(ClientError) as error:
        iam.put_role_policy(RoleName=name, PolicyName="bad", PolicyDocument="{")
    assert code_of(error) == "MalformedPolicyDocument"
    iam.detach_role_policy(RoleName=name, PolicyArn=policy)
    iam.delete_policy(PolicyArn=policy)
    iam.delete_role(RoleName=name)
    with pytest.raises(ClientError) as error:
        iam.get_role(RoleName=name)
    assert code_of(error) == "NoSuchEntity" and f"The role with name {name} cannot be found." in error.value.response["Error"]["Message"]


def test_admin_calls_need_their_header(server):
    answer = requests.post(f"{server.url}/_lambari/nuke", timeout=10)
    assert answer.status_code == 403
    answer = requests.get(f"{server.url}/_lambari/metrics", headers={"Host": "evil.example"}, timeout=10)
    assert answer.status_code == 403
