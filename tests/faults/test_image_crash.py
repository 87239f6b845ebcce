"""kill -9 while functions are made of container images, moved from one image to another, and deleted. What was acknowledged is there
afterwards and runs; what was under way is there or not; and no blob outlives its last function."""

import json

import pytest
from crash import ROUNDS, Load, kill_under_load, until
from lambari import Lambari
from oci import Layout
from test_images import REGISTRY, base_of, client_binary, create  # noqa: F401  client_binary is a fixture

FUNCTIONS, IMAGES = 4, ("one", "two")


class Worker(Load):
    """Changes one function; `image` is what it was acknowledged to be, `maybe` what it may be too. None: there is none."""

    def __init__(self, server, name, role, image, stop):
        super().__init__(stop)
        self.client, self.name, self.role = server.client("lambda", max_pool_connections=1), name, role
        self.image = self.maybe = image

    def expects(self, code, status):
        return code == "ResourceConflictException"  # it is being settled

    def step(self):
        uri = self.random.choice(IMAGES)
        where = f"{REGISTRY}/app:{uri}"
        if self.image is None:
            self.maybe = uri
            self.client.create_function(FunctionName=self.name, PackageType="Image", Code={"ImageUri": where}, Role=self.role, Timeout=60)
        elif self.random.random() < 0.4:
            uri = self.maybe = None
            self.client.delete_function(FunctionName=self.name)
        else:
            self.maybe = uri
            try:
                self.client.update_function_code(FunctionName=self.name, ImageUri=where)
            except self.client.exceptions.ResourceConflictException:
                self.maybe = self.image
                return
        self.image = uri


def settled(client, name):
    now = client.get_function_configuration(FunctionName=name)
    assert now["State"] != "Failed" and now.get("LastUpdateStatus") != "Failed", now
    return now if now["State"] == "Active" and now["LastUpdateStatus"] == "Successful" else None


@pytest.mark.timeout(120 + 60 * ROUNDS)
def test_images_survive(client_binary):  # noqa: F811
    server = Lambari().start()
    try:
        layout, role = Layout(), server.role()
        digests = {tag: layout.add(tag, base_of(client_binary), Entrypoint=["client"], Env=[f"TAG={tag}", "PATH=/usr/bin"]) for tag in IMAGES}
        layout.write(server.data / "images/app")
        known = {f"f{n}": None for n in range(FUNCTIONS)}
        for _ in range(ROUNDS):
            workers = kill_under_load(server, lambda stop: [Worker(server, name, role, image, stop) for name, image in known.items()], (1, 3))
            client = server.client("lambda")
            for worker in workers:
                there = {f["FunctionName"]: f for f in client.list_functions()["Functions"]}.get(worker.name)
                tag = there and next(tag for tag in IMAGES if digests[tag].endswith(there["CodeSha256"]))
                assert tag in (worker.image, worker.maybe), (worker.name, tag, worker.image, worker.maybe)
                known[worker.name] = tag
                if not tag:
                    continue
                until(lambda: settled(client, worker.name))
                answer = client.invoke(FunctionName=worker.name)
                body = json.loads(answer["Payload"].read())
                assert "FunctionError" not in answer and body["variables"]["TAG"] == tag, body
        # An image that was copied and never named is forgotten with the next function that names it.
        for tag in IMAGES:
            create(server, f"last-{tag}", f"{REGISTRY}/app:{tag}")
        for function in client.list_functions()["Functions"]:
            client.delete_function(FunctionName=function["FunctionName"])
        until(lambda: not [path for path in (server.data / "blobs/lambda").rglob("*") if path.is_file()])
        until(lambda: [path.name for path in (server.data / "code").iterdir()] == [".boot"])
    finally:
        server.close()
