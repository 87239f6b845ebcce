"""Queues under load: durable sends, batches, receives with deletes, and whether depth costs anything. Called by bench/run.py.

Requests are signed once, with an unsigned payload, and replayed by wrk. Peers are installed into .cache/bench by this file alone: moto and
MiniStack (bench/requirements.txt, from PyPI) and ElasticMQ (bench/elasticmq.xml, from Maven Central). They keep queues in memory, and so
sync nothing.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/conformance"))

from lambari import REGION, Lambari, free_port  # noqa: E402

SECONDS = int(os.environ.get("LAMBARI_BENCH_SECONDS", "5"))
DEPTH = int(os.environ.get("LAMBARI_BENCH_DEPTH", "1000000"))
CONNECTIONS = 64
BODY = "x" * 1024


def signed(url, operation):
    """Headers that any body may follow, for a quarter of an hour."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{operation}", "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}
    request = botocore.awsrequest.AWSRequest("POST", url + "/", headers=headers)
    auth = botocore.auth.SigV4Auth(botocore.credentials.Credentials("test", "test"), "sqs", REGION)
    auth.payload = lambda _: "UNSIGNED-PAYLOAD"
    auth.add_auth(request)
    return dict(request.headers)


def lua_table(headers):
    return "{" + ", ".join(f"[{json.dumps(k)}] = {json.dumps(v)}" for k, v in headers.items()) + "}"


def figures(out):
    """(requests per second, p50 ms, p99 ms) of what wrk printed. RuntimeError when some answers were errors."""
    if "Non-2xx" in out:
        raise RuntimeError("some answers were errors:\n" + out)
    if " 0 requests in" in out:
        raise RuntimeError("nothing was answered in time")
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}
    times = {name: float(value) * unit[u] for name, value, u in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s|m)", out)}
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), times["50"], times["99"]


def wrk(url, script="", seconds=SECONDS, connections=CONNECTIONS, host=None):
    """As figures()."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "30s", "-s", file.name]
        return figures(subprocess.run([*command, *(["-H", f"Host: {host}"] if host else []), url], capture_output=True, text=True, check=True).stdout)


def replay(url, operation, body, seconds=SECONDS):
    text = json.dumps(body)
    return wrk(url, f"wrk.method = 'POST'\nwrk.headers = {lua_table(signed(url, operation))}\nwrk.body = [=[{text}]=]\n", seconds)


def receive_and_delete(url, queue, seconds=SECONDS):
    """Each message that comes is deleted, one call each: half of the requests are deletions."""
    receive = json.dumps({"QueueUrl": queue, "VisibilityTimeout": 600})
    return wrk(url, f"""
local take, drop = {lua_table(signed(url, 'ReceiveMessage'))}, {lua_table(signed(url, 'DeleteMessage'))}
local handles, first, last = {{}}, 1, 0
function request()
  if first <= last then
    local handle = handles[first]
    handles[first] = nil
    first = first + 1
    return wrk.format("POST", "/", drop, '{{"QueueUrl":"{queue}","ReceiptHandle":"' .. handle .. '"}}')
  end
  return wrk.format("POST", "/", take, '{receive}')
end
function response(status, headers, body)
  local handle = body:match('"ReceiptHandle"%s*:%s*"([^"]+)"')
  if handle then
    last = last + 1
    handles[last] = handle
  end
end
""", seconds)


def receive_and_delete_batches(url, queue, seconds=SECONDS):
    """Ten at a time."""
    receive = json.dumps({"QueueUrl": queue, "VisibilityTimeout": 600, "MaxNumberOfMessages": 10})
    wrk(url, f"""
local take, drop = {lua_table(signed(url, 'ReceiveMessage'))}, {lua_table(signed(url, 'DeleteMessageBatch'))}
local batches, first, last = {{}}, 1, 0
function request()
  if first <= last then
    local batch = batches[first]
    batches[first] = nil
    first = first + 1
    return wrk.format("POST", "/", drop, '{{"QueueUrl":"{queue}","Entries":[' .. batch .. ']}}')
  end
  return wrk.format("POST", "/", take, '{receive}')
