import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';

const processor = new BatchProcessor(EventType.SQS);
const persistenceStore = new DynamoDBPersistenceLayer({ tableName: process.env.IDEMPOTENCY_TABLE, sortKeyAttr: 'sort_key' });
const config = new IdempotencyConfig({ eventKeyJmesPath: 'messageId', payloadValidationJmesPath: 'body', expiresAfterSeconds: 3600 });

const processIdempotently = makeIdempotent(
  async (record) => {
    console.log('DONE', record.messageId);
    if (JSON.parse(record.body).fail) throw new Error('no good');
    return { message: record.body };
  },
  { persistenceStore, config }
);

export const handler = async (event, context) => {
  config.registerLambdaContext(context);
  return processPartialResponse(event, processIdempotently, processor, { context, processInParallel: false });
};
