"""What was acknowledged is there after a restart, and works."""

import json

from lambari import Lambari, zip_of
from test_http_api import ECHO, quick_api
from test_lambda import call


def test_everything_survives_a_restart(own_server):
    server = own_server
    client = server.client("lambda")
    layer = client.publish_layer_version(LayerName="l", Content={"ZipFile": zip_of({"python/lib.py": "V = 5\n"})})["LayerVersionArn"]
    server.function("f", {"app.py": "import lib\ndef handler(e, c):\n    return lib.V\n"}, Layers=[layer])
    client.publish_version(FunctionName="f")
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    server.function("echo", ECHO)
    api = quick_api(server, "echo")
    iam = server.client("iam")
    iam.create_user(UserName="u")
    key = iam.create_access_key(UserName="u")["AccessKey"]
    assert call(client, "f", Qualifier="live")[0] == 5
    for end in (server.stop, server.kill):
        end()
        server.start()
        client = server.client("lambda")
        assert call(client, "f", Qualifier="live")[0] == 5 and call(client, "f")[0] == 5
        assert server.api(api, "/x").json()["rawPath"] == "/x"
        assert server.client("sts", key["AccessKeyId"], key["SecretAccessKey"]).get_caller_identity()["Arn"].endswith(":user/u")
        messages = [e["message"] for e in server.client("logs").filter_log_events(logGroupName="/aws/lambda/f")["events"]]
        assert any(m.startswith("START") for m in messages)
    client.update_function_code(FunctionName="f", ZipFile=zip_of({"app.py": "def handler(e, c):\n    return 'new'\n"}))
    client.get_waiter("function_updated_v2").wait(FunctionName="f", WaiterConfig={"Delay": 1})
    assert call(client, "f")[0] == "new" and call(client, "f", Qualifier="live")[0] == 5
    client.delete_function(FunctionName="f")
    server.restart()
    assert [f["FunctionName"] for f in server.client("lambda").list_functions()["Functions"]] == ["echo"]


def test_unpacked_code_is_made_again(own_server):
    import shutil
    own_server.function("f", {"app.py": "def handler(e, c):\n    return 1\n"})
    assert call(own_server.client("lambda"), "f")[0] == 1
    own_server.stop()
    for derived in own_server.data.glob("code*"):
        shutil.rmtree(derived)
    own_server.start()
    assert call(own_server.client("lambda"), "f")[0] == 1


def test_a_second_process_is_told_who_holds_the_directory(own_server):
    import subprocess
    from lambari import PROGRAM, free_port
    second = subprocess.run([PROGRAM, "start", "--port", str(free_port()), "--data", str(own_server.data)], capture_output=True, text=True, timeout=20,
                            env=own_server.environment())
    assert second.returncode != 0 and str(own_server.process.pid) in second.stderr + second.stdout


def test_nuke_leaves_nothing(own_server):
    own_server.function("f", {"app.py": "def handler(e, c):\n    return 1\n"})
    quick_api(own_server, "f")
    assert own_server.cli("nuke", "--yes").returncode == 0
    for _ in range(2):
        assert own_server.client("lambda").list_functions()["Functions"] == []
        assert own_server.client("apigatewayv2").get_apis()["Items"] == []
        assert own_server.client("iam").list_roles()["Roles"] == []
        assert own_server.client("logs").describe_log_groups()["logGroups"] == []
        own_server.restart()
    own_server.function("f", {"app.py": "def handler(e, c):\n    return 2\n"})
    assert call(own_server.client("lambda"), "f")[0] == 2
