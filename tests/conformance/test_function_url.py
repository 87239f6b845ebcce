"""Function URLs through HTTP, as users call them: by host, by path, signed and not."""

import base64
import json

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import requests
from botocore.exceptions import ClientError
from lambari import ACCOUNT, REGION, zip_of

ECHO = {"app.py": """
import json
def handler(event, context):
    if event['rawPath'] == '/raise':
        raise ValueError('boom')
    if event['rawPath'] == '/plain':
        return {'just': 'json'}
    return {'statusCode': 203, 'headers': {'x-mine': 'yes', 'access-control-allow-origin': 'https://mine.example'}, 'cookies': ['a=1', 'b=2'],
            'body': json.dumps(event)}
"""}


def visit(server, url, path="/", method="GET", **options):
    """By host, wherever that name leads."""
    host = url.split("//")[1].rstrip("/")
    headers = {"Host": host, **options.pop("headers", {})}
    return requests.request(method, server.url + path, headers=headers, timeout=30, **options)


def signed(server, url, path="/", method="GET", key="test", secret="test", token=None, service="lambda", data=""):
    host = url.split("//")[1].rstrip("/")
    request = botocore.awsrequest.AWSRequest(method=method, url=f"http://{host}{path}", data=data, headers={"Host": host})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, secret, token), service, REGION).add_auth(request)
    return requests.request(method, server.url + path, headers=dict(request.headers), data=data, timeout=30)


