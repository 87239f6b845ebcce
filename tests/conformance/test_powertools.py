"""Powertools for AWS Lambda where they need other services: batches from a real queue, idempotency in a real table. The examples are
those of their documentation. https://docs.powertools.aws.dev/lambda/python/latest/utilities/batch/ and .../idempotency/"""

import json
import time

from lambari import ROOT
from test_runtimes import call, installed

SITE = next((ROOT / ".cache/venv/lib").glob("python3*/site-packages"))

BATCH = """
from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

processor = BatchProcessor(event_type=EventType.SQS)
tracer = Tracer()
logger = Logger()


@tracer.capture_method
def record_handler(record: SQSRecord):
    payload: str = record.json_body
    logger.info(payload)
    if payload["item"] == "bad":
        raise ValueError("no good")


@logger.inject_lambda_context
@tracer.capture_lambda_handler
def lambda_handler(event, context: LambdaContext):
    return process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
"""

IDEMPOTENT = """
import os
from dataclasses import dataclass, field
from uuid import uuid4

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, idempotent
from aws_lambda_powertools.utilities.typing import LambdaContext

persistence_layer = DynamoDBPersistenceLayer(table_name=os.getenv("IDEMPOTENCY_TABLE", ""))


@dataclass
class Payment:
    user_id: str
    product_id: str
    payment_id: str = field(default_factory=lambda: f"{uuid4()}")


class PaymentError(Exception): ...


@idempotent(persistence_store=persistence_layer)
def lambda_handler(event: dict, context: LambdaContext):
    try:
        payment: Payment = create_subscription_payment(event)
        return {
            "payment_id": payment.payment_id,
            "message": "success",
            "statusCode": 200,
        }
    except Exception as exc:
        raise PaymentError(f"Error creating payment {str(exc)}")


def create_subscription_payment(event: dict) -> Payment:
    return Payment(**event)
"""


def package(code):
    files = installed(SITE, "aws_lambda_powertools", "jmespath", "aws_xray_sdk", "wrapt")
    files["typing_extensions.py"] = (SITE / "typing_extensions.py").read_bytes()
    return {**files, "app.py": code}


def role_that_may(server, name, *actions):
    role = server.role(f"{name}-role")
    server.client("iam").put_role_policy(RoleName=f"{name}-role", PolicyName="own", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}))
    return role


def until(found, seconds=60):
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)
    return value


def test_a_batch_of_which_one_message_fails(own_server, name):
    """Partial batch response: what fails comes again and goes to the dead letters, what is well goes at once."""
    server = own_server
    sqs, client = server.client("sqs"), server.client("lambda")

    def arn_of(url):
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    dead = sqs.create_queue(QueueName=name + "-dead")["QueueUrl"]
    queue = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "120", "RedrivePolicy": json.dumps(
        {"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": 1})})["QueueUrl"]
    server.function(name, package(BATCH), handler="app.lambda_handler", Timeout=60, MemorySize=512, Environment={"Variables": {"POWERTOOLS_SERVICE_NAME": "order"}},
                    Role=role_that_may(server, name, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"))
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": word, "MessageBody": json.dumps({"item": word})} for word in ("one", "bad", "two")])
    client.create_event_source_mapping(EventSourceArn=arn_of(queue), FunctionName=name, BatchSize=10,
                                       FunctionResponseTypes=["ReportBatchItemFailures"])

    def left(url):
        a = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(a["ApproximateNumberOfMessages"]), int(a["ApproximateNumberOfMessagesNotVisible"])
    until(lambda: sum(left(queue)) == 1)  # both good ones are deleted
    assert server.cli("clock", "advance", "3m").returncode == 0
    messages = until(lambda: sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages"))
    assert [json.loads(message["Body"])["item"] for message in messages] == ["bad"] and sum(left(queue)) == 0


def test_idempotency_in_dynamodb(server, name):
    dynamodb = server.client("dynamodb")
    dynamodb.create_table(TableName=name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                          AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification={"AttributeName": "expiration", "Enabled": True})
    role = role_that_may(server, name, "dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
    server.function(name, package(IDEMPOTENT), handler="app.lambda_handler", Timeout=60, MemorySize=512, Role=role,
                    Environment={"Variables": {"IDEMPOTENCY_TABLE": name}})
    first = call(server, name, {"user_id": "xyz", "product_id": "123456789"})[0]
    assert first["statusCode"] == 200
    assert call(server, name, {"user_id": "xyz", "product_id": "123456789"})[0] == first  # not paid twice
    other = call(server, name, {"user_id": "xyz", "product_id": "2"})[0]
    assert other["payment_id"] != first["payment_id"]
    items = dynamodb.scan(TableName=name)["Items"]
    assert len(items) == 2 and {item["status"]["S"] for item in items} == {"COMPLETED"} and all("expiration" in item for item in items)
    assert all(item["id"]["S"].startswith(f"{name}.app.lambda_handler#") for item in items)
    # One that fails leaves nothing, and may be tried again.
    answer = server.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"nobody": 1}))
    assert json.loads(answer["Payload"].read())["errorType"] == "PaymentError"
    assert len(dynamodb.scan(TableName=name)["Items"]) == 2
