import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';

const processor = new BatchProcessor(EventType.DynamoDBStreams);
const failed = new Set();

const recordHandler = async (record) => {
  const word = record.dynamodb.NewImage.id.S;
  if (word === 'bad' && !failed.has(word)) {
    failed.add(word);
    console.log('FAILED bad');
    throw new Error('not yet');
  }
  console.log('DONE', word);
};

export const handler = async (event, context) => processPartialResponse(event, recordHandler, processor, { context });