def open_to_all(client, name, qualifier=None):
    options = {"Qualifier": qualifier} if qualifier else {}
    client.add_permission(FunctionName=name, StatementId="url", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE", **options)
    client.add_permission(FunctionName=name, StatementId="function", Action="lambda:InvokeFunction", Principal="*", InvokedViaFunctionUrl=True, **options)


def test_public_url(own_server, name):
    server = own_server
    client = server.client("lambda")
    server.function(name, ECHO)
    url = client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    assert f".lambda-url.{REGION}.localhost:{server.port}/" in url
    answer = visit(server, url)
    assert answer.status_code == 403 and answer.json()["Message"].startswith("Forbidden"), "the policy must open it"
    client.add_permission(FunctionName=name, StatementId="url", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE")
    assert visit(server, url).status_code == 403, "both actions are needed"
    client.add_permission(FunctionName=name, StatementId="function", Action="lambda:InvokeFunction", Principal="*", InvokedViaFunctionUrl=True)

    answer = visit(server, url, "/some/path?a=1&a=2", "POST", json={"k": "v"}, headers={"X-Test": "t"}, cookies={"c": "d"})
    assert answer.status_code == 203 and answer.headers["x-mine"] == "yes"
    assert answer.headers["set-cookie"] == "a=1, b=2" and answer.headers["access-control-allow-origin"] == "https://mine.example"
    event = answer.json()
    assert event["version"] == "2.0" and event["routeKey"] == "$default" and event["rawPath"] == "/some/path" and event["rawQueryString"] == "a=1&a=2"
    assert event["queryStringParameters"] == {"a": "1,2"} and event["cookies"] == ["c=d"] and json.loads(event["body"]) == {"k": "v"}
    assert event["headers"]["x-test"] == "t" and event["requestContext"]["accountId"] == "anonymous"
    assert event["requestContext"]["http"]["method"] == "POST" and event["requestContext"]["domainPrefix"] in url
    binary = visit(server, url, method="PUT", data=b"\x00\xff", headers={"Content-Type": "application/octet-stream"}).json()
    assert binary["isBase64Encoded"] is True and base64.b64decode(binary["body"]) == b"\x00\xff"
    assert visit(server, url, "/raise").status_code == 502
    plain = visit(server, url, "/plain")
    assert plain.status_code == 200 and plain.json() == {"just": "json"} and plain.headers["content-type"] == "application/json"

    url_id = url.split("//")[1].split(".")[0]
    by_path = requests.get(f"{server.url}/_aws/lambda-url/{url_id}/x/y?z=1", timeout=30).json()
    assert by_path["rawPath"] == "/x/y" and by_path["rawQueryString"] == "z=1"
    on_aws = requests.get(f"{server.url}/q", headers={"Host": f"{url_id}.lambda-url.{REGION}.on.aws"}, timeout=30)
    assert on_aws.status_code == 203 and on_aws.json()["requestContext"]["domainName"] == f"{url_id}.lambda-url.{REGION}.on.aws"

    server.restart()
    client = server.client("lambda")
    assert client.get_function_url_config(FunctionName=name)["FunctionUrl"].split(".")[0] == url.split(".")[0]
    assert visit(server, url).status_code == 203
    client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": "def handler(e, c):\n    return 'second'\n"}))
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert visit(server, url).text == "second", "a string is sent without its quotes"
    client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": "def handler(e, c):\n    return {'statusCode': 200, 'body': '{}'}\n"}))
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert visit(server, url).headers["content-type"] == "application/json"
    client.delete_function_url_config(FunctionName=name)
    assert visit(server, url).status_code == 403
    with pytest.raises(ClientError) as error:
        client.get_function_url_config(FunctionName=name)
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_iam_url(server, name):
    client, iam = server.client("lambda"), server.client("iam")
    server.function(name, ECHO)
    url = server.aws("lambda", "create-function-url-config", "--function-name", name, "--auth-type", "AWS_IAM")["FunctionUrl"]
    assert visit(server, url).status_code == 403
    event = signed(server, url, "/p", "POST", data="body").json()
    iam_context = event["requestContext"]["authorizer"]["iam"]
    assert iam_context["accountId"] == ACCOUNT and iam_context["userArn"] == f"arn:aws:iam::{ACCOUNT}:root" and event["body"] == "body"
    assert signed(server, url, secret="wrong").status_code == 403
    assert signed(server, url, service="execute-api").status_code == 403

    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}
    assert signed(server, url, **keys).status_code == 403, "the user may do nothing yet"
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    statements = [{"Effect": "Allow", "Action": "lambda:InvokeFunctionUrl", "Resource": arn,
                   "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}},
                  {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn, "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}}]
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements[:1]}))
    assert signed(server, url, **keys).status_code == 403
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    answer = signed(server, url, **keys)
    assert answer.status_code == 203 and answer.json()["requestContext"]["authorizer"]["iam"]["userArn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"
    with pytest.raises(ClientError) as error:
        server.client("lambda", key["AccessKeyId"], key["SecretAccessKey"]).invoke(FunctionName=name)
    assert error.value.response["Error"]["Code"] == "AccessDeniedException", "only through the URL"


def test_cors_and_aliases(server, name):
    client = server.client("lambda")
    server.function(name, ECHO)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    cors = {"AllowOrigins": ["https://app.example"], "AllowMethods": ["GET", "POST"], "AllowHeaders": ["content-type"], "ExposeHeaders": ["x-mine"],
            "MaxAge": 300, "AllowCredentials": True}
    url = client.create_function_url_config(FunctionName=name, Qualifier="live", AuthType="NONE", Cors=cors)["FunctionUrl"]
    assert client.get_function_url_config(FunctionName=name, Qualifier="live")["Cors"] == cors
    open_to_all(client, name, "live")
    ask = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "Content-Type"}
    preflight = visit(server, url, method="OPTIONS", headers=ask)
    assert preflight.status_code == 200 and preflight.headers["access-control-allow-origin"] == "https://app.example"
    assert preflight.headers["access-control-allow-methods"] == "GET,POST" and preflight.headers["access-control-max-age"] == "300"
    assert "access-control-allow-origin" not in visit(server, url, method="OPTIONS", headers={**ask, "Origin": "https://other.example"}).headers
    answer = visit(server, url, headers={"Origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example" and answer.headers["access-control-expose-headers"] == "x-mine"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert [c["FunctionArn"].rsplit(":", 1)[1] for c in client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]] == ["live"]
    client.update_function_url_config(FunctionName=name, Qualifier="live", Cors={"AllowOrigins": ["*"]})
    assert visit(server, url, headers={"Origin": "https://any.example"}).headers["access-control-allow-origin"] == "*"
    client.delete_alias(FunctionName=name, Name="live")
    assert visit(server, url).status_code == 403


def test_streaming(server, name):
    client = server.client("lambda")
    server.function(name, {"app.mjs": """
export const handler = awslambda.streamifyResponse(async (event, stream) => {
    if (event.rawPath === '/fails') throw new Error('before the first byte');
    if (event.rawPath === '/plain') {
        stream.setContentType('text/event-stream');
    } else {
        stream = awslambda.HttpResponseStream.from(stream, { statusCode: 206, headers: { 'X-Mine': 'yes', 'Content-Type': 'text/plain' }, cookies: ['a=1'] });
    }
    stream.write('one ');
    await new Promise((done) => setTimeout(done, 600));
    stream.write('two');
    stream.end();
});
"""}, runtime="nodejs20.x", Timeout=10)
    url = client.create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode="RESPONSE_STREAM")["FunctionUrl"]
    open_to_all(client, name)
    with visit(server, url, stream=True) as answer:
        assert answer.status_code == 206 and answer.headers["x-mine"] == "yes" and answer.headers["content-type"] == "text/plain"
        assert answer.headers["set-cookie"] == "a=1"
        assert [piece.decode() for piece in answer.iter_content(None)] == ["one ", "two"], "each piece as it is made"
    plain = visit(server, url, "/plain")
    assert plain.status_code == 200 and plain.headers["content-type"] == "text/event-stream" and plain.text == "one two"
    assert visit(server, url, "/fails").status_code == 502
    client.update_function_url_config(FunctionName=name, InvokeMode="BUFFERED")
    assert visit(server, url, "/plain").status_code == 502, "a buffered answer is JSON"