end
function response(status, headers, body)
  local entries = {{}}
  for handle in body:gmatch('"ReceiptHandle"%s*:%s*"([^"]+)"') do
    entries[#entries + 1] = '{{"Id":"' .. #entries .. '","ReceiptHandle":"' .. handle .. '"}}'
  end
  if #entries > 0 then
    last = last + 1
    batches[last] = table.concat(entries, ",")
  end
end
""", seconds)


def call(url, operation, body):
    request = urllib.request.Request(url + "/", data=json.dumps(body).encode(), headers=signed(url, operation))
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"{}")


def batch(queue):
    return {"QueueUrl": queue, "Entries": [{"Id": str(n), "MessageBody": BODY} for n in range(10)]}


def counts(url, queue):
    """(waiting, waiting and in flight)."""
    got = call(url, "GetQueueAttributes", {"QueueUrl": queue, "AttributeNames": ["All"]})["Attributes"]
    waiting = int(got["ApproximateNumberOfMessages"])
    return waiting, waiting + int(got["ApproximateNumberOfMessagesNotVisible"])


def waiting(url, queue):
    return counts(url, queue)[0]


class Course:
    """Messages into a queue or out of it, in pieces of SECONDS; what each piece did."""

    def __init__(self, url, queue, pid):
        self.url, self.queue, self.pid = url, queue, pid
        self.rates, self.resident = [], []

    def run(self, work, done):
        while not done(waiting(self.url, self.queue)):
            before, begun = counts(self.url, self.queue)[1], time.monotonic()
            work()
            after = counts(self.url, self.queue)[1]
            self.rates.append(abs(after - before) / (time.monotonic() - begun))
            self.resident.append(resident_mib(self.pid))
        return self

    def fill(self, depth):
        return self.run(lambda: replay(self.url, "SendMessageBatch", batch(self.queue)), lambda there: there >= depth)

    def drain(self):
        self.run(lambda: receive_and_delete_batches(self.url, self.queue), lambda there: there == 0)
        if len(self.rates) > 1:
            self.rates.pop()  # the queue ended within it
        return self

    def __str__(self):
        return f"{min(self.rates):,.0f} to {max(self.rates):,.0f} messages/s in {len(self.rates)} pieces, RSS {min(self.resident):.0f} to {max(self.resident):.0f} MiB"

    def flat(self):
        """The last pieces beside the first ones."""
        third = max(1, len(self.rates) // 3)
        return f"{(sum(self.rates[-third:]) / third) / (sum(self.rates[:third]) / third):.2f}"


def resident_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


CACHE = ROOT / ".cache/bench"


def python_peers():
    if not (CACHE / "bin/moto_server").exists():
        subprocess.run([sys.executable, "-m", "venv", CACHE], check=True)
        subprocess.run([CACHE / "bin/pip", "install", "-q", "-r", ROOT / "bench/requirements.txt"], check=True)


def elasticmq():
    if not list((CACHE / "elasticmq").glob("elasticmq-server_*.jar")):
        subprocess.run(["mvn", "-q", "-B", "-f", ROOT / "bench/elasticmq.xml", "dependency:copy-dependencies", "-DincludeScope=runtime",
                        f"-DoutputDirectory={CACHE / 'elasticmq'}"], check=True, stdout=subprocess.DEVNULL)


PATH = f"{ROOT}/.cache/venv/bin:{os.environ['PATH']}"  # node and npm come with the Python tools


def npm(folder, *arguments):
    """Packages into a folder of the cache, once."""
    if not (CACHE / folder / "node_modules/.package-lock.json").exists():  # npm writes it last
        (CACHE / folder).mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", CACHE / folder, *arguments], check=True, stdout=subprocess.DEVNULL,
                       env=os.environ | {"PATH": PATH})


def listening(url):
    host, port = url.removeprefix("http://").split(":")
    socket.create_connection((host, int(port)), timeout=2).close()


class Peer:
    """A server on a port of its own, in `folder`. `ready(url)` raises OSError until it serves."""

    def __init__(self, name, install, command, environment=None, ready=lambda url: call(url, "ListQueues", {}), folder=None):
        self.name, self.install, self.command, self.environment, self.ready, self.folder = name, install, command, environment or {}, ready, folder

    def __enter__(self):
        self.install()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [part.format(port=self.port, cache=CACHE) for part in self.command]
        environment = os.environ | {k: v.format(port=self.port) for k, v in self.environment.items()}
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd=self.folder, start_new_session=True)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.ready(self.url)
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise RuntimeError(f"{self.name} did not start") from None
                time.sleep(0.2)

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # and what it started
        except ProcessLookupError:
            pass
        self.process.wait()


PEERS = [Peer("moto", python_peers, ["{cache}/bin/moto_server", "-p", "{port}"]),
         Peer("MiniStack", python_peers, ["{cache}/bin/ministack"], {"GATEWAY_PORT": "{port}"}),
         Peer("ElasticMQ", elasticmq, ["java", "-Dnode-address.port={port}", "-Drest-sqs.bind-port={port}", "-Drest-sqs.bind-hostname=127.0.0.1",
                                       "-Drest-stats.enabled=false", "-cp", "{cache}/elasticmq/*", "org.elasticmq.server.Main"])]


def peer_rates():
    """{name: (sends per second, receives with deletion per second)} of those that could be started."""
    rates = {}
    for peer in PEERS:
        try:
            with peer:
                warm = call(peer.url, "CreateQueue", {"QueueName": "warm"})["QueueUrl"]  # what is compiled as it runs is slow at first
                replay(peer.url, "SendMessage", {"QueueUrl": warm, "MessageBody": BODY}, 2 * SECONDS)
                receive_and_delete(peer.url, warm, 2 * SECONDS)
                queue = call(peer.url, "CreateQueue", {"QueueName": "q"})["QueueUrl"]
                sends = replay(peer.url, "SendMessage", {"QueueUrl": queue, "MessageBody": BODY})[0]
                rates[peer.name] = (sends, receive_and_delete(peer.url, queue)[0] / 2)
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            print(f"bench: no figures of {peer.name}: {error}", file=sys.stderr)
    return rates


def store_floor():
    """Durable puts per second of the store alone, 64 writers."""
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        out = subprocess.run([ROOT / "build/release/bin/store_bench", "3", folder], capture_output=True, text=True, check=True).stdout
    rates = [float(r.replace(",", "")) for r in re.findall(r"([\d,]+)/s", out.splitlines()[0])]
    return rates[0]


def run(row):
    floor = store_floor()
    peers = peer_rates()
    beside = lambda index: "".join(f", {name} {rate[index]:,.0f}/s (in memory)" for name, rate in peers.items())  # noqa: E731
    server = Lambari("--log-level", "warn", data=None).start()
    try:
        url = server.url
        queue = call(url, "CreateQueue", {"QueueName": "q"})["QueueUrl"]
        send = {"QueueUrl": queue, "MessageBody": BODY}
        replay(url, "SendMessage", send, 1)
        rate, p50, p99 = replay(url, "SendMessage", send)
        row("SQS SendMessage, 1 KiB, durable, 64 connections", f"{rate:,.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms", f"store alone {floor:,.0f} puts/s{beside(0)}", f"{rate / floor:.2f}",
            ">= 18,000/s, p99 <= 15 ms")
        rate, p50, p99 = replay(url, "SendMessageBatch", batch(queue))
        row("SQS SendMessageBatch of ten, 1 KiB each, 64 connections", f"{rate * 10:,.0f} messages/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms", f"store alone {floor:,.0f} puts/s", f"{rate * 10 / floor:.2f}")
        rate, p50, p99 = receive_and_delete(url, queue)
        row("SQS ReceiveMessage and DeleteMessage, one message each, 64 connections", f"{rate / 2:,.0f} messages/s ({rate:,.0f} calls/s), p99 {p99:.1f} ms", f"store alone {floor:,.0f} puts/s{beside(1)}",
            f"{rate / floor:.2f}")

        # Depth: a queue with hardly anything waiting, and the same with DEPTH messages, in one run; then all of them out again.
        results = {}
        for depth in (1, DEPTH):
            deep = call(url, "CreateQueue", {"QueueName": f"depth-{depth}"})["QueueUrl"]
            call(url, "SendMessage", {"QueueUrl": deep, "MessageBody": BODY})
            course = Course(url, deep, server.process.pid).fill(depth)
            sends = replay(url, "SendMessage", {"QueueUrl": deep, "MessageBody": BODY})
            results[depth] = (sends[0], receive_and_delete(url, deep)[0] / 2, waiting(url, deep), resident_mib(server.process.pid))
        shallow, full = results[1], results[DEPTH]
        row(f"SQS SendMessage with {full[2]:,} messages waiting", f"{full[0]:,.0f}/s", f"with few waiting {shallow[0]:,.0f}/s", f"{full[0] / shallow[0]:.2f}", "the same")
        row(f"SQS ReceiveMessage and DeleteMessage with {full[2]:,} messages waiting", f"{full[1]:,.0f} messages/s", f"with few waiting {shallow[1]:,.0f}/s", f"{full[1] / shallow[1]:.2f}", "the same")
        row("memory of the server (RSS) with them", f"{full[3]:.0f} MiB", f"before {shallow[3]:.0f} MiB")
        out = Course(url, deep, server.process.pid).drain()
        row(f"SQS {DEPTH:,} messages of 1 KiB in, ten at a time", str(course), "the last third beside the first", course.flat(), "the same")
        row("and out, received and deleted ten at a time", str(out), "the last third beside the first", out.flat(), "the same")
    finally:
        server.close()
