import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';

const persistenceStore = new DynamoDBPersistenceLayer({ tableName: process.env.IDEMPOTENCY_TABLE });

class PaymentError extends Error {
  name = 'PaymentError';
}

const createSubscriptionPayment = async (event) => {
  console.log('CREATING');
  if (!event.user_id) throw new Error('nobody pays');
  await setTimeout(1000 * (event.seconds ?? 0));
  return { id: randomUUID(), productId: event.product_id };
};

export const handler = makeIdempotent(
  async (event, _context) => {
    try {
      const payment = await createSubscriptionPayment(event);
      return { payment_id: payment.id, message: 'success', statusCode: 200 };
    } catch (error) {
      throw new PaymentError(`Error creating payment ${error.message}`);
    }
  },
  { persistenceStore }
);
