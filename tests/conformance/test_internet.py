"""Functions reach public addresses when they are allowed to, and nothing else. The machine is a network namespace of the test's own,
and so is its Internet: no packet leaves this computer."""

import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import time
import uuid

import pytest
from lambari import Lambari

CLONE_NEWNET = 0x40000000
USER = 61234
WEB, ROUTER, MACHINE = "203.0.113.10", "198.51.100.254", "198.51.100.1"
LAN = "10.77.0.5"
libc = ctypes.CDLL(None, use_errno=True)

CODE = {"app.py": """
import os, socket, subprocess
def reach(address, port, device=None, kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as one:
        one.settimeout(3)
        if device:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        try:
            one.connect((address, port))
            if kind == socket.SOCK_DGRAM:
                one.send(b'hello')
            return one.recv(100).decode()
        except OSError as error:
            return type(error).__name__ + ': ' + str(error.strerror)
def look_up(name):
    try:
        return socket.gethostbyname(name)
    except OSError as error:
        return type(error).__name__
def handler(event, context):
    return {name: look_up(*arguments) if name.startswith('name of') else reach(*arguments) for name, arguments in event.items()}
"""}

# The machine has a loopback, a public address, a private network beside it, and a router that leads to the web.
SERVICE = """
import socket, sys, threading
address, port, word = sys.argv[1], int(sys.argv[2]), sys.argv[3]
listener = socket.create_server((address, port))
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind((address, port))
def echo():
    while True:
        said, peer = datagrams.recvfrom(1000)
        datagrams.sendto((word + ' ' + peer[0]).encode(), peer)
threading.Thread(target=echo, daemon=True).start()
print('ready', flush=True)
while True:
    connection, peer = listener.accept()
    connection.sendall((word + ' ' + peer[0]).encode())
    connection.close()
"""


# Knows one name.
NAMES = """
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
print('ready', flush=True)
while True:
    query, peer = server.recvfrom(4096)
    question = query[12:query.index(b'\\0', 12) + 5]
    known = question.startswith(b'\\7example\\3com\\0\\0\\1')
    answer = b'\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4' + socket.inet_aton(sys.argv[1]) if known else b''
    server.sendto(query[:2] + (b'\\x81\\x80' if known else b'\\x81\\x83') + b'\\0\\1' + (b'\\0\\1' if known else b'\\0\\0') + b'\\0\\0\\0\\0' + question + answer, peer)
"""


