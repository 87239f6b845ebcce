import json
import os

from greeting import greet  # from the layer


def handler(event, context):
    name = (event.get("pathParameters") or {}).get("name", "world")
    print(f"greeting {name}")
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"message": greet(name), "function": context.function_name, "region": os.environ["AWS_REGION"]}),
    }
