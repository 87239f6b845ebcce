import { SqsFifoPartialProcessor, processPartialResponseSync } from '@aws-lambda-powertools/batch';

const processor = new SqsFifoPartialProcessor();

const recordHandler = (record) => {
  if (record.body === 'bad' && record.attributes.ApproximateReceiveCount === '1') {
    console.log('FAILED bad');
    throw new Error('not yet');
  }
  console.log('DONE', record.body);
};

export const handler = async (event, context) => processPartialResponseSync(event, recordHandler, processor, { context });
