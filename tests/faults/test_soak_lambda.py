"""Many functions of every kind, called, changed and deleted at random, by a rate that leaves the machine half idle. Each call
must end as its function makes it end; at the end all is deleted, and the server must hold what it held before: processes,
descriptors, namespaces, mounts, control groups, files, memory.

LAMBARI_SOAK_FUNCTIONS and LAMBARI_SOAK_SECONDS give its long form (500 and 3600 in `make soak`)."""

import base64
import collections
import json
import os
import pathlib
import random
import statistics
import sys
import threading
import time

import pytest
from botocore.exceptions import ClientError
from lambari import Lambari, zip_of

FUNCTIONS = int(os.environ.get("LAMBARI_SOAK_FUNCTIONS", "40"))
SECONDS = int(os.environ.get("LAMBARI_SOAK_SECONDS", "8"))
WORKERS, RATE = 8, float(os.environ.get("LAMBARI_SOAK_RATE", "15"))  # acts a second, of all together
TIME = 90  # of a function: a small one that starts has a small share of a processor, and the host may be busy
GROWTH_MB = 64  # what the server may hold more at the end: caches, and what the allocator keeps

PYTHON = """import os, sys, time
print('start of MARK')
def handler(event, context):
    what = event.get('do')
    print('act', what)
    if what == 'raise': raise ValueError('no good')
    if what == 'exit': os._exit(7)
    if what == 'sleep': time.sleep(600)
    if what == 'grow': keep = [bytearray(b'x' * 1000000) for _ in range(4000)]
    if what == 'litter':
        for n in range(50): open(f'/tmp/{n}', 'wb').write(os.urandom(20000))
        for n in range(3):
            if os.fork() == 0: time.sleep(20); os._exit(0)
        held = [open('/dev/null') for _ in range(100)]
    return ['MARK', event.get('n')]
"""
NODE = """exports.handler = async (event) => {
  if (event.do === 'raise') throw new Error('no good');
  if (event.do === 'exit') process.exit(7);
  if (event.do === 'sleep') await new Promise(done => setTimeout(done, 600000));
  if (event.do === 'grow') { const keep = []; for (let n = 0; n < 4000; ++n) keep.push(Buffer.alloc(1000000, 1)); }
  if (event.do === 'litter') for (let n = 0; n < 50; ++n) require('fs').writeFileSync(`/tmp/${n}`, Buffer.alloc(20000));
  return ['MARK', event.n];
};
"""
# A runtime of its own, in the shell: every third call ends it after its answer.
BOOTSTRAP = """#!/usr/bin/bash
base="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while true; do
  event=$(curl -sS -D /tmp/head "$base/invocation/next")
  id=$(sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: *//p' /tmp/head | tr -d '\\r')
  case "$event" in
    *raise*) curl -sS "$base/invocation/$id/error" -d '{"errorType":"ValueError","errorMessage":"no good"}' >/dev/null; continue;;
    *exit*) exit 7;;
    *sleep*) sleep 600;;
    *grow*) held=$(head -c 1000000000 /dev/zero | tr '\\0' x);;
    *litter*) dd if=/dev/zero of=/tmp/left bs=1M count=2 2>/dev/null; (sleep 20 &) ;;
  esac
  n=${event##*\\"n\\": }
  curl -sS "$base/invocation/$id/response" -d "[\\"MARK\\", ${n%%[,\\}]*}]" >/dev/null
done
"""
LAYERED = "import extra\n" + PYTHON.replace("return ['MARK'", "return [extra.WORD and 'MARK'")
EXTENSION = """#!/usr/bin/python3
import http.client, os
c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
c.request('POST', '/2020-01-01/extension/register', '{"events":["INVOKE","SHUTDOWN"]}', {'Lambda-Extension-Name': os.path.basename(__file__)})
r = c.getresponse()
r.read()
i = {'Lambda-Extension-Identifier': r.headers['Lambda-Extension-Identifier']}
while True:
    c.request('GET', '/2020-01-01/extension/event/next', None, i)
    if b'SHUTDOWN' in c.getresponse().read(): break
"""

