import { Logger } from '@aws-lambda-powertools/logger';
import { correlationPaths, search } from '@aws-lambda-powertools/logger/correlationId';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';

const logger = new Logger({ serviceName: 'payment', correlationIdSearchFn: search });
const metrics = new Metrics({ namespace: 'ExampleApplication', serviceName: 'booking', defaultDimensions: { environment: 'prod' } });

export const handler = middy(async (event) => {
  logger.appendKeys({ order_id: event.order });
  metrics.addMetric('SuccessfulBooking', MetricUnit.Count, 1);
  metrics.addMetric('SuccessfulBooking', MetricUnit.Count, 2);
  metrics.addMetadata('booking_id', event.order);
  const single = metrics.singleMetric();
  single.addDimension('kind', 'alone');
  single.addMetric('Single', MetricUnit.Seconds, 5);
  logger.info('Collecting payment');
  try {
    throw new TypeError('something went wrong');
  } catch (error) {
    logger.error('Received an exception', error);
  }
  return event.order;
})
  .use(injectLambdaContext(logger, { correlationIdPath: correlationPaths.API_GATEWAY_HTTP, resetKeys: true }))
  .use(logMetrics(metrics, { captureColdStartMetric: true }));
