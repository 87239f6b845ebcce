"""Functions by runtime, warm, cold and 64 at once, through an HTTP API, with peers in the same run. Called by bench/run.py.

  LAMBARI_BENCH_PEERS      which peers, by name, with commas (all); "" for none
  LAMBARI_BENCH_RUNTIMES   which runtimes, by name, with commas (all)
  LAMBARI_BENCH_STARTS     cold starts of each (20)

Every place gets the same code and the same interpreters. MiniStack (bench/requirements.txt, from PyPI) keeps a process for each environment of
Python, Node.js and provided.*; serverless-offline (npm, with the Serverless Framework 3) a thread for Node.js, a process for Python. Neither
isolates what it runs, or limits its memory. What a place does not run is a row that says why.
"""

import collections
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import threading
import time

from lambari import ACCOUNT, REGION, Lambari, free_port, zip_of
from sqs import CACHE, PATH, PEERS, ROOT, SECONDS, Peer, listening, npm, wrk

PACKS = ROOT / ".cache/runtimes"
NODE = PACKS / "nodejs20.x/lang/bin"
STARTS = int(os.environ.get("LAMBARI_BENCH_STARTS", "20"))
MANY = 64  # connections, and environments

# They answer with the name of their environment, after the seconds that the path asks for.
PYTHON = """import os, time
ME = os.urandom(8).hex()
def handler(event, context):
    wait = float((event.get('queryStringParameters') or {}).get('wait', 0))
    if wait:
        time.sleep(wait)
    return {'statusCode': 200, 'body': ME}
"""
JAVASCRIPT = """const me = require('crypto').randomBytes(8).toString('hex');
exports.handler = async (event) => {
  const wait = Number(event.queryStringParameters?.wait ?? 0);
  if (wait) await new Promise((done) => setTimeout(done, wait * 1000));
  return { statusCode: 200, body: me };
};
"""
JAVA = """package example;
import java.util.Map;
public class Handler {
  public Map<String, Object> handleRequest(Map<String, Object> event) { return Map.of("statusCode", 200, "body", "ok"); }
}
"""

# A function's files and handler, and what starts its interpreter alone.
Kind = collections.namedtuple("Kind", "runtime files handler alone")
Door = collections.namedtuple("Door", "port path host")


class NotHere(Exception):
    """A place does not run a function, and says why."""