KINDS = {
    "python": ("python3.11", "app.handler", lambda mark: {"app.py": PYTHON.replace("MARK", mark)}),
    "node": ("nodejs22.x", "app.handler", lambda mark: {"app.js": NODE.replace("MARK", mark)}),
    "provided": ("provided.al2023", "x", lambda mark: {"bootstrap": BOOTSTRAP.replace("MARK", mark)}),
    "layered": ("python3.11", "app.handler", lambda mark: {"app.py": LAYERED.replace("MARK", mark)}),
    "extended": ("python3.11", "app.handler", lambda mark: {"app.py": PYTHON.replace("MARK", mark)}),
}
SHARES = ["python"] * 5 + ["node"] + ["provided"] * 2 + ["layered", "extended"]
ACTS = (["call"] * 60 + ["event"] * 8 + ["together"] * 4 + ["raise"] * 5 + ["exit"] * 4 + ["litter"] * 5 + ["sleep"] * 2 + ["grow"] * 2 +
        ["code"] * 4 + ["settings"] * 3 + ["publish"] * 2 + ["replace"] * 3)
ENDS = {"raise": ("ValueError", "Error"), "exit": ("Runtime.ExitError",), "sleep": ("Sandbox.Timedout",), "grow": ("Runtime.OutOfMemory",)}


class Function:
    """One function, its lock, and the word that it must answer."""

    def __init__(self, number, layers):
        self.name, self.kind, self.lock = f"soak-{number}", SHARES[number % len(SHARES)], threading.Lock()
        self.layers, self.generation = layers.get(self.kind, []), 0

    @property
    def mark(self):
        return f"{self.name}.{self.generation}"

    def package(self):
        return zip_of(KINDS[self.kind][2](self.mark))

    def create(self, client, role):
        runtime, handler, _ = KINDS[self.kind]
        client.create_function(FunctionName=self.name, Runtime=runtime, Handler=handler, Role=role, Code={"ZipFile": self.package()},
                               MemorySize=128, Timeout=TIME, Layers=self.layers)
        self.settle(client)

    def settle(self, client):
        for _ in range(600):
            now = client.get_function_configuration(FunctionName=self.name)
            if now["State"] == "Active" and now.get("LastUpdateStatus", "Successful") == "Successful":
                return
            assert now["State"] != "Failed" and now.get("LastUpdateStatus") != "Failed", now
            time.sleep(0.05)
        raise AssertionError(f"{self.name} does not become active: {now}")


