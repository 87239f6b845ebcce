from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit, single_metric

logger = Logger(service="payment")
metrics = Metrics(namespace="ExampleApplication", service="booking")
metrics.set_default_dimensions(environment="prod")


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    logger.append_keys(order_id=event["order"])
    metrics.add_metric(name="SuccessfulBooking", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="SuccessfulBooking", unit=MetricUnit.Count, value=2)
    metrics.add_metadata(key="booking_id", value=event["order"])
    with single_metric(name="Single", unit=MetricUnit.Seconds, value=5, namespace="ExampleApplication") as metric:
        metric.add_dimension(name="kind", value="alone")
    logger.info("Collecting payment")
    try:
        raise ValueError("something went wrong")
    except ValueError:
        logger.exception("Received an exception")
    return event["order"]
