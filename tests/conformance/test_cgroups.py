"""Control groups of version 2, as far as this machine has them: in a mount namespace where nothing else is mounted. Where the
controllers belong to version 1, as on a hybrid system, version 2 still freezes."""

import json
import os
import subprocess
import time
import uuid

import pytest
from lambari import Lambari

USER = 61234
TICKS = {"app.py": """
import threading, time
ticks = 0
def tick():
    global ticks
    while True:
        time.sleep(0.01)
        ticks += 1
threading.Thread(target=tick, daemon=True).start()
def handler(event, context):
    return ticks
"""}


@pytest.fixture
def delegated(tmp_path):
    """A group of version 2 that belongs to the user, and the commands that lead into it."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a group away")
    top = tmp_path / "cgroup"
    top.mkdir()
    if subprocess.run(["mount", "-t", "cgroup2", "cgroup2", top]).returncode != 0:
        pytest.skip("this kernel has no control groups of version 2")
    group = top / f"lambari-test-{uuid.uuid4().hex[:8]}"
    group.mkdir()
    for path in (group, group / "cgroup.procs", group / "cgroup.subtree_control"):
        os.chown(path, USER, USER)
    yield f"echo $$ > {group}/cgroup.procs; umount -l /sys/fs/cgroup || true; mount -t cgroup2 cgroup2 /sys/fs/cgroup; umount -l {top}"
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            group.rmdir()
            break
        except OSError:
            time.sleep(0.05)
    left = group.exists() and [str(path) for path in group.rglob("*") if path.is_dir()]
    subprocess.run(["umount", "-l", top])
    assert not left, left


def capabilities(server):
    done = server.cli("doctor", "--endpoint", server.url)
    return {line[4:28].strip(): (line[:2], line[28:]) for line in done.stdout.splitlines() if line[:2] in ("ok", "--")}


def call(server, name):
    return json.loads(server.client("lambda").invoke(FunctionName=name)["Payload"].read())


def test_an_ordinary_user_freezes_by_version_2(delegated, name):
    server = Lambari(user=USER, variables={"HOME": "/nonexistent"}, setup=delegated).start()
    try:
        seen = capabilities(server)
        assert seen["cgroup freezer"][0] == "ok" and "version 2" in seen["cgroup freezer"][1]
        if seen["cgroup memory"][0] == "--":
            assert "watches it instead" in seen["cgroup memory"][1]
        server.function(name, TICKS)
        before = call(server, name)
        time.sleep(4)  # it is put to sleep half a second after its call, when the server comes by
        assert call(server, name) - before < 250, "it ran while nobody called"
    finally:
        code = server.stop()
        server.close()
    assert code == 0


def test_root_is_told_which_controller_is_missing(delegated):
    server = Lambari(setup=delegated)
    try:
        server.start()
    except RuntimeError as refused:
        assert "cgroup memory" in str(refused) and "--isolation process" in str(refused)
    else:  # version 2 has the controllers here
        assert capabilities(server)["cgroup memory"][0] == "ok"
        assert server.stop() == 0
    finally:
        server.close()
