#!/usr/bin/env python3
"""The numbers that SPECIFICATION.md promises, each beside its floor, measured in one run. Prints a table (Markdown).

  bench/run.py [NAME...]      names: gateway tls warm cold environments start store patterns sqs sns dynamodb events outbox isolation build
Load stays on loopback. Nothing is asserted: a reader judges the ratios.
"""

import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/conformance"))
sys.path.insert(0, str(ROOT / "bench"))

import dynamodb  # noqa: E402
import functions  # noqa: E402
import sns  # noqa: E402
import sqs  # noqa: E402
from lambari import PROGRAM, Lambari, free_port  # noqa: E402

ROWS = []


def row(work, value, floor="", ratio="", hold=""):
    ROWS.append((work, value, floor, ratio, hold))
    print(f"| {work} | {value} | {floor} | {ratio} | {hold} |", flush=True)


class Nginx:
    """The floor: `return 200` with as many workers as lambari has loops."""

    def __init__(self, tls=False):
        self.tls = tls

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.port = free_port()
        secure = ""
        if self.tls:  # as lambari's: ECDSA P-256
            key, certificate = f"{self.folder.name}/key.pem", f"{self.folder.name}/certificate.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                            "-keyout", key, "-out", certificate], check=True, capture_output=True)
            secure = f"ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;"
        conf = pathlib.Path(self.folder.name) / "nginx.conf"
        conf.write_text(f"""worker_processes 2; daemon off; pid {self.folder.name}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; server {{ listen 127.0.0.1:{self.port} {"ssl " if self.tls else ""}reuseport; {secure} location / {{ return 200 "ok"; }} }} }}""")
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-c", str(conf)])
        time.sleep(0.5)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def gateway(server, tls=False):
    api = server.client("apigatewayv2").create_api(Name="cors", ProtocolType="HTTP", CorsConfiguration={"AllowOrigins": ["*"], "AllowMethods": ["GET"]})["ApiId"]
    server.client("apigatewayv2").create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    scheme = "https" if tls else "http"
    preflight = 'wrk.method = "OPTIONS"\nwrk.headers["Origin"] = "https://a.example"\nwrk.headers["Access-Control-Request-Method"] = "GET"\n'
    with Nginx(tls) as nginx:
        pairs = []
        for _ in range(3):
            floor = sqs.wrk(f"{scheme}://127.0.0.1:{nginx.port}/")
            ours = sqs.wrk(f"{scheme}://127.0.0.1:{server.port}/", preflight, host=f"{api}.execute-api.localhost:{server.port}")
            pairs.append((ours[0], floor[0], ours[2]))
    ours, floor, p99 = sorted(pairs, key=lambda p: p[0] / p[1])[1]
    row(f"HTTP API answered by the gateway alone{', over TLS' if tls else ''}, 64 connections", f"{ours:,.0f}/s, p99 {p99:.1f} ms", f"nginx {floor:,.0f}/s", f"{ours / floor:.2f}", "" if tls else ">= 0.75")


def tls(server):
    gateway(server, tls=True)


def warm(_):
    functions.warm(row)


def cold(_):
    functions.cold(row)


def environments(_):
    functions.environments(row)


def start(_):
    times, memory = [], []
    for _ in range(7):
        server = Lambari()
        begin = time.perf_counter()
        process = subprocess.Popen([PROGRAM, "start", "--port", str(server.port), "--data", str(server.data)], env=server.environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=2)
                connection.request("GET", "/_lambari/health")
                connection.getresponse().read()
                break
            except ConnectionRefusedError:
                time.sleep(0.001)
        times.append((time.perf_counter() - begin) * 1000)
        time.sleep(2)
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        memory.append(int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024)
        process.terminate()
        process.wait()
        server.close()
    row("ready to serve after start", f"{statistics.median(times):.0f} ms", "", "", "<= 60 ms")
    row("idle memory of the server (RSS)", f"{statistics.median(memory):.0f} MiB", "", "", "<= 40 MiB")


def store(_):
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:  # the disk of the tree, not a /tmp in memory
        print(subprocess.run([ROOT / "build/release/bin/store_bench", "3", folder], capture_output=True, text=True, check=True).stdout, end="")


def isolation(_):
    """With and without each part, then starts and answers with all of them and with none."""
    print(subprocess.run([ROOT / "build/release/bin/isolation_bench"], capture_output=True, text=True, check=True).stdout, end="")


def queues(_):
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        print(subprocess.run([ROOT / "build/release/bin/queue_bench", "3", folder], capture_output=True, text=True, check=True).stdout, end="")
    sqs.run(row)


