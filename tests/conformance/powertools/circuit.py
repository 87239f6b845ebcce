import json
import os

import boto3
from aws_lambda_powertools.utilities.circuit_breaker import CircuitBreakerConfig, CircuitInfo, circuit_breaker
from aws_lambda_powertools.utilities.circuit_breaker.persistence import CircuitBreakerDynamoDBPersistence

sqs = boto3.client("sqs")
persistence = CircuitBreakerDynamoDBPersistence(table_name=os.environ["TABLE"])
config = CircuitBreakerConfig(failure_threshold=2, recovery_timeout=3600, success_threshold=1, local_cache_max_age=0)


def buffer(order: dict, circuit: CircuitInfo):
    sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(order))
    return {"buffered": circuit.name}


@circuit_breaker(name="payment-backend", persistence_store=persistence, on_circuit_open=buffer, config=config)
def charge(order: dict) -> dict:
    print("DONE", order["n"])
    if order.get("fail"):
        raise ConnectionError("the backend is down")
    return {"charged": order["n"]}


def handler(event, context):
    return charge(event)
