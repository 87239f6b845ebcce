"""The lambari command line, its admin pages, and how it starts and stops."""

import json
import re
import socket
import subprocess

import requests
from lambari import Lambari, PROGRAM, free_port


def test_status_env_version_help_doctor(server):
    assert server.cli("status").returncode == 0 and str(server.port) in server.cli("status").stdout
    exports = server.cli("env").stdout
    assert f"AWS_ENDPOINT_URL=http://" in exports and f":{server.port}" in exports and "AWS_ACCESS_KEY_ID=test" in exports
    assert re.match(r"lambari \d+\.\d+\.\d+", server.cli("version").stdout)
    text = server.cli("--help").stdout
    assert all(word in text for word in ("start", "status", "stop", "env", "doctor", "logs", "invoke", "clock", "nuke", "version"))
    doctor = server.cli("doctor")
    assert "cgroup" in doctor.stdout and "python3" in doctor.stdout


def test_invoke_and_logs(server, name):
    server.function(name, {"app.py": "def handler(e, c):\n    print('printed', e)\n    return {'sum': e['a'] + e['b']}\n"})
    done = server.cli("invoke", name, "--payload", '{"a": 1, "b": 2}')
    assert done.returncode == 0 and json.loads(done.stdout) == {"sum": 3}
    assert server.cli("invoke", name, "--payload", "{}").returncode == 1, "a function error is a failure"
    assert "ResourceNotFoundException" in server.cli("invoke", name + "x").stderr
    follower = subprocess.Popen([PROGRAM, "logs", "-f", name], env=server.environment() | {"LAMBARI_PORT": str(server.port), "LAMBARI_DATA": str(server.data)},
                                stdout=subprocess.PIPE, text=True)
    try:
        seen = ""
        while "printed {'a': 1, 'b': 2}" not in seen:
            line = follower.stdout.readline()
            assert line, "the follower ended"
            seen += line
    finally:
        follower.kill()


def test_clock(own_server):
    before = own_server.cli("clock", "now").stdout
    assert own_server.cli("clock", "advance", "6h").returncode == 0
    assert own_server.cli("clock", "now").stdout != before
    assert own_server.cli("clock", "reset").returncode == 0
    assert own_server.cli("clock", "advance", "soon").returncode != 0


def test_health_metrics_and_limits(server):
    health = requests.get(f"{server.url}/_lambari/health", timeout=5).json()
    assert health
    assert requests.get(f"{server.url}/_localstack/health", timeout=5).json()["services"]["lambda"] in ("running", "available")
    server.client("sts").get_caller_identity()
    metrics = requests.get(f"{server.url}/_lambari/metrics", timeout=5).text
    assert re.search(r'GetCallerIdentity[^\n]*\} [1-9]', metrics)
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 431")
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(b"GET /_lambari/health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
        data = b""
        while data.count(b"HTTP/1.1 200") < 3:
            piece = raw.recv(65536)
            assert piece
            data += piece


def test_it_refuses_what_it_should(own_server):
    def start(*flags):
        return subprocess.run([PROGRAM, "start", *flags], capture_output=True, text=True, timeout=20, env=own_server.environment())

    public = start("--auth", "open", "--address", "0.0.0.0", "--port", str(free_port()), "--data", str(own_server.data / "other"))
    assert public.returncode != 0 and "open" in public.stderr
    taken = start("--port", str(own_server.port), "--data", str(own_server.data / "other"))
    assert taken.returncode != 0 and str(own_server.port) in taken.stderr
    unknown = start("--no-such-setting")
    assert unknown.returncode == 2


def test_auth_open_takes_any_key(tmp_path):
    server = Lambari("--auth", "open").start()
    try:
        assert server.client("lambda", key="anything", secret="whatever").list_functions()["Functions"] == []
        assert "open" in server.log_text()
    finally:
        server.close()


def test_stop_drains(own_server):
    import threading
    own_server.function("slow", {"app.py": "import time\ndef handler(e, c):\n    time.sleep(1)\n    return 'done'\n"})
    answers = []
    caller = threading.Thread(target=lambda: answers.append(own_server.client("lambda").invoke(FunctionName="slow")["Payload"].read()))
    caller.start()
    import time
    time.sleep(0.4)
    assert own_server.cli("stop").returncode == 0
    caller.join()
    assert answers == [b'"done"'] and own_server.process.wait(timeout=20) == 0
