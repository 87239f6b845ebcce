from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

app = APIGatewayHttpResolver()
todos = {"1": {"id": "1", "title": "wash the fish"}}


@app.get("/todos/<todo_id>")
def get_todo(todo_id: str):
    if todo_id not in todos:
        raise NotFoundError(f"no todo {todo_id}")
    return {"todos": todos[todo_id], "expand": app.current_event.get_query_string_value(name="expand", default_value="")}


@app.post("/todos")
def create_todo():
    data: dict = app.current_event.json_body
    todos[data["id"]] = data
    return {"created": data["id"]}, 201


def handler(event, context):
    return app.resolve(event, context)
