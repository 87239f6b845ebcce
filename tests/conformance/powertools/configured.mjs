import { DynamoDBProvider } from '@aws-lambda-powertools/parameters/dynamodb';

const dynamoDBProvider = new DynamoDBProvider({ tableName: process.env.TABLE });
const many = new DynamoDBProvider({ tableName: `${process.env.TABLE}-many` });

export const handler = async () => ({
  one: await dynamoDBProvider.get('my-parameter'),
  document: await dynamoDBProvider.get('my-document', { transform: 'json' }),
  cached: await dynamoDBProvider.get('my-parameter', { maxAge: 600 }),
  fresh: await dynamoDBProvider.get('my-parameter', { forceFetch: true }),
  many: await many.getMultiple('config'),
});
