import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import middy from '@middy/core';

const processor = new BatchProcessor(EventType.SQS);
const tracer = new Tracer();
const logger = new Logger();

const recordHandler = async (record) => {
  const item = JSON.parse(record.body);
  logger.info('Processed item', { item });
  if (item.item === 'bad') throw new Error('no good');
};

export const handler = middy(async (event, context) => processPartialResponse(event, recordHandler, processor, { context }))
  .use(injectLambdaContext(logger))
  .use(captureLambdaHandler(tracer));
