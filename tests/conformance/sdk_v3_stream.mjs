// The AWS SDK for JavaScript v3, unmodified: an answer that comes in pieces. Prints what came, and when, as JSON.
import { LambdaClient, InvokeWithResponseStreamCommand } from '@aws-sdk/client-lambda';

const lambda = new LambdaClient({ maxAttempts: 1 });
const Payload = JSON.stringify({ count: 3, pause: 250, fail: true });
const { EventStream } = await lambda.send(new InvokeWithResponseStreamCommand({ FunctionName: process.argv[2], Payload }));
const pieces = [];
let complete;
for await (const event of EventStream) {
  if (event.PayloadChunk) pieces.push({ at: performance.now(), text: Buffer.from(event.PayloadChunk.Payload).toString() });
  if (event.InvokeComplete) complete = event.InvokeComplete;
}
console.log(JSON.stringify({ pieces, complete }));
