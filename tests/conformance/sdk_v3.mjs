// The AWS SDK for JavaScript v3, unmodified: deploy, call, update, delete. Prints what it saw as JSON.
import { readFileSync } from 'node:fs';
import { LambdaClient, CreateFunctionCommand, InvokeCommand, UpdateFunctionCodeCommand, DeleteFunctionCommand, GetFunctionCommand,
  waitUntilFunctionActiveV2, waitUntilFunctionUpdatedV2 } from '@aws-sdk/client-lambda';
import { ApiGatewayV2Client, CreateApiCommand, CreateRouteCommand, GetRoutesCommand, DeleteApiCommand } from '@aws-sdk/client-apigatewayv2';
import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';

const [name, zip, role] = process.argv.slice(2);
const lambda = new LambdaClient({ maxAttempts: 1 });
const api = new ApiGatewayV2Client({ maxAttempts: 1 });
const invoke = async () => JSON.parse(Buffer.from((await lambda.send(new InvokeCommand({ FunctionName: name, Payload: JSON.stringify({ a: 1 }) }))).Payload).toString());

await lambda.send(new CreateFunctionCommand({ FunctionName: name, Runtime: 'nodejs20.x', Handler: 'app.handler', Role: role, Code: { ZipFile: readFileSync(zip) } }));
await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { FunctionName: name });
const answer = await invoke();
await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile: readFileSync(zip), DryRun: true }));
const { execFileSync } = await import('node:child_process');
const second = execFileSync('/usr/bin/python3', ['-c', `
import io, sys, zipfile
b = io.BytesIO()
with zipfile.ZipFile(b, 'w') as z: z.writestr('app.mjs', "export const handler = async () => 'second';")
sys.stdout.buffer.write(b.getvalue())`]);
await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile: second }));
await waitUntilFunctionUpdatedV2({ client: lambda, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { FunctionName: name });
const afterUpdate = await invoke();
await lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
let error = '';
try {
  await lambda.send(new GetFunctionCommand({ FunctionName: name }));
} catch (caught) {
  error = caught.name;
}
const { ApiId } = await api.send(new CreateApiCommand({ Name: name, ProtocolType: 'HTTP' }));
await api.send(new CreateRouteCommand({ ApiId, RouteKey: 'GET /x' }));
const route = (await api.send(new GetRoutesCommand({ ApiId }))).Items[0].RouteKey;
await api.send(new DeleteApiCommand({ ApiId }));
const roles = (await new IAMClient({}).send(new ListRolesCommand({}))).Roles.some((r) => r.Arn === role);
console.log(JSON.stringify({ answer, second: afterUpdate, error, route, roles }));
