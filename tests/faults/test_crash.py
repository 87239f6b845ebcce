"""kill -9 under load: after the restart everything that was acknowledged is there and works.

Rounds: LAMBARI_CRASH_ROUNDS (3 here; `make soak` runs 50), clients: LAMBARI_CRASH_CLIENTS (16; soak 64).
"""

import json
import os
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from lambari import Lambari, zip_of

ROUNDS = int(os.environ.get("LAMBARI_CRASH_ROUNDS", "3"))
CLIENTS = int(os.environ.get("LAMBARI_CRASH_CLIENTS", "16"))


class Worker(threading.Thread):
    """Creates, updates, publishes and invokes functions of its own; remembers only what was acknowledged."""

    def __init__(self, server, role, number, truth, stop):
        super().__init__(daemon=True)
        self.client = server.client("lambda", max_pool_connections=1)
        self.role, self.number, self.truth, self.stop = role, number, truth, stop
        self.wrong = []

    def run(self):
        rng = random.Random(self.number + time.monotonic_ns())
        while not self.stop.is_set():
            try:
                self.step(rng)
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                if status != 429 and error.response["Error"]["Code"] != "ResourceConflictException":
                    self.wrong.append(str(error))
                    return
            except BotoCoreError:
                return  # the server is gone: nothing of this step was acknowledged

    def step(self, rng):
        name = f"f{self.number}-{rng.randrange(3)}"
        known = self.truth.get(name)
        marker = f"{self.number}-{rng.randrange(10**9)}"
        code = zip_of({"app.py": f"def handler(e, c):\n    return '{marker}'\n"})
        if known is None:
            self.truth[name] = {"maybe": [marker, None], "versions": []}
            self.client.create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=self.role, Code={"ZipFile": code})
            self.truth[name] = {"now": marker, "versions": []}
            self.client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
            return
        choice = rng.random()
        if choice < 0.3:
            before = dict(known)
            self.truth[name] = {**before, "maybe": [before.get("now"), marker]}
            self.client.update_function_code(FunctionName=name, ZipFile=code)
            self.truth[name] = {"now": marker, "versions": before["versions"]}
            self.client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
        elif choice < 0.4:
            version = self.client.publish_version(FunctionName=name)["Version"]
            known["versions"].append((version, known["now"]))
        else:
            answer = self.client.invoke(FunctionName=name)
            if "FunctionError" in answer:
                self.wrong.append(f"{name}: {answer['Payload'].read()}")
                return
            value = json.loads(answer["Payload"].read())
            if "now" in known and "maybe" not in known and value != known["now"]:
                self.wrong.append(f"{name}: answered {value}, acknowledged was {known['now']}")


def check(server, truth):
    client = server.client("lambda")
    for name, state in truth.items():
        expected = state["maybe"] if "maybe" in state else [state["now"]]
        try:
            client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
            value = json.loads(client.invoke(FunctionName=name)["Payload"].read())
        except client.exceptions.ResourceNotFoundException:
            value = None
        except BotoCoreError as error:
            if None in expected and "ResourceNotFound" in str(error):
                value = None
            else:
                raise
        assert value in expected, f"{name}: {value!r}, acknowledged was {expected!r}"
        for version, marker in state["versions"]:
            assert json.loads(client.invoke(FunctionName=name, Qualifier=version)["Payload"].read()) == marker
        if value is None:
            truth[name] = None
        else:
            truth[name] = {"now": value, "versions": state["versions"]}
    for name in [n for n, state in truth.items() if state is None]:
        del truth[name]


@pytest.mark.timeout(60 + 60 * ROUNDS)
def test_nothing_acknowledged_is_lost():
    server, truth = Lambari().start(), {}
    try:
        role = server.role()
        for round_number in range(ROUNDS):
            stop = threading.Event()
            workers = [Worker(server, role, n, truth, stop) for n in range(CLIENTS)]
            for worker in workers:
                worker.start()
            time.sleep(random.uniform(1.5, 4))
            server.kill()
            stop.set()
            for worker in workers:
                worker.join(timeout=30)
                assert not worker.wrong, worker.wrong
            server.start()
            check(server, truth)
        assert truth, "the load did nothing"
    finally:
        server.close()
