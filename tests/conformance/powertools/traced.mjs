// Where X-Ray's daemon would be, the function itself listens.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import middy from '@middy/core';

const daemon = createSocket('udp4').bind(0, '127.0.0.1');
await once(daemon, 'listening');
process.env.AWS_XRAY_DAEMON_ADDRESS = `127.0.0.1:${daemon.address().port}`;
const { Tracer } = await import('@aws-lambda-powertools/tracer');
const { captureLambdaHandler } = await import('@aws-lambda-powertools/tracer/middleware');

const tracer = new Tracer({ serviceName: 'payment' });

const collectPayment = async (chargeId) => {
  const parent = tracer.getSegment();
  const subsegment = parent.addNewSubsegment('### collectPayment');
  tracer.setSegment(subsegment);
  tracer.putAnnotation('PaymentId', chargeId);
  tracer.putMetadata('payment_context', { charge: chargeId });
  subsegment.close();
  tracer.setSegment(parent);
  return `dummy payment collected for charge: ${chargeId}`;
};

const traced = middy(async (event) => collectPayment(event.charge_id)).use(captureLambdaHandler(tracer));

export const handler = async (event, context) => {
  const segments = [];
  const heard = new Promise((resolve) =>
    daemon.on('message', (message) => {
      segments.push(JSON.parse(message.toString().split('\n')[1]));
      if (segments.some((segment) => segment.name.includes('handler'))) resolve();
    })
  );
  const answer = await traced(event, context);
  await heard;
  return { answer, segments };
};
