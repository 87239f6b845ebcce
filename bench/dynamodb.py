"""Tables under load: each operation at 1 and 64 connections beside peers and the store's floor, YCSB's mixes, and whether the size of a
table or the heat of a key costs anything. Called by bench/run.py; `python bench/dynamodb.py` runs it alone.

  LAMBARI_BENCH_ITEMS             records of the table of YCSB and of the large table (1000000; 20000 makes a run of a minute or two)
  LAMBARI_BENCH_DYNAMODB_LOCAL    the folder of AWS's DynamoDB Local, unpacked; without it there are no figures of it, since its licence lets
                                  nobody else hand it out: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html
  LAMBARI_BENCH_PEERS             which peers, by name, with commas (all); "" for none

wrk is the generator: a put of 1 KiB takes 17 us of one of its threads, a get 11 us, a quarter to a third of what all takes together. Requests
carry one signature, made once for each operation with an unsigned payload. Peers are installed into .cache/bench.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/conformance"))

from lambari import REGION, Lambari  # noqa: E402
from sqs import PATH, PEERS, ROOT, SECONDS, Peer, figures, lua_table, npm, resident_mib  # noqa: E402

RECORDS = int(os.environ.get("LAMBARI_BENCH_ITEMS", "1000000"))  # whole partitions: a multiple of 1000
LOCAL = os.environ.get("LAMBARI_BENCH_DYNAMODB_LOCAL")
PARTITIONS = 1000  # of ten items, in "bench"
MANY = 64

WORKS = {"put": "PutItem, 1 KiB", "get": "GetItem, 1 KiB", "update": "UpdateItem with a condition, 1 KiB", "query": "Query of 10 items of 1 KiB",
         "batch": "BatchWriteItem of 25 items of 1 KiB", "transact": "TransactWriteItems of two updates with conditions"}
OPERATIONS = {"put": "PutItem", "get": "GetItem", "update": "UpdateItem", "query": "Query", "batch": "BatchWriteItem", "transact": "TransactWriteItems"}
FLOORS = {"update": "put"}  # reads and writes the same rows
HOLDS = {("put", MANY): ">= 15,000/s", ("get", MANY): ">= 30,000/s"}
MIXES = {"A": "half reads, half updates", "B": "95 % reads, 5 % updates", "C": "reads", "D": "95 % reads of the latest, 5 % inserts",
         "E": "95 % queries of 1 to 100 items, 5 % inserts", "F": "reads, half of them followed by an update of what was read"}


def signed(url, operation):
    """Headers that any body may follow, for a quarter of an hour."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}", "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}
    request = botocore.awsrequest.AWSRequest("POST", url + "/", headers=headers)
    auth = botocore.auth.SigV4Auth(botocore.credentials.Credentials("test", "test"), "dynamodb", REGION)
    auth.payload = lambda _: "UNSIGNED-PAYLOAD"
    auth.add_auth(request)
    return dict(request.headers)


def call(url, operation, body):
    request = urllib.request.Request(url + "/", data=json.dumps(body).encode(), headers=signed(url, operation))
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read() or b"{}")


def wrk(url, work, connections, seconds, **settings):
    """What wrk prints of a work of dynamodb.lua."""
    settings = {"work": work, "partitions": PARTITIONS, "records": RECORDS, "connections": connections, **settings}
    lines = [f"signed = {{{', '.join(f'{o} = {lua_table(signed(url, o))}' for o in OPERATIONS.values())}}}"]
    lines += [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write("\n".join(lines) + f"\ndofile('{ROOT}/bench/dynamodb.lua')\n")
        file.flush()
        return subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "60s", "-s", file.name, url],
                              capture_output=True, text=True, check=True).stdout


def load(url, work, connections=MANY, seconds=SECONDS, **settings):
    """(requests per second, p50 ms, p99 ms, requests)."""
    out = wrk(url, work, connections, seconds, **settings)
    if "Socket errors" in out:
        raise RuntimeError(f"{work}: some requests were not answered:\n" + out)
    return *figures(out), int(re.search(r"(\d+) requests in", out).group(1))


def per_second(rate):
    return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"


