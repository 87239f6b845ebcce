"""kill -9 while functions are configured: URLs, provisioned concurrency, recursion; and the totals of what was used."""

import json
import os
import pathlib
import random
import signal
import threading
import time

import pytest
from botocore.exceptions import ClientError
from crash import Load, join
from lambari import Lambari, zip_of

FUNCTIONS, ROUNDS = 4, 3


class Worker(Load):
    """Changes the settings of one function; `settings` has what was acknowledged, `maybe` what was under way."""

    def __init__(self, server, name, stop):
        super().__init__(stop)
        self.client, self.name = server.client("lambda", max_pool_connections=1), name
        self.settings, self.maybe = {}, {}

    def expects(self, code, status):
        return status == 429

    def change(self, what, value, call):
        self.maybe = {what: value}
        answer = call()
        self.settings[what] = value if not callable(value) else value(answer)
        self.maybe = {}

    def step(self):
        client, name, rng = self.client, self.name, self.random
        choice = rng.randrange(4)
        if choice == 0:
            loop = rng.choice(["Allow", "Terminate"])
            self.change("loop", loop, lambda: client.put_function_recursion_config(FunctionName=name, RecursiveLoop=loop))
        elif choice == 1 and self.settings.get("url"):
            self.change("url", None, lambda: client.delete_function_url_config(FunctionName=name))
        elif choice == 1:
            self.change("url", lambda answer: answer["FunctionUrl"], lambda: client.create_function_url_config(FunctionName=name, AuthType="NONE"))
        elif choice == 2:
            count = rng.randrange(1, 3)
            self.change("provisioned", count, lambda: client.put_provisioned_concurrency_config(
                FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=count))
        else:
            self.change("provisioned", None, lambda: client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1"))


def found(client, name):
    def unless_missing(call, of):
        try:
            return of(call())
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404, error
            return None
    return {
        "loop": client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"],
        "url": unless_missing(lambda: client.get_function_url_config(FunctionName=name), lambda a: a["FunctionUrl"].split(".")[0]),
        "provisioned": unless_missing(lambda: client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="1"),
                                      lambda a: a["RequestedProvisionedConcurrentExecutions"]),
    }


@pytest.mark.timeout(300)
def test_settings_survive():
    server = Lambari().start()
    try:
        client, role = server.client("lambda"), server.role()
        names = [f"f{n}" for n in range(FUNCTIONS)]
        for name in names:
            client.create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=role,
                                   Code={"ZipFile": zip_of({"app.py": "def handler(e, c):\n    return 1\n"})}, Publish=True)
            client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
        known = {name: {"loop": "Terminate", "url": None, "provisioned": None} for name in names}
        for _ in range(ROUNDS):
            stop = threading.Event()
            workers = [Worker(server, name, stop) for name in names]
            for worker in workers:
                worker.settings = {**known[worker.name], "url": known[worker.name]["url"]}
                worker.start()
            client.invoke(FunctionName=names[0])
            time.sleep(random.uniform(1.5, 3))
            before = {(line["usage"], line["resource"]): line["amount"] for line in json.loads(server.cli("cost", "--json").stdout)["usage"]}
            time.sleep(1.5)
            server.kill()
            stop.set()
            join(workers)
            server.start()
            client = server.client("lambda")
            for worker in workers:
                now = found(client, worker.name)
                for what, value in now.items():
                    kept = worker.settings[what]
                    kept = kept.split(".")[0] if what == "url" and kept else kept
                    if what in worker.maybe:
                        assert callable(worker.maybe[what]) or value in (kept, worker.maybe[what]), (what, value, kept, worker.maybe)
                    else:
                        assert value == kept, (worker.name, what, value, kept)
                known[worker.name] = now
            after = {(line["usage"], line["resource"]): line["amount"] for line in json.loads(server.cli("cost", "--json").stdout)["usage"]}
            for key, amount in before.items():
                assert after.get(key, 0) >= amount, (key, amount, after.get(key))
            # What the rows say is what there is.
            usage = client.get_account_settings()["AccountUsage"]
            assert usage["FunctionCount"] == FUNCTIONS
            assert usage["TotalCodeSize"] == sum(v["CodeSize"] for name in names for v in client.list_versions_by_function(FunctionName=name)["Versions"])
    finally:
        server.close()


def test_a_start_clears_away_what_a_killed_helper_left_frozen():
    """Between invocations an environment is frozen, and what is frozen does not die of a signal."""
    server = Lambari().start()
    try:
        client = server.client("lambda")
        for n in range(3):
            server.function(f"f{n}", {"app.py": "def handler(event, context):\n    return 1\n"})
            client.invoke(FunctionName=f"f{n}")
        children = pathlib.Path(f"/proc/{server.process.pid}/task").glob("*/children")
        helpers = [int(pid) for path in children for pid in path.read_text().split()]
        # Groups of other servers come and go meanwhile, which os.walk does not mind.
        groups = [pathlib.Path(folder) / f"lambari-{pid}" for folder, names, _ in os.walk("/sys/fs/cgroup") for pid in helpers if f"lambari-{pid}" in names]
        if not groups:
            pytest.skip("no control group is named by the helper here")
        for pid in helpers:
            os.kill(pid, signal.SIGKILL)
        server.kill()
        server.start()
        assert not [str(path) for path in groups if path.exists()]
        assert json.loads(server.client("lambda").invoke(FunctionName="f1")["Payload"].read()) == 1
    finally:
        server.close()
