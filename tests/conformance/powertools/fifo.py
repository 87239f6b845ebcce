from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

processor = SqsFifoPartialProcessor()


def record_handler(record: SQSRecord):
    if record.body == "bad" and record.attributes.approximate_receive_count == "1":
        print("FAILED bad")
        raise ValueError("not yet")
    print("DONE", record.body)


def handler(event, context):
    return process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