class Network:
    def __init__(self):
        tag = uuid.uuid4().hex[:6]
        self.machine, self.world = f"lt-m-{tag}", f"lt-w-{tag}"
        self.services = []
        run = lambda text: [subprocess.run(line.split(), check=True) for line in text.strip().splitlines()]  # noqa: E731
        run(f"""ip netns add {self.machine}
                ip netns add {self.world}
                ip -n {self.machine} link set lo up
                ip -n {self.world} link set lo up
                ip -n {self.machine} link add up0 type veth peer name down0 netns {self.world}
                ip -n {self.machine} link add lan0 type veth peer name lan1 netns {self.world}
                ip -n {self.machine} addr add {MACHINE}/24 dev up0
                ip -n {self.machine} addr add 10.77.0.1/24 dev lan0
                ip -n {self.machine} link set up0 up
                ip -n {self.machine} link set lan0 up
                ip -n {self.world} addr add {ROUTER}/24 dev down0
                ip -n {self.world} addr add {LAN}/24 dev lan1
                ip -n {self.world} addr add {WEB}/32 dev lo
                ip -n {self.world} addr add 169.254.169.254/32 dev lo
                ip -n {self.world} link set down0 up
                ip -n {self.world} link set lan1 up
                ip -n {self.machine} route add default via {ROUTER}""")
        self.start(self.world, NAMES, WEB)
        self.serve(self.world, WEB, 8080, "web")
        self.serve(self.world, WEB, 25, "mail")
        self.serve(self.world, LAN, 8080, "lan")
        self.serve(self.world, "169.254.169.254", 80, "metadata")
        self.serve(self.machine, "0.0.0.0", 8081, "machine")

    def serve(self, namespace, address, port, word):
        self.start(namespace, SERVICE, address, str(port), word)

    def start(self, namespace, program, *arguments):
        service = subprocess.Popen(["ip", "netns", "exec", namespace, "python3", "-c", program, *arguments], stdout=subprocess.PIPE)
        assert service.stdout.readline() == b"ready\n"
        self.services.append(service)

    def close(self):
        for service in self.services:
            service.kill()
            service.wait()
            service.stdout.close()
        for namespace in (self.machine, self.world):
            subprocess.run(["ip", "netns", "del", namespace])

    def text(self, *command):
        return subprocess.run(["ip", "netns", "exec", self.machine, *command], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def network():
    if os.geteuid() != 0:
        pytest.skip("network namespaces with addresses need root")
    made = Network()
    yield made
    made.close()


class Inside:
    """This thread, and what it starts, is on the machine of the test."""

    def __init__(self, namespace):
        self.there, self.here = os.open(f"/run/netns/{namespace}", os.O_RDONLY), os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    def __enter__(self):
        assert libc.setns(self.there, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())

    def __exit__(self, *_):
        assert libc.setns(self.here, CLONE_NEWNET) == 0
        os.close(self.there)
        os.close(self.here)


@pytest.fixture(params=["nat", "pasta", "pasta as an ordinary user"])
def online(request, network, tmp_path):
    """A server whose functions have the Internet."""
    kind, user = request.param.split()[0], USER if "user" in request.param else None
    needed = ["nft", "pasta"] if kind == "pasta" else ["nft"]
    missing = [program for program in needed if not shutil.which(program, path="/usr/sbin:/usr/bin")]
    assert not missing, f"install {missing}: scripts/packages.txt has them"
    if kind == "pasta" and not os.path.exists("/dev/net/tun"):
        pytest.skip("this kernel has no /dev/net/tun")
    (tmp_path / "resolv.conf").write_text(f"nameserver {WEB}\n")
    setup = f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf"
    if user:  # the device is open to all where udev runs
        setup += f"; mknod -m 666 {tmp_path}/tun c 10 200; mount --bind {tmp_path}/tun /dev/net/tun"
    with Inside(network.machine):
        server = Lambari("--internet", kind, user=user, variables={"HOME": "/nonexistent"}, setup=setup).start()
        server.kind = kind
        yield server
        if server.process.poll() is None:
            assert server.stop() == 0
        server.close()


def call(server, name, tries):
    answer = server.client("lambda").invoke(FunctionName=name, Payload=json.dumps(tries))
    assert "FunctionError" not in answer
    return json.loads(answer["Payload"].read())


def test_public_addresses_and_nothing_else(online, network, name):
    online.function(name, CODE, Timeout=60)
    datagram = 2
    seen = call(online, name, {
        "web": [WEB, 8080], "web by datagram": [WEB, 8080, None, datagram], "web, by device": [WEB, 8080, "eth0"],
        "nobody listens": [WEB, 8099], "mail": [WEB, 25],
        "lan": [LAN, 8080], "lan, by device": [LAN, 8080, "eth0"], "lan by datagram": [LAN, 8080, None, datagram],
        "metadata": ["169.254.169.254", 80], "metadata, by device": ["169.254.169.254", 80, "eth0"],
        "the machine": [MACHINE, 8081], "the machine, by device": [MACHINE, 8081, "eth0"],
        "the machine's lan address": ["10.77.0.1", 8081],
        "loopback": ["127.0.0.1", 8081], "loopback, by device": ["127.0.0.1", 8081, "eth0"],
        "the router": ["169.254.100.1", 8081], "pasta's gateway": ["10.0.2.2", 8081], "nat's gateway": ["198.18.0.1", 8081],
        "lambari's port": [MACHINE, online.port], "broadcast": ["255.255.255.255", 8080], "multicast": ["224.0.0.1", 8080]})
    assert seen.pop("web") == f"web {MACHINE}", "it is seen with the machine's address"
    assert seen.pop("web by datagram") == f"web {MACHINE}"
    assert seen.pop("web, by device") == f"web {MACHINE}"
    refused = seen.pop("nobody listens")
    assert refused == "ConnectionRefusedError: Connection refused" or (online.kind == "pasta" and "TimeoutError" in refused)
    reached = {what: answer for what, answer in seen.items() if "Error" not in answer and "imeout" not in answer}
    assert not reached, reached


def test_names_are_asked_of_the_hosts_name_server(online, network, name):
    online.function(name, CODE, Timeout=60)
    seen = call(online, name, {"name of the web": ["example.com"], "name of nobody": ["nobody.example.org"], "name of AWS": ["sqs.us-east-1.amazonaws.com"]})
    assert seen == {"name of the web": WEB, "name of nobody": "gaierror", "name of AWS": "127.0.0.1"}


def test_functions_do_not_reach_one_another(online, network, name):
    """Two at once: each listens where the other could look for it."""
    code = {"app.py": """
import socket, threading, time
def own():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any:
        any.connect(('203.0.113.10', 9))
        return any.getsockname()[0]
def handler(event, context):
    listener = socket.create_server(('0.0.0.0', 7000))
    listener.settimeout(4)
    mine = own()
    first = mine.rsplit('.', 1)
    seen = []
    for neighbour in range(max(1, int(first[1]) - 6), int(first[1]) + 7):
        address = f'{first[0]}.{neighbour}'
        if address != mine:
            with socket.socket() as one:
                one.settimeout(0.3)
                if one.connect_ex((address, 7000)) == 0:
                    seen.append(address)
    time.sleep(1)
    try:
        seen.append(listener.accept()[1])
    except OSError:
        pass
    return {'mine': mine, 'seen': seen}
"""}
    online.function(name, code, Timeout=60)
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(2) as both:  # threads start in the namespace of the one that makes them
        answers = list(both.map(lambda _: call(online, name, {}), range(2)))
    assert answers[0]["mine"] != answers[1]["mine"]
    assert not answers[0]["seen"] and not answers[1]["seen"], answers


def test_nothing_is_left_on_the_machine(network, name):
    with Inside(network.machine):
        before = network.text("nft", "list", "tables"), network.text("ip", "-o", "link"), network.text("sysctl", "net.ipv4.conf.up0.forwarding")
        server = Lambari("--internet", "nat").start()
        server.function(name, CODE)
        assert call(server, name, {"web": [WEB, 8080]})["web"] == f"web {MACHINE}"
        assert "lambari_" in network.text("nft", "list", "tables")
        server.kill()
        # The keeper outlives a killed server, and tidies up.
        deadline = time.monotonic() + 20
        after = None
        while after != before and time.monotonic() < deadline:
            time.sleep(0.1)
            after = network.text("nft", "list", "tables"), network.text("ip", "-o", "link"), network.text("sysctl", "net.ipv4.conf.up0.forwarding")
        server.close()
        assert after == before


def test_two_servers_share_the_way(network, name):
    """The first to come and to go takes nothing from the other; the last one leaves all as it was."""
    forwarding = "net.ipv4.conf.up0.forwarding"
    with Inside(network.machine):
        before = network.text("sysctl", forwarding)
        first, second = Lambari("--internet", "nat").start(), Lambari("--internet", "nat").start()
        try:
            for server in (first, second):
                server.function(name, CODE)
                assert call(server, name, {"web": [WEB, 8080]})["web"] == f"web {MACHINE}"
            assert first.stop() == 0
            assert call(second, name, {"web": [WEB, 8080]})["web"] == f"web {MACHINE}"
            assert second.stop() == 0
        finally:
            first.close()
            second.close()
        assert network.text("sysctl", forwarding) == before
        assert "lambari_" not in network.text("nft", "list", "tables")


def test_none_is_the_default(network, name):
    with Inside(network.machine):
        server = Lambari().start()
        server.function(name, CODE)
        assert call(server, name, {"web": [WEB, 8080]})["web"] == "OSError: Network is unreachable"
        assert server.stop() == 0
        server.close()


def test_what_is_missing_is_named(network, tmp_path):
    """No default route: it refuses to start, and the doctor says the remedy."""
    lonely = f"lt-l-{uuid.uuid4().hex[:6]}"
    subprocess.run(["ip", "netns", "add", lonely], check=True)
    try:
        with Inside(lonely):
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            for kind in ("nat", "pasta"):
                server = Lambari("--internet", kind)
                with pytest.raises(RuntimeError) as error:
                    server.start()
                assert "internet" in str(error.value) and "default route" in str(error.value) and "--internet=none" in str(error.value), error.value
                server.close()
    finally:
        subprocess.run(["ip", "netns", "del", lonely])
    assert pathlib.Path("/proc/self/ns/net").exists()
