from aws_lambda_powertools.utilities.batch import AsyncBatchProcessor, EventType, async_process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

processor = AsyncBatchProcessor(event_type=EventType.DynamoDBStreams)
failed = set()


async def record_handler(record: DynamoDBRecord):
    word = record.dynamodb.new_image["id"]
    if word == "bad" and word not in failed:
        failed.add(word)
        print("FAILED bad")
        raise ValueError("not yet")
    print("DONE", word)


def handler(event, context):
    return async_process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