class Soak:
    def __init__(self, server, functions, role):
        self.server, self.functions, self.role = server, functions, role
        self.done, self.throttled, self.wrong = collections.Counter(), 0, []
        self.mutex, self.started = threading.Lock(), 0
        self.begin = time.monotonic()

    def turn(self):
        """Waits for the next place in the rate; false when the time is over or much was wrong."""
        with self.mutex:
            place = self.begin + self.started / RATE
            self.started += 1
        if place > self.begin + SECONDS or len(self.wrong) > 10:
            return False
        time.sleep(max(0, place - time.monotonic()))
        return True

    def work(self, seed):
        rng, client = random.Random(seed), self.server.client("lambda", max_pool_connections=4, read_timeout=TIME + 60)
        while self.turn():
            function, act = rng.choice(self.functions), rng.choice(ACTS)
            with function.lock:
                try:
                    self.act(client, function, act, rng)
                    with self.mutex:
                        self.done[act] += 1
                except ClientError as error:
                    if error.response["Error"]["Code"] == "TooManyRequestsException":
                        self.throttled += 1
                    else:
                        self.wrong.append(f"{function.name} ({function.kind}) {act}: {error}")
                except Exception as error:  # whatever it is, it is the finding
                    self.wrong.append(f"{function.name} ({function.kind}) {act}: {error!r}")
        client.close()

    def invoke(self, client, function, what, n):
        answer = client.invoke(FunctionName=function.name, Payload=json.dumps({"do": what, "n": n}), LogType="Tail")
        return answer, json.loads(answer["Payload"].read())

    def good(self, client, function, what, n):
        answer, body = self.invoke(client, function, what, n)
        assert "FunctionError" not in answer and body == [function.mark, n], (body, base64.b64decode(answer["LogResult"]).decode())

    def act(self, client, function, act, rng):
        n = rng.randrange(10**6)
        if act in ("call", "litter"):
            self.good(client, function, act, n)
        elif act == "event":
            assert client.invoke(FunctionName=function.name, InvocationType="Event", Payload=json.dumps({"do": "call", "n": n}))["StatusCode"] == 202
        elif act == "together":
            failed = []

            def one():
                try:
                    self.good(client, function, "call", n)
                except Exception as error:
                    failed.append(error)
            threads = [threading.Thread(target=one) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if failed:
                raise failed[0]
        elif act in ENDS:
            if act == "sleep":
                self.configure(client, function, Timeout=1)
            answer, body = self.invoke(client, function, act, n)
            if act == "sleep":
                assert "Task timed out after 1.00 seconds" in body.get("errorMessage", ""), body
                self.configure(client, function, Timeout=TIME)
            assert answer.get("FunctionError") == "Unhandled" and body.get("errorType") in ENDS[act], (act, body, base64.b64decode(answer["LogResult"]).decode()[-2000:])
        elif act == "code":
            function.generation += 1
            client.update_function_code(FunctionName=function.name, ZipFile=function.package())
            function.settle(client)
            self.good(client, function, "call", n)
        elif act == "settings":
            self.configure(client, function, Environment={"Variables": {"SEEN": str(n)}}, MemorySize=rng.choice([128, 192]))
            self.good(client, function, "call", n)
        elif act == "publish":
            version = client.publish_version(FunctionName=function.name)["Version"]
            for _ in range(600):
                if client.get_function_configuration(FunctionName=function.name, Qualifier=version)["State"] == "Active":
                    break
                time.sleep(0.05)
            answer = client.invoke(FunctionName=function.name, Qualifier=version, Payload=json.dumps({"n": n}))
            assert json.loads(answer["Payload"].read()) == [function.mark, n]
            if rng.random() < 0.7:
                client.delete_function(FunctionName=function.name, Qualifier=version)
        elif act == "replace":
            client.delete_function(FunctionName=function.name)
            function.generation += 1
            function.create(client, self.role)
            self.good(client, function, "call", n)

    def configure(self, client, function, **settings):
        client.update_function_configuration(FunctionName=function.name, **settings)
        function.settle(client)

    def run(self):
        self.begin = time.monotonic()
        workers = [threading.Thread(target=self.work, args=(seed,)) for seed in range(WORKERS)]
        for worker in workers:
            worker.start()
        return workers


# -- what the server and everything below it holds

KINDS_OF_NAMESPACES = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")


def status_field(text, name):
    for line in text.splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def processes():
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = status_field((entry / "status").read_text(), "PPid")
            except OSError:
                pass
    return found


def below(top):
    """`top` and all that descends from it, nearest first."""
    parents = processes()
    found = [top]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def control_groups(keepers):
    count = 0
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        for name in names:
            if name.startswith("lambari-") and name.split("-")[1].isdigit() and int(name.split("-")[1]) in keepers:
                count += 1 + sum(len(inner) for _, inner, _ in os.walk(os.path.join(folder, name)))
        names[:] = [name for name in names if not name.startswith("lambari-")]
    return count


def links_in(folder):
    """Of those that are not gone by the time they are looked at."""
    found = []
    for name in os.listdir(folder):
        try:
            found.append(os.readlink(folder / name))
        except FileNotFoundError:
            pass
    return found


def holdings(server):
    """Counts, and the memory of those that live as long as the server."""
    counts, memory, namespaces = collections.Counter(), {}, set()
    store = str(server.data / "store")  # has files of its own making, and keeps them open
    top = server.process.pid
    tree = below(top)
    keepers = {pid for pid, parent in processes().items() if parent == top}
    for pid in tree:
        proc = pathlib.Path(f"/proc/{pid}")
        try:
            counts["processes"] += 1
            links = links_in(proc / "fd")
            counts["descriptors"] += sum(not link.startswith(store) for link in links)
            namespaces.update(os.readlink(proc / "ns" / kind) for kind in KINDS_OF_NAMESPACES)
            if pid in tree[:3]:  # the server, the keeper, the supervisor: they live as long as it
                namespaces.update(link for link in links if link.split(":")[0] in KINDS_OF_NAMESPACES)
                counts["mounts"] += (proc / "mountinfo").read_text().count("\n")
                memory[("server", "keeper", "supervisor")[tree.index(pid)]] = status_field((proc / "status").read_text(), "VmRSS") >> 10
        except OSError:
            pass  # ended meanwhile: the next look will not see it
    counts["namespaces"] = len(namespaces)
    counts["control groups"] = control_groups(keepers)
    counts["mounts of the host"] = pathlib.Path("/proc/self/mountinfo").read_text().count("\n")
    for folder, names, files in os.walk(server.data):
        # Folders by which blobs are spread stay; of packages each is one.
        counts["files"] += len(files) + (len(names) if "blobs" not in folder else 0)
        names[:] = [name for name in names if os.path.join(folder, name) != store]
    return dict(counts), memory


def within(counts, wanted):
    return all(counts[what] <= wanted[what] for what in wanted)


def settled(server, wanted):
    """Looks until the counts are no more than wanted or two minutes are over: what is ending has some seconds."""
    deadline = time.monotonic() + 120
    while True:
        counts, memory = holdings(server)
        if within(counts, wanted) or time.monotonic() > deadline:
            return counts, memory
        time.sleep(0.5)


def quiet(server):
    """The counts once they have stood still for two seconds, but for files: packages stay some seconds longer."""
    last, since = None, time.monotonic()
    deadline = since + 120
    while True:
        counts, memory = holdings(server)
        del counts["files"]
        assert time.monotonic() < deadline, counts
        if counts != last:
            last, since = counts, time.monotonic()
        elif time.monotonic() > since + 2:
            return counts, memory
        time.sleep(0.25)


def processor_seconds(pid):
    """Its own and that of its children that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def delete_all(server, layers):
    client = server.client("lambda")
    for page in client.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            client.delete_function(FunctionName=function["FunctionName"])
    for arn in layers:
        client.delete_layer_version(LayerName=arn.rsplit(":", 2)[1], VersionNumber=int(arn.rsplit(":", 1)[1]))
    client.close()


def layers_of(client):
    def layer(name, files):
        return client.publish_layer_version(LayerName=name, Content={"ZipFile": zip_of(files)})["LayerVersionArn"]
    words = layer("words", {"python/extra.py": "WORD = 'yes'\n"})
    more = layer("more", {"python/other.py": "x = 1\n"})
    # zip_of makes what ends with .sh executable.
    extension = layer("extension", {"extensions/watcher.sh": EXTENSION})
    return {"layered": [words, more], "extended": [extension]}


@pytest.mark.timeout(SECONDS * 2 + 600)
def test_functions_leave_nothing():
    server = Lambari().start()
    try:
        client, role = server.client("lambda"), server.role()
        files = holdings(server)[0]["files"]
        # Everything once, so that what is made once has been made.
        for _ in range(2):
            layers = layers_of(client)
            functions = [Function(number, layers) for number in range(len(SHARES))]
            warm = Soak(server, functions, role)
            for function in functions:
                function.create(client, role)
                for act in ("call", "litter", "together"):
                    warm.act(client, function, act, random.Random(1))
            delete_all(server, sum(layers.values(), []))
        client.close()
        before, memory_before = quiet(server)
        before["files"] = files

        client = server.client("lambda")
        layers = layers_of(client)
        functions = [Function(number, layers) for number in range(FUNCTIONS)]
        for function in functions:
            function.create(client, role)
        soak = Soak(server, functions, role)
        workers = soak.run()
        began, used = time.monotonic(), processor_seconds(server.process.pid)
        samples = []
        while any(worker.is_alive() for worker in workers):
            for worker in workers:
                worker.join(timeout=30 / len(workers))
            counts, memory = holdings(server)
            samples.append((round(time.monotonic() - began), counts, memory))
            if SECONDS > 300:
                print(json.dumps(samples[-1]), dict(soak.done), "throttled", soak.throttled, file=sys.stderr, flush=True)
        took = time.monotonic() - began
        print(f"{sum(soak.done.values())} acts in {took:.0f} s, {soak.throttled} throttled: {dict(soak.done)}; "
              f"the server alone used {(processor_seconds(server.process.pid) - used) / took:.2f} processors", file=sys.stderr)
        print("wrong:", *soak.wrong, sep="\n", file=sys.stderr)
        assert soak.throttled * 20 <= sum(soak.done.values()), "the host can hold too little for this test"
        client.close()

        delete_all(server, sum(layers.values(), []))
        after, memory_after = settled(server, before)
        print("before", before, memory_before, "after", after, memory_after, file=sys.stderr)
        assert within(after, before), [str(path) for path in sorted(server.data.rglob("*")) if "store" not in path.parts][:50]
        for who, mb in memory_before.items():
            assert memory_after[who] - mb < GROWTH_MB, (who, mb, memory_after[who])
        if len(samples) >= 8 and SECONDS >= 1800:
            # What grows with time grows in the second half too.
            half, last = samples[len(samples) // 2:len(samples) * 3 // 4], samples[len(samples) * 3 // 4:]
            for who in memory_before:
                middle, end = (statistics.median(sample[2][who] for sample in part if who in sample[2]) for part in (half, last))
                assert end - middle < GROWTH_MB / 2, (who, middle, end)
        assert not soak.wrong, soak.wrong[:5]
        keepers = {pid for pid, parent in processes().items() if parent == server.process.pid}
        assert server.stop() == 0
        assert control_groups(keepers) == 0
        assert not [pid for pid in keepers if pathlib.Path(f"/proc/{pid}").exists()]
    finally:
        server.close()