@contextlib.contextmanager
def kinds():
    """One of each kind that this host can build."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        found = [Kind("python3.11", {"app.py": PYTHON}, "app.handler", ["/usr/bin/python3.11", "-c", "0"]),
                 Kind("nodejs20.x", {"app.js": JAVASCRIPT}, "app.handler", [NODE / "node", "-e", "0"])]
        for pack in sorted(PACKS.glob("java*"))[-1:]:
            (folder / "Handler.java").write_text(JAVA)
            subprocess.run(["javac", "-d", folder, folder / "Handler.java"], check=True)
            found.append(Kind(pack.name, {"example/Handler.class": (folder / "example/Handler.class").read_bytes()}, "example.Handler::handleRequest",
                              [pack / "lang/bin/java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-version"]))
        subprocess.run(["gcc", "-O1", "-s", "-static", "-D_GNU_SOURCE", "-o", folder / "bootstrap", ROOT / "bench/bootstrap.c"], check=True)
        found.append(Kind("provided.al2023", {"bootstrap": (folder / "bootstrap").read_bytes()}, "bootstrap", ["/bin/true"]))
        only = os.environ.get("LAMBARI_BENCH_RUNTIMES")
        yield [k for k in found if only is None or k.runtime in only.split(",")]


def deploy(cloud, kind, count):
    """`count` functions, each behind an HTTP API; to whatever serves AWS's API at the port of `cloud`."""
    doors, gateway = [], cloud.client("apigatewayv2")
    for n in range(count):
        name = f"{kind.runtime.replace('.', '')}-{n}"
        cloud.function(name, kind.files, kind.handler, kind.runtime, MemorySize=256, Timeout=30)
        api = gateway.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
        integration = gateway.create_integration(ApiId=api, IntegrationType="AWS_PROXY", PayloadFormatVersion="2.0",
                                                 IntegrationUri=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")["IntegrationId"]
        gateway.create_route(ApiId=api, RouteKey="$default", Target=f"integrations/{integration}")
        gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
        cloud.client("lambda").add_permission(FunctionName=name, StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com",
                                              SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/*")
        doors.append(Door(cloud.port, "/", f"{api}.execute-api.localhost:{cloud.port}"))
    return doors


@contextlib.contextmanager
def lambari(kind, count):
    """As every place: a server with `count` functions. Yields their doors and the number of its process."""
    # An account has ten requests a second for each of its 1,000 concurrent ones, and the quickest functions do more.
    server = Lambari("--log-level", "warn", "--concurrency", "10000").start()
    try:
        yield deploy(server, kind, count), server.process.pid
    finally:
        server.close()


@contextlib.contextmanager
def ministack(kind, count):
    peer = next(p for p in PEERS if p.name == "MiniStack")
    with Peer(peer.name, peer.install, peer.command, peer.environment | {"PATH": f"{NODE}:{PATH}"}) as peer:
        cloud = Lambari()  # never started: its clients, for the peer's port
        cloud.port = peer.port
        try:
            yield deploy(cloud, kind, count), peer.process.pid
        finally:
            cloud.close()


def install_serverless():
    npm("serverless", "--ignore-scripts", "serverless@3.40.0", "serverless-offline@13.10.1")


@contextlib.contextmanager
def serverless_offline(kind, count):
    install_serverless()
    with tempfile.TemporaryDirectory(dir=CACHE / "serverless") as folder:  # where its plugin is found
        folder = pathlib.Path(folder)
        function = {"runtime": kind.runtime, "handler": kind.handler.split("::")[0], "timeout": 30, "memorySize": 256}
        for name, content in kind.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        if kind.runtime.startswith("java"):
            (folder / "code.jar").write_bytes(zip_of(kind.files))
            function["package"] = {"artifact": "code.jar"}
        (folder / "serverless.json").write_text(json.dumps({
            "service": "bench", "provider": {"name": "aws", "region": REGION}, "plugins": ["serverless-offline"],
            "functions": {f"f{n}": function | {"events": [{"httpApi": f"GET /{n}"}]} for n in range(count)}}))
        command = ["{cache}/serverless/node_modules/.bin/serverless", "offline", "start", "--host", "127.0.0.1", "--httpPort", "{port}", "--lambdaPort", str(free_port()),
                   "--noPrependStageInUrl"]
        with Peer("serverless-offline", lambda: None, command, {"PATH": f"{NODE}:{PATH}", "SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off", "CI": "1"},
                  listening, folder) as peer:
            yield [Door(peer.port, f"/{n}", None) for n in range(count)], peer.process.pid


PLACES = {"lambari": lambari, "MiniStack": ministack, "serverless-offline": serverless_offline}
# With what is never measured here, and why.
UNABLE = {"moto": "runs functions by Docker alone, and serves no HTTP API", "fakecloud": "runs functions by Docker, Podman or Kubernetes alone, in AWS's images"}
# What the answer of one does not tell.
WHY = {("serverless-offline", "jav"): "what calls Java for it is built with a Groovy that does not load on Java 17: ", ("serverless-offline", "pro"): "needs Docker for it: ",
       ("MiniStack", "jav"): "needs Docker for it: "}


def chosen(names):
    only = os.environ.get("LAMBARI_BENCH_PEERS")
    return [name for name in names if name == "lambari" or only is None or name in only.split(",")]


def call(door, timeout=60):
    """Answer and milliseconds, as a client with a new connection sees it."""
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=timeout)
    try:
        connection.connect()
        begin = time.perf_counter()
        connection.request("GET", door.path, headers={"Host": door.host} if door.host else {})
        answer = connection.getresponse()
        body = answer.read().decode()
        took = (time.perf_counter() - begin) * 1000
    except OSError as error:
        raise NotHere(f"no answer: {error}") from None
    finally:
        connection.close()
    if answer.status != 200 or not re.fullmatch("ok|[0-9a-f]{16}", body):
        raise NotHere(f"answers {answer.status} {body}")
    return body, took


def compare(row, work, kind, count, measure, hold, floor=None):
    """Rows for each place: measure(doors, pid) yields (what, value, number); numbers are compared with lambari's, and its with the floor's (words, number)."""
    ours = {}
    for name in chosen(PLACES):
        try:
            with PLACES[name](kind, count) as (doors, pid):
                for what, value, number in measure(doors, pid):
                    title = f"{work}, {kind.runtime}, {what}"
                    if name == "lambari":
                        ours[what] = (value, number)
                        row(title, value, floor[0] if floor else "", f"{number / floor[1]:.2f}" if floor else "", hold(kind.runtime, what))
                    else:
                        row(f"{title}: {name}", value, f"lambari {ours[what][0]}", f"{number / ours[what][1]:.2f}")
        except (NotHere, RuntimeError, OSError, subprocess.CalledProcessError) as error:
            if name == "lambari":
                raise
            words = " ".join(str(error).split())[:120].replace("|", "/")
            row(f"{work}, {kind.runtime}: {name}", f"not here: {WHY.get((name, kind.runtime[:3]), '')}{words}")


def unable(row, work):
    for name in chosen(UNABLE):
        row(f"{work}: {name}", f"not here: {UNABLE[name]}")


def wrk_at(door, connections, seconds=SECONDS):
    return wrk(f"http://127.0.0.1:{door.port}{door.path}", connections=connections, seconds=seconds, host=door.host)


def measure_warm(doors, _):
    door = doors[0]
    call(door)
    wrk_at(door, 1, 1)
    rate, p50, p99 = wrk_at(door, 1)
    yield "1 connection", f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, {rate:,.0f}/s", p50
    burst(door)
    before = 0
    for _ in range(8):  # until every environment that so many connections need has started
        rate = wrk_at(door, MANY, min(SECONDS, 3))[0]
        if rate < before * 1.1:
            break
        before = rate
    rate, p50, p99 = wrk_at(door, MANY)
    yield f"{MANY} connections", f"{rate:,.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms", rate


def warm(row):
    work = "warm invoke through the API"
    with kinds() as all_kinds:
        for kind in all_kinds:
            compare(row, work, kind, 1, measure_warm, lambda runtime, what: "p50 <= 0.5 ms" if what.startswith("1 ") else
                    ">= 6,000/s" if runtime.startswith("python") else "")
    unable(row, work)


def measure_cold(doors, _):
    """The first call of each function, one after another."""
    times = []
    for door in doors:
        time.sleep(0.25)
        times.append(call(door)[1])
    p50 = statistics.median(times)
    yield f"{len(doors)} functions", f"p50 {p50:.1f} ms, max {max(times):.1f} ms", p50


def cold(row):
    work, holds = "cold start through the API", {"pyt": "p50 <= 12 ms", "nod": "p50 <= 60 ms", "jav": "p50 <= 60 ms"}
    with kinds() as all_kinds:
        for kind in all_kinds:
            alone = []
            for _ in range(10):
                begin = time.perf_counter()
                subprocess.run(kind.alone, check=True, capture_output=True)
                alone.append((time.perf_counter() - begin) * 1000)
            floor = statistics.median(alone)
            compare(row, work, kind, STARTS, measure_cold, lambda runtime, _: holds.get(runtime[:3], ""), (f"interpreter alone {floor:.1f} ms", floor))
    unable(row, work)


def tree_mib(root):
    """Memory of a process and of all that it started; what several share is divided among them."""
    parents = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    total = 0
    for pid in parents:
        up = pid
        while up > 1 and up != root:
            up = parents.get(up, 0)
        if up == root:
            with contextlib.suppress(OSError):
                found = re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
                total += int(found.group(1)) / 1024 if found else 0
    return total


def burst(door, wait=0):
    """Seconds, beyond those that each waits, until the last of so many calls, sent together, has its answer; and the environments that answered."""
    gate = threading.Barrier(MANY + 1)
    waiting = door._replace(path=f"{door.path}?wait={wait}")

    def one():
        gate.wait()
        return call(waiting)[0]

    with concurrent.futures.ThreadPoolExecutor(MANY) as pool:
        calls = [pool.submit(one) for _ in range(MANY)]
        gate.wait()
        begin = time.perf_counter()
        who = {c.result() for c in calls}
        return time.perf_counter() - begin - wait, who


def measure_environments(doors, pid):
    call(doors[0])
    time.sleep(2)  # what is made ahead of need is there
    before = tree_mib(pid)
    seconds, who = burst(doors[0], 8)  # longer than all of them take to start, and within what an HTTP API waits
    time.sleep(1)
    each = (tree_mib(pid) - before) / max(1, len(who) - 1)
    yield "one of them warm", f"{seconds:.2f} s, {len(who)} environments, {each:.1f} MiB each", seconds
    seconds, again = burst(doors[0], 1)
    yield "the same again", f"{seconds:.2f} s, {len(again - who)} new environments", seconds


def environments(row):
    work = f"{MANY} calls at once that wait, time beyond the wait"
    with kinds() as all_kinds:
        for kind in all_kinds:
            if kind.runtime.startswith(("python", "nodejs")):
                compare(row, work, kind, 1, measure_environments, lambda *_: "")
    unable(row, work)
