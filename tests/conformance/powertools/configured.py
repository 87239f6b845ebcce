import os

from aws_lambda_powertools.utilities import parameters

dynamodb_provider = parameters.DynamoDBProvider(table_name=os.environ["TABLE"])
many = parameters.DynamoDBProvider(table_name=os.environ["TABLE"] + "-many")


def handler(event, context):
    return {
        "one": dynamodb_provider.get("my-parameter"),
        "document": dynamodb_provider.get("my-document", transform="json"),
        "cached": dynamodb_provider.get("my-parameter", max_age=600),
        "fresh": dynamodb_provider.get("my-parameter", force_fetch=True),
        "many": many.get_multiple("config"),
    }
