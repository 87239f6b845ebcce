"""API Gateway HTTP APIs: configured with boto3, called as clients call them."""

import http.server
import json
import threading

import pytest
from botocore.exceptions import ClientError
from lambari import ACCOUNT, REGION

ECHO = {"app.py": "def handler(event, context):\n    return event\n"}
ECHO_1 = {"app.py": "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps(event)}\n"}
SHAPED = {"app.py": """
def handler(event, context):
    return {'statusCode': 201, 'headers': {'X-Made': 'here'}, 'cookies': ['a=1', 'b=2'], 'body': 'aGk=', 'isBase64Encoded': True}
"""}


def function_arn(name):
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def allow(server, name, api):
    server.client("lambda").add_permission(FunctionName=name, StatementId=api, Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com",
                                           SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/*")


def quick_api(server, name, **options):
    api = server.client("apigatewayv2").create_api(Name=name, ProtocolType="HTTP", Target=function_arn(name), **options)["ApiId"]
    allow(server, name, api)
    return api


def test_quick_create_and_payload_2(server, name):
    server.function(name, ECHO)
    api = quick_api(server, name)
    answer = server.api(api, "/a/b?x=1&x=2&y=%C3%A7", method="POST", data="héllo".encode(), headers={"Content-Type": "text/plain", "Cookie": "k=v; m=n"})
    assert answer.status_code == 200 and answer.headers["apigw-requestid"]
    event = answer.json()
    assert event["version"] == "2.0" and event["routeKey"] == "$default" and event["rawPath"] == "/a/b"
    assert event["rawQueryString"] == "x=1&x=2&y=%C3%A7" and event["queryStringParameters"] == {"x": "1,2", "y": "ç"}
    assert event["cookies"] == ["k=v", "m=n"] and event["body"] == "héllo" and event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["http"]["method"] == "POST" and context["http"]["path"] == "/a/b" and context["apiId"] == api and context["stage"] == "$default"
    assert context["accountId"] == ACCOUNT and context["http"]["sourceIp"] == "127.0.0.1"
    assert server.api(api, "/a/b", by_path=True).json()["rawPath"] == "/a/b"


def test_without_permission_nothing_is_called(server, name):
    server.function(name, ECHO)
    api = server.client("apigatewayv2").create_api(Name=name, ProtocolType="HTTP", Target=function_arn(name))["ApiId"]
    answer = server.api(api, "/")
    assert answer.status_code == 500 and answer.json() == {"message": "Internal Server Error"}


def test_routes_integrations_and_payload_1(server, name):
    client = server.client("apigatewayv2")
    server.function(name, ECHO)
    server.function(name + "-1", ECHO_1)
    api = client.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
    allow(server, name, api)
    allow(server, name + "-1", api)
    one = client.create_integration(ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=function_arn(name + "-1"), PayloadFormatVersion="1.0")["IntegrationId"]
    two = client.create_integration(ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=function_arn(name), PayloadFormatVersion="2.0")["IntegrationId"]
    for key, integration in [("GET /pets/{id}", two), ("ANY /files/{proxy+}", two), ("GET /old", one), ("GET /pets/special", two)]:
        client.create_route(ApiId=api, RouteKey=key, Target=f"integrations/{integration}")
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    client.create_stage(ApiId=api, StageName="dev", AutoDeploy=True, StageVariables={"color": "blue"})
    assert server.api(api, "/pets/7").json()["pathParameters"] == {"id": "7"}
    assert server.api(api, "/pets/special").json()["routeKey"] == "GET /pets/special"
    assert server.api(api, "/files/a/b/c", method="DELETE").json()["pathParameters"] == {"proxy": "a/b/c"}
    event = server.api(api, "/pets/1", stage="dev").json()
    assert event["stageVariables"] == {"color": "blue"} and event["rawPath"] == "/dev/pets/1" and event["requestContext"]["stage"] == "dev"
    missing = server.api(api, "/nothing")
    assert missing.status_code == 404 and missing.json() == {"message": "Not Found"}
    assert server.api(api, "/pets/1", method="POST").status_code == 404
    with pytest.raises(ClientError) as error:
        client.create_route(ApiId=api, RouteKey="GET /pets/{id}")
    assert error.value.response["Error"]["Code"] == "ConflictException"
    event = server.api(api, "/old?q=1&q=2").json()
    assert event["version"] == "1.0" and event["path"] == "/old" and event["httpMethod"] == "GET"
    assert event["queryStringParameters"] == {"q": "1"} and event["multiValueQueryStringParameters"] == {"q": ["1", "2"]}


def test_responses_are_mapped(server, name):
    server.function(name, SHAPED)
    answer = server.api(quick_api(server, name), "/")
    assert answer.status_code == 201 and answer.content == b"hi" and answer.headers["x-made"] == "here"
    assert answer.cookies.get("a") == "1" and answer.cookies.get("b") == "2"


def test_a_failing_function_is_500_without_detail(server, name):
    server.function(name, {"app.py": "def handler(e, c):\n    raise Exception('secret detail')\n"})
    answer = server.api(quick_api(server, name), "/")
    assert answer.status_code in (500, 502) and answer.json() == {"message": "Internal Server Error"} and "secret" not in answer.text


def test_deployments_without_auto_deploy(server, name):
    client = server.client("apigatewayv2")
    server.function(name, ECHO)
    api = client.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
    allow(server, name, api)
    integration = client.create_integration(ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=function_arn(name), PayloadFormatVersion="2.0")["IntegrationId"]
    client.create_route(ApiId=api, RouteKey="GET /a", Target=f"integrations/{integration}")
    client.create_stage(ApiId=api, StageName="prod")
    assert server.api(api, "/a", stage="prod").status_code == 404
    client.create_deployment(ApiId=api, StageName="prod")
    assert server.api(api, "/a", stage="prod").status_code == 200
    client.create_route(ApiId=api, RouteKey="GET /b", Target=f"integrations/{integration}")
    assert server.api(api, "/b", stage="prod").status_code == 404
    client.create_deployment(ApiId=api, StageName="prod")
    assert server.api(api, "/b", stage="prod").status_code == 200
    client.delete_api(ApiId=api)
    assert server.api(api, "/a", stage="prod").status_code in (403, 404)


def test_cors(server, name):
    server.function(name, {"app.py": "def handler(e, c):\n    return 'x'\n"})
    api = quick_api(server, name, CorsConfiguration={"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET", "POST"], "AllowHeaders": ["x-one"], "MaxAge": 60})
    preflight = server.api(api, "/", method="OPTIONS", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "GET"})
    assert preflight.status_code in (200, 204) and preflight.headers["access-control-allow-origin"] == "https://a.example"
    assert "GET" in preflight.headers["access-control-allow-methods"] and preflight.headers["access-control-max-age"] == "60"
    assert server.api(api, "/", headers={"Origin": "https://a.example"}).headers["access-control-allow-origin"] == "https://a.example"
    assert "access-control-allow-origin" not in server.api(api, "/", headers={"Origin": "https://b.example"}).headers


def test_throttling(server, name):
    client = server.client("apigatewayv2")
    server.function(name, ECHO)
    api = quick_api(server, name)
    client.update_stage(ApiId=api, StageName="$default", DefaultRouteSettings={"ThrottlingBurstLimit": 2, "ThrottlingRateLimit": 1})
    codes = [server.api(api, "/").status_code for _ in range(12)]
    assert codes[0] == 200 and 429 in codes


def test_http_proxy(server, name):
    class Backend(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"path": self.path, "added": self.headers.get("x-added"), "via": self.headers.get("via")}).encode()
            self.send_response(203)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Backend", "yes")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    try:
        client = server.client("apigatewayv2")
        api = client.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
        integration = client.create_integration(ApiId=api, IntegrationType="HTTP_PROXY", IntegrationMethod="GET", PayloadFormatVersion="1.0",
                                                IntegrationUri=f"http://127.0.0.1:{backend.server_port}/base/{{proxy}}",
                                                RequestParameters={"append:header.x-added": "$request.querystring.v"})["IntegrationId"]
        client.create_route(ApiId=api, RouteKey="ANY /{proxy+}", Target=f"integrations/{integration}")
        client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
        answer = server.api(api, "/x/y?v=7")
        assert answer.status_code == 203 and answer.headers["x-backend"] == "yes"
        assert answer.json()["path"].startswith("/base/x/y") and answer.json()["added"] == "7"
    finally:
        backend.shutdown()


def test_openapi_round_trip(server, name):
    client = server.client("apigatewayv2")
    server.function(name, ECHO)
    document = {"openapi": "3.0.1", "info": {"title": name, "version": "1"}, "paths": {"/pets/{id}": {"get": {
        "responses": {"default": {"description": "d"}},
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": function_arn(name), "payloadFormatVersion": "2.0"}}}}}
    api = client.import_api(Body=json.dumps(document))["ApiId"]
    allow(server, name, api)
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    assert server.api(api, "/pets/3").json()["pathParameters"] == {"id": "3"}
    exported = json.loads(client.export_api(ApiId=api, OutputType="JSON", Specification="OAS30")["body"].read())
    assert exported["paths"]["/pets/{id}"]["get"]["x-amazon-apigateway-integration"]["payloadFormatVersion"] == "2.0"


def test_refusals(server, name):
    client = server.client("apigatewayv2")
    with pytest.raises(ClientError) as error:
        client.get_api(ApiId="nothere123")
    assert error.value.response["Error"]["Code"] == "NotFoundException" and error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    api = client.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
    for bad in ["GET pets", "FETCH /pets", "GET /{a}/{a+}/x", ""]:
        with pytest.raises(ClientError) as error:
            client.create_route(ApiId=api, RouteKey=bad)
        assert error.value.response["Error"]["Code"] == "BadRequestException", bad
    with pytest.raises(ClientError):
        client.create_route(ApiId=api, RouteKey="GET /secured", AuthorizationType="AWS_IAM")
    assert client.get_routes(ApiId=api)["Items"] == []
