"""kill -9 under load: after the restart everything that was acknowledged is there and works."""

import json

import pytest
from botocore.exceptions import WaiterError
from crash import CLIENTS, ROUNDS, Load, kill_under_load
from lambari import Lambari, zip_of


class Worker(Load):
    """Creates, updates, publishes, invokes and deletes functions of its own; remembers only what was acknowledged.

    What is known of a function: `now`, the answer it gives (None: it is deleted), or `maybe`, the answers that an act which was
    not acknowledged leaves possible; its `versions` with their answers; the versions that are `gone`.
    """

    def __init__(self, server, role, number, truth, stop):
        super().__init__(stop)
        self.client = server.client("lambda", max_pool_connections=1)
        self.role, self.number, self.truth = role, number, truth

    def expects(self, code, status):
        return status == 429 or code == "ResourceConflictException"

    def step(self):
        name = f"f{self.number}-{self.random.randrange(3)}"
        known = self.truth.get(name, {"now": None})
        marker = f"{self.number}-{self.random.randrange(10**9)}"
        code = zip_of({"app.py": f"def handler(e, c):\n    return '{marker}'\n"})
        choice = self.random.random()
        if known["now"] is None:
            self.change(name, marker, lambda: self.client.create_function(
                FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=self.role, Timeout=60,
                Code={"ZipFile": code}))
        elif choice < 0.3:
            self.change(name, marker, lambda: self.client.update_function_code(FunctionName=name, ZipFile=code), known)
        elif choice < 0.35:
            self.change(name, None, lambda: self.client.delete_function(FunctionName=name))
        elif choice < 0.45:
            self.version(name, known)
        else:
            answer = self.client.invoke(FunctionName=name)
            if "FunctionError" in answer:
                self.wrong.append(f"{name}: {answer['Payload'].read()}")
            elif (value := json.loads(answer["Payload"].read())) != known["now"]:
                self.wrong.append(f"{name}: answered {value}, acknowledged was {known['now']}")

    def change(self, name, marker, act, before=None):
        before = before or {"now": self.truth.get(name, {}).get("now"), "versions": [], "gone": []}
        self.truth[name] = {**before, "now": None, "maybe": [before["now"], marker]}
        act()
        self.truth[name] = {**before, "now": marker}
        if marker:
            self.client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})

    def version(self, name, known):
        """Few are kept, so that a round costs the same however many came before."""
        if len(known["versions"]) < 2:
            version = self.client.publish_version(FunctionName=name)["Version"]
            if version not in dict(known["versions"]):
                known["versions"].append((version, known["now"]))
            return
        version, _ = known["versions"].pop(0)
        self.client.delete_function(FunctionName=name, Qualifier=version)
        known["gone"].append(version)


def answer_of(client, name, **more):
    try:
        return json.loads(client.invoke(FunctionName=name, **more)["Payload"].read())
    except client.exceptions.ResourceNotFoundException:
        return None


def check(server, truth):
    client = server.client("lambda")
    for name, state in list(truth.items()):
        expected = state.get("maybe", [state["now"]])
        try:
            client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
        except WaiterError:
            pass  # it is not there, or the invocation tells what is wrong
        value = answer_of(client, name)
        assert value in expected, f"{name}: {value!r}, acknowledged was {expected!r}"
        if value is None:
            del truth[name]
            continue
        for version, marker in state["versions"]:
            assert answer_of(client, name, Qualifier=version) == marker, f"{name}:{version}"
        for version in state["gone"]:
            assert answer_of(client, name, Qualifier=version) is None, f"{name}:{version} was deleted"
        truth[name] = {"now": value, "versions": state["versions"], "gone": []}


@pytest.mark.timeout(60 + 60 * ROUNDS)
def test_nothing_acknowledged_is_lost():
    server, truth = Lambari().start(), {}
    try:
        role = server.role()
        for _ in range(ROUNDS):
            kill_under_load(server, lambda stop: [Worker(server, role, n, truth, stop) for n in range(CLIENTS)], (1.5, 4))
            check(server, truth)
        assert truth, "the load did nothing"
    finally:
        server.close()
