"""What AWS would bill: counted where it arises, shown at once, kept over restarts."""

import json
import time

from lambari import ACCOUNT, REGION

QUICK = {"app.py": "def handler(event, context):\n    return 1\n"}


def usage(server):
    lines = json.loads(server.cli("cost", "--json").stdout)["usage"]
    return {(line["usage"], line["resource"].rsplit(":", 1)[-1]): line["amount"] for line in lines}


def test_requests_and_time_are_counted_and_survive(own_server, name):
    server = own_server
    client = server.client("lambda")
    server.function(name, QUICK, MemorySize=256)
    for _ in range(3):
        client.invoke(FunctionName=name)
    counted = usage(server)
    assert counted["Request", name] == 3
    assert counted["Lambda-MB-ms", name] >= 3 * 256
    table = server.cli("cost").stdout
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    row = next(line for line in table.splitlines() if line.endswith(arn))
    assert row.split()[0] == "3" and "requests" in table and "GB-s" in table

    since = json.loads(server.cli("cost", "--json").stdout)["since"]
    server.restart()
    assert usage(server) == counted and json.loads(server.cli("cost", "--json").stdout)["since"] == since
    server.client("lambda").invoke(FunctionName=name)
    assert usage(server)["Request", name] == 4

    # Killed, it has what was counted more than a second before.
    time.sleep(2.5)
    server.kill()
    server.start()
    assert usage(server)["Request", name] == 4
    server.cli("nuke", "--yes")
    assert usage(server) == {}


def test_provisioned_concurrency_is_counted_while_it_is_there(own_server, name):
    server = own_server
    client = server.client("lambda")
    server.function(name, QUICK, MemorySize=128)
    client.publish_version(FunctionName=name)
    client.put_provisioned_concurrency_config(FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=1)
    for _ in range(100):
        if client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="1")["Status"] == "READY":
            break
        time.sleep(0.1)
    deadline = time.monotonic() + 10
    while usage(server).get(("Lambda-Provisioned-MB-ms", name), 0) < 128 * 1000 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert usage(server)["Lambda-Provisioned-MB-ms", name] >= 128 * 1000
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    time.sleep(1.5)
    counted = usage(server)["Lambda-Provisioned-MB-ms", name]
    time.sleep(1.5)
    assert usage(server)["Lambda-Provisioned-MB-ms", name] == counted
