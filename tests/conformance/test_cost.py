"""What AWS would bill: counted where it arises, shown at once, kept over restarts."""

import base64
import json
import re
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


def billed(client, name, **options):
    """The milliseconds that the log says are billed."""
    answer = client.invoke(FunctionName=name, LogType="Tail", **options)
    report = re.search(r"REPORT.*", base64.b64decode(answer["LogResult"]).decode())[0]
    duration, total = re.search(r"Duration: ([0-9.]+) ms", report)[1], int(re.search(r"Billed Duration: (\d+) ms", report)[1])
    init = re.search(r"Init Duration: ([0-9.]+) ms", report)
    # Init is billed like the run, and the sum is rounded up to the next millisecond; the log has hundredths.
    exact = float(duration) + (float(init[1]) if init else 0)
    assert exact - 0.02 <= total <= max(1, exact + 1.02), report
    return total


def test_the_sum_is_what_the_reports_say(own_server, name):
    """By hand: memory times billed milliseconds, of all versions and aliases; /tmp beyond 512 MB is billed for as long."""
    server = own_server
    client = server.client("lambda")
    server.function(name, {"app.py": "import time\ntime.sleep(0.05)\ndef handler(event, context):\n    time.sleep(event.get('for', 0))\n"},
                    MemorySize=384, EphemeralStorage={"Size": 1024})
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    total = billed(client, name) + billed(client, name, Payload='{"for": 0.03}') + billed(client, name, Qualifier="1")
    total += billed(client, name, Qualifier="live")
    counted = usage(server)
    assert counted == {("Request", name): 4, ("Lambda-MB-ms", name): total * 384, ("Lambda-Storage-MB-ms", name): total * 512}
    header, row = (line.split() for line in server.cli("cost").stdout.splitlines()[1:3])
    assert header == ["requests", "GB-s", "provisioned", "GB-s", "kept", "GB-s", "/tmp", "GB-s", "function"]
    assert row[:2] == ["4", f"{total * 384 / 1024 / 1000:.3f}"] and row[4] == f"{total * 512 / 1024 / 1000:.3f}"


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
    while usage(server).get(("Lambda-Provisioned-Concurrency-MB-ms", name), 0) < 128 * 1000 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert usage(server)["Lambda-Provisioned-Concurrency-MB-ms", name] >= 128 * 1000
    ran = billed(client, name, Qualifier="1")
    counted = usage(server)
    assert counted["Lambda-Provisioned-MB-ms", name] == ran * 128 and ("Lambda-MB-ms", name) not in counted
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    time.sleep(1.5)
    counted = usage(server)["Lambda-Provisioned-Concurrency-MB-ms", name]
    time.sleep(1.5)
    assert usage(server)["Lambda-Provisioned-Concurrency-MB-ms", name] == counted
