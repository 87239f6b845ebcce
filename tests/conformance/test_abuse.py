"""Functions that try to get out, to look around and to use up the machine: each attempt of abuse.py fails harmlessly, in a server of
root's and in one of an ordinary user's. Everything here goes to this machine's loopback or to the environment's own network."""

import ctypes
import io
import json
import os
import pathlib
import re
import socket
import stat
import subprocess
import sys
import threading
import time
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor

import abuse
import pytest
from botocore.exceptions import ClientError
from lambari import PROGRAM, ROOT, Lambari, free_port, zip_of

HERE = pathlib.Path(__file__).resolve().parent
USER = 61234  # nobody's number
CODE = {"abuse.py": (HERE / "abuse.py").read_text()}
SHM_KEY = 0x6c616d61


class Host:
    """What a function must not see: a service, an abstract socket, shared memory, a secret, a process."""

    def __init__(self, folder):
        self.heard = []
        self.listener = socket.create_server(("0.0.0.0", 0))
        self.abstract = f"lambari-test-{uuid.uuid4().hex}"
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind("\0" + self.abstract)
        self.unix.listen()
        threading.Thread(target=self.hear, daemon=True).start()
        self.secret = folder / f"secret-{uuid.uuid4().hex}"
        self.secret.write_text("secret")
        self.secret.chmod(0o644)
        self.marker = f"marker-{uuid.uuid4().hex}"
        self.libc = ctypes.CDLL(None)
        self.shm = self.libc.shmget(SHM_KEY, 4096, 0o1666)
        self.process = subprocess.Popen(["sleep", "3600"], env={"SECRET": self.marker})

    def hear(self):
        while True:
            try:
                connection, peer = self.listener.accept()
            except OSError:
                return
            self.heard.append(peer)
            connection.close()

    def told(self, server):
        addresses = [info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
        addresses += re.findall(r"inet ([0-9.]+)", subprocess.run(["ip", "-4", "addr"], capture_output=True, text=True).stdout)
        program = str(pathlib.Path(PROGRAM).resolve().parent)
        kinds = ("user", "mnt", "net", "ipc", "uts", "pid", "cgroup")
        return {"port": self.listener.getsockname()[1], "abstract": self.abstract, "secret": str(self.secret), "marker": self.marker,
                "shm": SHM_KEY, "pid": self.process.pid, "data": str(server.data), "program": program,
                "control groups": server.kind == "root",
                "runtimes": str((ROOT / ".cache/runtimes").resolve()),
                "addresses": sorted({a for a in addresses if not a.startswith("127.")}),
                "namespaces": {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in kinds}}

    def close(self):
        self.process.kill()
        self.process.wait()
        self.listener.close()
        self.unix.close()
        self.libc.shmctl(self.shm, 0, None)


@pytest.fixture(scope="module", params=["root", "user"])
def prison(request, tmp_path_factory):
    """A server, as root or not, with the function of abuse.py, and a host full of secrets."""
    if os.geteuid() != 0 and request.param == "root":
        pytest.skip("only root can try what root's server does")
    folder = tmp_path_factory.mktemp("host")
    host = Host(folder)
    server = Lambari(user=USER if request.param == "user" and os.geteuid() == 0 else None,
                     variables={"HOME": "/nonexistent", "SECRET_OF_THE_SERVER": host.marker}).start()
    server.function("neighbour", {"neighbour.py": "def handler(event, context):\n    return 'secret of a neighbour'\n"}, handler="neighbour.handler")
    server.function("attempts", CODE, handler="abuse.handler", Timeout=60, MemorySize=512)
    server.host, server.kind = host, request.param
    yield server
    code = server.stop()
    server.close()
    host.close()
    assert code == 0, "the server did not end cleanly"


def call(server, name, payload):
    answer = server.client("lambda").invoke(FunctionName=name, Payload=json.dumps(payload))
    return json.loads(answer["Payload"].read() or "null"), answer.get("FunctionError")


@pytest.mark.parametrize("name", list(abuse.TABLE))
def test_an_attempt_fails(prison, name):
    answer, failed = call(prison, "attempts", {"attempt": name, "host": prison.host.told(prison)})
    assert not failed, answer
    assert "held" in answer and "escaped" not in answer, f"{name}: {answer}"
    assert not prison.host.heard, "the host's service was reached"


def test_there_are_enough_attempts():
    assert len(abuse.TABLE) >= 50
    assert all(wall and attempt.__name__ == name for name, (wall, attempt) in abuse.TABLE.items())


@pytest.mark.parametrize("kind", ["memory", "children"])
def test_two_gigabytes_are_not_to_be_had(prison, name, kind):
    prison.function(name, CODE, handler="abuse.alone", Timeout=30, MemorySize=256)
    answer, failed = call(prison, name, {"kind": kind})
    assert failed and "escaped" not in answer, answer
    if kind == "memory":
        assert "signal: killed" in answer["errorMessage"] or answer["errorType"] == "Runtime.OutOfMemory", answer
    assert call(prison, "neighbour", {})[0] == "secret of a neighbour"


def test_floods_of_output(prison, name):
    prison.function(name, CODE, handler="abuse.alone", Timeout=60)
    before = memory_of(prison.process.pid)
    assert call(prison, name, {"kind": "flood", "megabytes": 24})[0] == 24
    assert call(prison, "neighbour", {})[0] == "secret of a neighbour"
    assert memory_of(prison.process.pid) - before < 300 << 20


def memory_of(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) << 10


def running(argument):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cmdline").read_bytes() == b"sleep\0" + argument.encode() + b"\0":
                found.append(entry.name)
        except OSError:
            pass
    return found


def eventually(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_daemon_goes_with_its_environment(prison, name):
    prison.function(name, CODE, handler="abuse.alone")
    argument = str(100 + free_port() / 100_000)
    assert call(prison, name, {"kind": "daemon", "argument": argument})[0] == "left"
    assert eventually(lambda: running(argument)), "it runs as long as its environment is kept"
    prison.client("lambda").delete_function(FunctionName=name)
    assert eventually(lambda: not running(argument)), "it outlived its environment"


def count_of_user(prison):
    """How many inotify instances and whether a timer the host's own user still gets: root, or the server's."""
    code = ("import ctypes, os; libc = ctypes.CDLL(None); held = []\n"
            "while len(held) < 200 and (fd := libc.inotify_init1(0)) >= 0: held.append(fd)\n"
            "print(len(held), libc.syscall(222, 1, None, ctypes.byref(ctypes.c_int())))")
    command = [sys.executable, "-c", code]
    if prison.user is not None:
        command = ["setpriv", f"--reuid={prison.user}", f"--regid={prison.user}", "--clear-groups", "/usr/bin/python3", "-c", code]
    instances, timer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(instances), int(timer)


def test_what_the_kernel_counts_for_users_is_not_the_hosts(prison, name):
    """inotify and timers are counted up to the host's user that made the namespaces: three greedy functions take none of root's, and
    leave an ordinary user half."""
    before, _ = count_of_user(prison)
    for number in range(3):
        prison.function(f"{name}-{number}", CODE, handler="abuse.alone", Timeout=30)
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(call, prison, f"{name}-{number}", {"kind": "users"}) for number in range(3)]
        time.sleep(2.5)
        instances, timer = count_of_user(prison)
        taken = [one.result()[0] for one in running]
    assert instances == before if prison.kind == "root" else instances >= before - 64, taken
    assert timer == 0, taken


FLOODS = {"of the Runtime API": (9001, "POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n"),
          "of AWS": (80, "POST / HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\nContent-Length: 1000000\r\n\r\n")}


@pytest.mark.parametrize("what", list(FLOODS))
def test_a_function_cannot_use_up_all_connections(prison, name, what):
    port, head = FLOODS[what]
    before, limit = len(os.listdir(f"/proc/{prison.process.pid}/fd")), descriptors_of(prison.process.pid)
    prison.function(name, CODE, handler="abuse.alone", Timeout=30)
    prison.function(f"{name}-after", CODE, handler="abuse.alone", Timeout=30)
    with ThreadPoolExecutor(1) as pool:
        flood = pool.submit(call, prison, name, {"kind": "connections", "port": port, "count": 3000, "head": head, "body": 0})
        time.sleep(3)
        taken = len(os.listdir(f"/proc/{prison.process.pid}/fd")) - before
        # A new environment of another function, which opens connections of its own.
        assert call(prison, f"{name}-after", {"kind": "tmp"}) == (512, None)
        ended_by_its_own_flood(*flood.result())
    assert taken < min(limit / 8, 10_000) / 8 + 200


def ended_by_its_own_flood(answer, failed):
    """Its own runtime may be one of those that were refused."""
    assert answer == "held" or (failed and answer["errorType"] == "Runtime.ExitError"), answer


def descriptors_of(pid):
    return int(re.search(r"Max open files\s+(\d+)", pathlib.Path(f"/proc/{pid}/limits").read_text())[1])


def test_a_function_cannot_use_up_the_servers_memory(prison, name):
    """What 20 requests of 30 MB would take. An eighth of a gigabyte may be."""
    prison.function(name, CODE, handler="abuse.alone", Timeout=30)
    before = memory_of(prison.process.pid)
    with ThreadPoolExecutor(1) as pool:
        port, head = FLOODS["of the Runtime API"]
        flood = pool.submit(call, prison, name, {"kind": "connections", "port": port, "count": 20, "head": head, "body": 26})
        most = 0
        while not flood.done():
            most = max(most, memory_of(prison.process.pid) - before)
            time.sleep(0.1)
        ended_by_its_own_flood(*flood.result())
    assert most < 300 << 20
    assert call(prison, "neighbour", {})[0] == "secret of a neighbour"


def processor_time(pids):
    spent = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        spent += int(fields[11]) + int(fields[12])
    return spent


def test_what_goes_on_computing_after_an_invocation_is_frozen(prison, name):
    if prison.kind != "root":
        pytest.skip("an ordinary user without control groups cannot freeze: a known gap")
    prison.function(name, CODE, handler="abuse.alone")
    argument = str(60 + free_port() / 100_000)
    assert call(prison, name, {"kind": "burn", "argument": argument})[0] == "burning"

    def burning():
        parents = [entry.name for entry in pathlib.Path("/proc").iterdir()
                   if entry.name.isdigit() and f"timeout\0{argument}\0".encode() in read_or_nothing(entry / "cmdline")]
        return [pid for parent in parents for pid in read_or_nothing(pathlib.Path(f"/proc/{parent}/task/{parent}/children")).decode().split()]
    assert eventually(burning)

    def still():
        spent = processor_time(burning())
        time.sleep(1)
        return processor_time(burning()) == spent
    assert eventually(still), "it computes between invocations"
    assert burning(), "it is there, and stands still"
    prison.client("lambda").delete_function(FunctionName=name)
    assert eventually(lambda: not burning())


def read_or_nothing(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


# --- packages -----------------------------------------------------------------------------------------------------------------

def entry(name, content=b"", mode=stat.S_IFREG | 0o644):
    info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
    info.create_system = 3
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info, content


def package(*entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in [entry("abuse.py", CODE["abuse.py"]), *entries]:
            archive.writestr(info, content)
    return buffer.getvalue()


LINK = stat.S_IFLNK | 0o777
REFUSED = {
    "a link to an absolute path": lambda: package(entry("link", b"/etc/shadow", LINK)),
    "a link that climbs out": lambda: package(entry("a/link", b"../../etc/shadow", LINK)),
    "a file through a link": lambda: package(entry("link", b"lib", LINK), entry("link/file", b"x")),
    "a path that climbs out": lambda: package(entry("../escaped", b"x")),
    "a path that climbs out later": lambda: package(entry("a/../../escaped", b"x")),
    "an absolute path": lambda: package(entry("/tmp/escaped", b"x")),
    "a character device": lambda: package(entry("device", b"", stat.S_IFCHR | 0o666)),
    "a block device": lambda: package(entry("device", b"", stat.S_IFBLK | 0o666)),
    "a socket": lambda: package(entry("socket", b"", stat.S_IFSOCK | 0o666)),
    "a bomb: 300 MB of nothing": lambda: package(entry("bomb", bytes(300 << 20))),
    "names that are deep": lambda: package(entry("d/" * 2000 + "file", b"x")),
    "a name with a zero byte's neighbour": lambda: package(entry("a\\..\\..\\b/../../c", b"x")),
}


@pytest.mark.parametrize("what", list(REFUSED))
def test_a_package_is_refused(prison, name, what):
    with pytest.raises(ClientError) as error:
        prison.client("lambda").create_function(FunctionName=name, Runtime="python3.11", Handler="abuse.alone", Role=prison.role(),
                                                Code={"ZipFile": REFUSED[what]()})
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 413)
    assert error.value.response["Error"]["Code"] in ("InvalidParameterValueException", "RequestEntityTooLargeException")
    assert not pathlib.Path("/tmp/escaped").exists() and not list(prison.data.rglob("escaped"))


def test_what_else_a_package_holds_is_tamed(prison, name):
    """Setuid bits and pipes become ordinary files; links that lead out by way of another one end in the slot's own root."""
    code = package(entry("suid", b"#!/bin/sh\nid\n", stat.S_IFREG | 0o6755), entry("open", b"", stat.S_IFREG | 0o666),
                   entry("pipe", b"", stat.S_IFIFO | 0o666), entry("a/up", b"..", LINK), entry("out", b"a/up/../../etc", LINK))
    client = prison.client("lambda")
    client.create_function(FunctionName=name, Runtime="python3.11", Handler="abuse.alone", Role=prison.role(), Code={"ZipFile": code})
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    modes = call(prison, name, {"kind": "modes"})[0]
    assert modes["suid"] == "0o100755" and modes["open"] == modes["pipe"] == "0o100644"
    passwd, failed = call(prison, name, {"kind": "read", "path": "/var/task/out/passwd"})
    assert not failed and "sbx_user1051" in passwd and "/bin/bash" not in passwd


def test_layers_stay_inside(prison, name):
    client = prison.client("lambda")
    layers = []
    # Each is harmless alone; together they are to lead the one's files through the other's link.
    for number, files in enumerate(([entry("lib", b"real", LINK), entry("real/one", b"1"), entry("python/up", b"../real", LINK)],
                                    [entry("lib/two", b"2"), entry("real", b"python", LINK)])):
        published = client.publish_layer_version(LayerName=f"{name}-{number}", Content={"ZipFile": package(*files)})
        layers.append(published["LayerVersionArn"])
    prison.function(name, CODE, handler="abuse.alone", Layers=layers)
    seen, failed = call(prison, name, {"kind": "opt"})
    assert not failed, seen
    assert all(path.startswith("/opt") for path in seen.values()), seen
    with pytest.raises(ClientError):
        client.publish_layer_version(LayerName=name, Content={"ZipFile": package(entry("out", b"../../etc", LINK))})


def test_environments_of_more_than_4_kb_are_refused(prison, name):
    with pytest.raises(ClientError) as error:
        prison.client("lambda").create_function(FunctionName=name, Runtime="python3.11", Handler="abuse.alone", Role=prison.role(),
                                                Code={"ZipFile": zip_of(CODE)}, Environment={"Variables": {"LARGE": "x" * 5000}})
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_nothing_is_left_on_the_host(prison):
    assert not [line for line in open("/proc/self/mountinfo") if str(prison.data) in line]
    assert not prison.host.heard


@pytest.mark.parametrize("size", [512, 10_240])
def test_tmp_has_the_size_that_was_asked_for(prison, name, size):
    prison.function(name, CODE, handler="abuse.alone", EphemeralStorage={"Size": size})
    assert call(prison, name, {"kind": "tmp"})[0] == size


@pytest.mark.parametrize("setting", [{"EphemeralStorage": {"Size": 511}}, {"EphemeralStorage": {"Size": 10_241}}, {"MemorySize": 127}, {"MemorySize": 10_241}])
def test_sizes_beyond_awss_are_refused(prison, name, setting):
    with pytest.raises(ClientError) as error:
        prison.client("lambda", parameter_validation=False).create_function(FunctionName=name, Runtime="python3.11", Handler="abuse.alone", Role=prison.role(),
                                                Code={"ZipFile": zip_of(CODE)}, **setting)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
