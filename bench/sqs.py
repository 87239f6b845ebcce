"""Queues under load: durable sends, batches, receives with deletes, and whether depth costs anything. Called by bench/run.py.

Requests are signed once, with an unsigned payload, and replayed by wrk. Peers are installed from bench/requirements.txt into .cache/bench
by this file alone: moto and MiniStack (PyPI), which keep queues in memory, and so sync nothing.
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


def wrk(url, script, seconds=SECONDS):
    """(requests per second, p50 ms, p99 ms)."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "--timeout", "30s", "-s", file.name, url], capture_output=True, text=True, check=True).stdout
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    times = {name: float(value) * unit[u] for name, value, u in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)", out)}
    if "Non-2xx" in out:
        raise RuntimeError("some answers were errors:\n" + out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), times["50"], times["99"]


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


def call(url, operation, body):
    request = urllib.request.Request(url + "/", data=json.dumps(body).encode(), headers=signed(url, operation))
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"{}")


def batch(queue):
    return {"QueueUrl": queue, "Entries": [{"Id": str(n), "MessageBody": BODY} for n in range(10)]}


def waiting(url, queue):
    return int(call(url, "GetQueueAttributes", {"QueueUrl": queue, "AttributeNames": ["ApproximateNumberOfMessages"]})["Attributes"]["ApproximateNumberOfMessages"])


def resident_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


class Peer:
    """A server of bench/requirements.txt on a port of its own."""

    def __init__(self, name, command, environment=None):
        self.name, self.command, self.environment = name, command, environment or {}

    def __enter__(self):
        venv = ROOT / ".cache/bench"
        if not (venv / "bin/moto_server").exists():
            subprocess.run([sys.executable, "-m", "venv", venv], check=True)
            subprocess.run([venv / "bin/pip", "install", "-q", "-r", ROOT / "bench/requirements.txt"], check=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [str(venv / "bin" / self.command[0]), *(part.format(port=self.port) for part in self.command[1:])]
        environment = os.environ | {k: v.format(port=self.port) for k, v in self.environment.items()}
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        deadline = time.monotonic() + 60
        while True:
            try:
                call(self.url, "ListQueues", {})
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise RuntimeError(f"{self.name} did not start") from None
                time.sleep(0.2)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


PEERS = [Peer("moto", ["moto_server", "-p", "{port}"]), Peer("MiniStack", ["ministack"], {"GATEWAY_PORT": "{port}"})]


def peer_rates():
    """{name: (sends per second, receives with deletion per second)} of those that could be started."""
    rates = {}
    for peer in PEERS:
        try:
            with peer:
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

        # Depth: a queue with hardly anything waiting, and the same with DEPTH messages, in one run.
        results = {}
        deep = call(url, "CreateQueue", {"QueueName": "deep"})["QueueUrl"]
        for depth in (1, DEPTH):
            name = f"depth-{depth}"
            deep = call(url, "CreateQueue", {"QueueName": name})["QueueUrl"]
            while waiting(url, deep) < depth:
                if depth == 1:
                    call(url, "SendMessage", {"QueueUrl": deep, "MessageBody": BODY})
                else:
                    replay(url, "SendMessageBatch", batch(deep), 5)
            sends = replay(url, "SendMessage", {"QueueUrl": deep, "MessageBody": BODY})
            results[depth] = (sends[0], receive_and_delete(url, deep)[0] / 2, waiting(url, deep), resident_mib(server.process.pid))
        shallow, full = results[1], results[DEPTH]
        row(f"SQS SendMessage with {full[2]:,} messages waiting", f"{full[0]:,.0f}/s", f"with few waiting {shallow[0]:,.0f}/s", f"{full[0] / shallow[0]:.2f}", "the same")
        row(f"SQS ReceiveMessage and DeleteMessage with {full[2]:,} messages waiting", f"{full[1]:,.0f} messages/s", f"with few waiting {shallow[1]:,.0f}/s", f"{full[1] / shallow[1]:.2f}", "the same")
        row("memory of the server (RSS) with them", f"{full[3]:.0f} MiB", f"before {shallow[3]:.0f} MiB")
    finally:
        server.close()