def patterns(_):
    """One event against many patterns; Google Benchmark's own table."""
    print(subprocess.run([ROOT / "build/release/bin/pattern_bench"], capture_output=True, text=True, check=True).stdout, end="")


def topics(_):
    sns.run(row)


def tables(_):
    dynamodb.run(row)


def outbox(_):
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        print(subprocess.run([ROOT / "build/release/bin/delivery_bench", "1000000", folder], capture_output=True, text=True, check=True).stdout, end="")


def events(server):
    """From before the send to the first line of the handler, one message after another; a queue's and an asynchronous call's."""
    code = "import time\ndef handler(event, context):\n    now = time.time()\n    sent = event['sent'] if 'sent' in event else float(event['Records'][0]['body'])\n" \
           "    taken = sent if 'sent' in event else int(event['Records'][0]['attributes']['SentTimestamp']) / 1000\n" \
           "    print('DELAY', (now - sent) * 1000, (now - taken) * 1000)\n"
    client, queues, logs = server.client("lambda"), server.client("sqs"), server.client("logs")
    role = server.role("events-role")
    server.client("iam").put_role_policy(RoleName="events-role", PolicyName="sqs", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}))
    for name in ("by-queue", "by-event"):
        server.function(name, {"app.py": code}, Role=role, MemorySize=256)
    url = queues.create_queue(QueueName="events")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.create_event_source_mapping(EventSourceArn=arn, FunctionName="by-queue")
    sends = {"by-queue": lambda: queues.send_message(QueueUrl=url, MessageBody=str(time.time())),
             "by-event": lambda: client.invoke(FunctionName="by-event", InvocationType="Event", Payload=json.dumps({"sent": time.time()}))}
    for name, send in sends.items():
        for n in range(220):
            send()
            time.sleep(0.02 if n else 2)
        time.sleep(2)
        lines = [e["message"] for page in logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}", filterPattern="DELAY")
                 for e in page["events"]]
        delays, taken = (sorted(float(line.split()[at]) for line in lines[20:]) for at in (1, 2))
        assert len(delays) == 200, len(delays)
        if name == "by-queue":
            row("from the queue's SentTimestamp to the start of the function", f"p50 {taken[99]:.1f} ms, p99 {taken[197]:.1f} ms", "", "", "p50 <= 10 ms")
        what = "SendMessage" if name == "by-queue" else "Invoke with InvocationType Event"
        row(f"from {what} to the start of the function, Python, warm", f"p50 {delays[99]:.1f} ms, p99 {delays[197]:.1f} ms", "", "", "p50 <= 10 ms")


def build(_):
    """Touch one room, build, run its tests; and everything from nothing without the cache."""
    subprocess.run([ROOT / "scripts/build", "dev", "lambda_test"], check=True, capture_output=True)
    source = ROOT / "src/services/lambda/rules.cc"
    original = source.read_text()
    try:
        source.write_text(original + f"// {time.time()}\n")
        begin = time.perf_counter()
        subprocess.run([ROOT / "scripts/build", "dev", "lambda_test"], check=True, capture_output=True)
        subprocess.run([ROOT / "build/dev/bin/lambda_test"], check=True, capture_output=True)
        row("change one room, build, run its tests", f"{time.perf_counter() - begin:.1f} s", "", "", "<= 20 s")
    finally:
        source.write_text(original)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        subprocess.run(["cmake", "--preset", "release", "-B", folder], check=True, capture_output=True, cwd=ROOT)
        begin = time.perf_counter()
        subprocess.run(["cmake", "--build", folder, "--target", "lambari"], check=True, capture_output=True, env=os.environ | {"CCACHE_DISABLE": "1"})
        row("full build of the program, no cache", f"{time.perf_counter() - begin:.0f} s")


def main():
    chosen = sys.argv[1:] or ["gateway", "tls", "warm", "cold", "environments", "start", "store", "patterns", "sqs", "sns", "dynamodb", "events", "isolation"]
    known = {"gateway": gateway, "tls": tls, "warm": warm, "cold": cold, "environments": environments, "start": start, "store": store, "patterns": patterns, "sqs": queues, "sns": topics, "dynamodb": tables, "events": events, "outbox": outbox, "isolation": isolation, "build": build}
    print(f"{os.cpu_count()} cores, load generator included; {time.strftime('%Y-%m-%d', time.gmtime())}\n")
    print("| work | measured | floor, same run | ratio | hold |\n|---|---|---|---|---|")
    for name in chosen:
        server = Lambari("--log-level", "warn")
        if known[name] in (gateway, tls, events):
            server.start()
        try:
            known[name](server)
        finally:
            server.close()


if __name__ == "__main__":
    main()
