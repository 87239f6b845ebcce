import { HttpStatusCodes, NotFoundError, Router } from '@aws-lambda-powertools/event-handler/http';

const app = new Router();
const todos = { 1: { id: '1', title: 'wash the fish' } };

app.get('/todos/:todoId', async ({ params: { todoId }, req }) => {
  if (!todos[todoId]) throw new NotFoundError(`no todo ${todoId}`);
  return { todos: todos[todoId], expand: new URL(req.url).searchParams.get('expand') ?? '' };
});

app.post('/todos', async ({ req }) => {
  const data = await req.json();
  todos[data.id] = data;
  return { statusCode: HttpStatusCodes.CREATED, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ created: data.id }) };
});

export const handler = async (event, context) => app.resolve(event, context);
