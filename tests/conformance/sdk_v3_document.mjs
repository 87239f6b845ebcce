// The document client of the AWS SDK for JavaScript v3, unmodified: plain objects in, plain objects out. Prints what it saw as JSON.
import { isDeepStrictEqual } from 'node:util';
import { DynamoDBClient, CreateTableCommand, DeleteTableCommand, waitUntilTableExists, waitUntilTableNotExists } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, NumberValue, PutCommand, GetCommand, UpdateCommand, DeleteCommand, BatchWriteCommand, BatchGetCommand, TransactWriteCommand,
  TransactGetCommand, ExecuteStatementCommand, paginateQuery, paginateScan } from '@aws-sdk/lib-dynamodb';

const TableName = process.argv[2];
const client = new DynamoDBClient({ maxAttempts: 1 });
const document = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true, convertClassInstanceToMap: true } });
const send = (Command, input) => document.send(new Command({ TableName, ...input }));
const failure = async (work) => { try { await work(); } catch (error) { return error; } };
const saw = {};

await client.send(new CreateTableCommand({ TableName, BillingMode: 'PAY_PER_REQUEST', KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }],
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }, { AttributeName: 'sk', AttributeType: 'N' }] }));
await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { TableName });

// Every type, there and back.
class Point { constructor() { this.x = 1; this.y = -2.5; } }
const Item = { pk: 'types', sk: 0, text: 'é€🐟', number: 0.1, yes: true, no: false, nothing: null, list: [1, 'two', [3], { four: 4 }], map: { a: { b: { c: [] } } },
  strings: new Set(['x', 'y']), numbers: new Set([1, 2]), bytes: new Uint8Array([0, 255]), empty: '', left: undefined, point: new Point() };
await send(PutCommand, { Item });
const back = (await send(GetCommand, { Key: { pk: 'types', sk: 0 }, ConsistentRead: true })).Item;
const { left, ...expected } = { ...Item, point: { x: 1, y: -2.5 } };
saw.same = isDeepStrictEqual({ ...back, bytes: [...back.bytes] }, { ...expected, bytes: [0, 255] });
const exact = DynamoDBDocumentClient.from(new DynamoDBClient({ maxAttempts: 1 }), { unmarshallOptions: { wrapNumbers: true } });
await send(PutCommand, { Item: { pk: 'types', sk: 1, big: NumberValue.from('12345678901234567890123456789012345678') } });
saw.big = (await exact.send(new GetCommand({ TableName, Key: { pk: 'types', sk: 1 } }))).Item.big.value;

// Updates, conditions, what they give back.
const updated = await send(UpdateCommand, { Key: { pk: 'types', sk: 0 }, UpdateExpression: 'SET #m.a.b.c = list_append(#m.a.b.c, :more), #n = #n + :one REMOVE yes DELETE strings :gone',
  ExpressionAttributeNames: { '#m': 'map', '#n': 'number' }, ExpressionAttributeValues: { ':more': ['z'], ':one': 1, ':gone': new Set(['x']) }, ReturnValues: 'UPDATED_NEW' });
saw.updated = { ...updated.Attributes, strings: [...updated.Attributes.strings] };
const refused = await failure(() => send(PutCommand, { Item: { pk: 'types', sk: 0 }, ConditionExpression: 'attribute_not_exists(pk)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }));
saw.refused = [refused.name, refused.$metadata.httpStatusCode, refused.Item?.text?.S ?? refused.Item?.text];

// Batches, and pages.
const puts = Array.from({ length: 60 }, (_, sk) => ({ PutRequest: { Item: { pk: 'many', sk, word: sk % 3 ? 'other' : 'third', pad: 'x'.repeat(40000) } } }));
for (let at = 0; at < puts.length; at += 25) {
  const answer = await document.send(new BatchWriteCommand({ RequestItems: { [TableName]: puts.slice(at, at + 25) } }));
  saw.unprocessed = Object.keys(answer.UnprocessedItems ?? {}).length;
}
saw.batch = (await document.send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [3, 5, 99].map((sk) => ({ pk: 'many', sk })), ProjectionExpression: 'sk' } } })))
  .Responses[TableName].map((i) => i.sk).sort();
let pages = 0;
const found = [];
for await (const page of paginateQuery({ client: document }, { TableName, KeyConditionExpression: 'pk = :p AND sk BETWEEN :a AND :b', FilterExpression: 'word = :w',
  ExpressionAttributeValues: { ':p': 'many', ':a': 6, ':b': 59, ':w': 'third' }, ScanIndexForward: false })) {
  pages += 1;
  found.push(...page.Items.map((i) => i.sk));
}
saw.pages = pages;
saw.found = found;
saw.scanned = 0;
for await (const page of paginateScan({ client: document, pageSize: 20 }, { TableName })) saw.scanned += page.Count;

// Transactions, and PartiQL.
const move = (amount, ClientRequestToken) => document.send(new TransactWriteCommand({ ClientRequestToken, TransactItems: [
  { Update: { TableName, Key: { pk: 'ana', sk: 0 }, UpdateExpression: 'SET amount = amount - :a', ConditionExpression: 'amount >= :a', ExpressionAttributeValues: { ':a': amount } } },
  { Update: { TableName, Key: { pk: 'bob', sk: 0 }, UpdateExpression: 'SET amount = amount + :a', ExpressionAttributeValues: { ':a': amount } } }] }));
for (const pk of ['ana', 'bob']) await send(PutCommand, { Item: { pk, sk: 0, amount: 100 } });
await move(30, 'one');
await move(30, 'one');
const cancelled = await failure(() => move(500, 'two'));
saw.cancelled = [cancelled.name, cancelled.CancellationReasons.map((r) => r.Code)];
saw.amounts = (await document.send(new TransactGetCommand({ TransactItems: ['ana', 'bob'].map((pk) => ({ Get: { TableName, Key: { pk, sk: 0 } } })) }))).Responses.map((r) => r.Item.amount);
saw.statement = (await document.send(new ExecuteStatementCommand({ Statement: `SELECT amount FROM "${TableName}" WHERE pk = ? AND sk = ?`, Parameters: ['bob', 0] }))).Items;

saw.deleted = (await send(DeleteCommand, { Key: { pk: 'bob', sk: 0 }, ReturnValues: 'ALL_OLD' })).Attributes;
saw.gone = (await send(GetCommand, { Key: { pk: 'bob', sk: 0 } })).Item === undefined;
await client.send(new DeleteTableCommand({ TableName }));
await waitUntilTableNotExists({ client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { TableName });
saw.missing = (await failure(() => send(GetCommand, { Key: { pk: 'bob', sk: 0 } }))).name;
console.log(JSON.stringify(saw));