def create(url, name, range_type="S"):
    call(url, "CreateTable", {"TableName": name, "BillingMode": "PAY_PER_REQUEST",
                              "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": range_type}],
                              "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]})
    while call(url, "DescribeTable", {"TableName": name})["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(0.05)


def fill(url):
    """The table "bench", whole."""
    create(url, "bench")
    items = [{"pk": {"S": f"p{partition}"}, "sk": {"S": str(at)}, "n": {"N": "1"}, "data": {"S": "x" * 1000}} for partition in range(PARTITIONS) for at in range(10)]
    for begin in range(0, len(items), 25):
        call(url, "BatchWriteItem", {"RequestItems": {"bench": [{"PutRequest": {"Item": item}} for item in items[begin:begin + 25]]}})


def ready(url):
    call(url, "ListTables", {})


def dynalite():
    npm("dynalite", "dynalite@4.0.0")


def peers():
    """moto and MiniStack as bench/sqs.py starts them, dynalite from npm, all in memory."""
    found = [Peer(p.name, p.install, p.command, p.environment, ready) for p in PEERS if p.name in ("moto", "MiniStack")]
    found.append(Peer("dynalite", dynalite, ["{cache}/dynalite/node_modules/.bin/dynalite", "--port", "{port}", "--createTableMs", "0"], {"PATH": PATH}, ready))
    if LOCAL:
        found.append(Peer("DynamoDB Local", lambda: None, ["java", f"-Djava.library.path={LOCAL}/DynamoDBLocal_lib", "-jar", f"{LOCAL}/DynamoDBLocal.jar",
                                                           "-port", "{port}", "-inMemory", "-sharedDb"], ready=ready))
    chosen = os.environ.get("LAMBARI_BENCH_PEERS")
    return [p for p in found if chosen is None or p.name in chosen.split(",")]


def peer_rates():
    """{name: {(work, connections): requests per second}} of those that could be started; what a peer does not serve is missing."""
    rates = {}
    for peer in peers():
        try:
            with peer:
                fill(peer.url)
                own = rates[peer.name] = {}
                for work in WORKS:
                    for connections in (1, MANY):
                        try:
                            own[work, connections] = load(peer.url, work, connections, min(SECONDS, 3))[0]
                        except RuntimeError as error:
                            print(f"bench: {peer.name} has no figure: {error}", file=sys.stderr)
                            break
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            print(f"bench: no figures of {peer.name}: {error}", file=sys.stderr)
    return rates


def floors():
    """{work: {connections: per second}} of the store alone."""
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        rates = json.loads(subprocess.run([ROOT / "build/release/bin/item_bench", "2", folder], capture_output=True, text=True, check=True).stdout)
    return {work: {int(c): rate for c, rate in rates[FLOORS.get(work, work)].items()} for work in WORKS}


def operations(row, server):
    floor, others = floors(), peer_rates()
    fill(server.url)
    for work in WORKS:
        load(server.url, work, seconds=1)
    for work, words in WORKS.items():
        for connections in (1, MANY):
            rate, p50, p99, _ = load(server.url, work, connections)
            beside = "".join(f", {name} {per_second(own[work, connections])}" for name, own in others.items() if (work, connections) in own)
            alone = floor[work][connections]
            row(f"DynamoDB {words}, {connections} connection{'s' if connections > 1 else ''}", f"{rate:,.0f}/s, p50 {p50:.2f} ms, p99 {p99:.1f} ms",
                f"store alone {alone:,.0f}/s{beside}", f"{rate / alone:.2f}", HOLDS.get((work, connections), ""))


def heat(row, url):
    """One partition, and one item, that take every write, beside writes all over the table."""
    spread = load(url, "put")[0]
    hot = load(url, "hot_partition")
    row("DynamoDB PutItem, all into one partition, 64 connections", f"{hot[0]:,.0f}/s, p99 {hot[2]:.1f} ms", f"all over the table {spread:,.0f}/s", f"{hot[0] / spread:.2f}", "the same")
    hot = load(url, "hot_item")
    counted = int(call(url, "GetItem", {"TableName": "bench", "ConsistentRead": True, "Key": {"pk": {"S": "phot"}, "sk": {"S": "counter"}}})["Item"]["n"]["N"])
    if not hot[3] <= counted <= hot[3] + MANY:  # what was under way when wrk left may have counted too
        raise RuntimeError(f"{hot[3]} increments were acknowledged, the item says {counted}")
    row("DynamoDB UpdateItem, all of one item, 64 connections, none lost", f"{hot[0]:,.0f}/s, p99 {hot[2]:.1f} ms", f"puts all over the table {spread:,.0f}/s", f"{hot[0] / spread:.2f}")


def depth(row, url):
    """A query of one item in a table of RECORDS beside the same in a table of one partition."""
    create(url, "small", "N")
    for n in range(0, 1000, 25):
        call(url, "BatchWriteItem", {"RequestItems": {"small": [{"PutRequest": {"Item": {
            "pk": {"S": "user0"}, "sk": {"N": str(n + i)}, **{f"field{f}": {"S": "x" * 100} for f in range(10)}}}} for i in range(25)]}})
    for connections in (1, MANY):
        few = load(url, "query_one", connections, name="small", records=1000)
        many = load(url, "query_one", connections, name="usertable")
        row(f"DynamoDB Query of one item among {RECORDS:,}, {connections} connection{'s' if connections > 1 else ''}", f"{many[0]:,.0f}/s, p50 {many[1]:.2f} ms",
            f"among 1,000: {few[0]:,.0f}/s, p50 {few[1]:.2f} ms", f"{many[0] / few[0]:.2f}", ">= 0.7")


def mixes(row, server):
    create(server.url, "usertable", "N")
    begin = time.monotonic()
    wrk(server.url, "load", MANY, 840)
    took = time.monotonic() - begin
    time.sleep(1.5)  # the count is written once a second
    counted = call(server.url, "DescribeTable", {"TableName": "usertable"})["Table"]["ItemCount"]
    if counted != RECORDS:
        raise RuntimeError(f"{RECORDS} records were loaded, {counted} are there")
    row(f"DynamoDB, {RECORDS:,} records of 1 KB by BatchWriteItem, 64 connections", f"{RECORDS / took:,.0f} items/s, RSS after it {resident_mib(server.process.pid):.0f} MiB")
    depth(row, server.url)
    first = RECORDS
    for mix, words in MIXES.items():
        rate, p50, p99, requests = load(server.url, mix, first_insert=first)
        first += requests + MANY  # a later mix inserts beyond what this one can have inserted
        row(f"YCSB {mix} ({words}), {RECORDS:,} records, Zipfian, 64 connections", f"{rate:,.0f} requests/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms",
            f"RSS {resident_mib(server.process.pid):.0f} MiB")
    peak = int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{server.process.pid}/status").read_text()).group(1)) / 1024
    row("memory of the server (RSS) with them, at its highest", f"{peak:.0f} MiB", "", "", "<= 200 MiB")


def run(row):
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:  # the disk of the tree, not a /tmp in memory
        server = Lambari("--log-level", "warn", data=folder).start()
        try:
            operations(row, server)
            heat(row, server.url)
            mixes(row, server)
        finally:
            server.close()


if __name__ == "__main__":
    run(lambda *cells: print("| " + " | ".join(cells + ("",) * (5 - len(cells))) + " |", flush=True))
