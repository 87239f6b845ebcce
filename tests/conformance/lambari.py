"""Starts the program under test and gives real clients for it."""

import io
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import zipfile

import boto3
import botocore.config
import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("LAMBARI_PROGRAM", ROOT / "build/lambari"))
ACCOUNT, REGION = "000000000000", "us-east-1"
TRUST_LAMBDA = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def zip_of(files):
    """A zip archive of {name: text or bytes}."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.external_attr = (0o755 if name.endswith(("bootstrap", ".sh")) else 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def require_user_namespaces(user):
    """Skips, by name, what an ordinary user cannot do here: the kernel gives nobody but root a user namespace inside a chroot."""
    if subprocess.run(["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "unshare", "--user", "true"], capture_output=True).returncode:
        pytest.skip(f"user {user} gets no user namespace here: this is a chroot, or they are turned off")


class Lambari:
    """One server on a port and data directory of its own."""

    def __init__(self, *flags, data=None, user=None, variables=None, setup="true"):
        self.flags = list(flags)
        self.user = user  # a number; started by root, the server then runs as that user
        self.setup = setup  # shell commands of root's, in a mount namespace that is the server's own
        self.variables = variables or {}
        self._temporary = None if data else tempfile.TemporaryDirectory(prefix="lambari-test-")
        self.data = pathlib.Path(data or self._temporary.name)
        self.port = free_port()
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.log = open(self.data / "server.log", "ab")
        command = [PROGRAM, "start", "--port", str(self.port), "--data", str(self.data), *self.flags]
        if self.user is not None:
            require_user_namespaces(self.user)
            os.chown(self.data, self.user, self.user)
            command = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *command]
        if self.setup != "true":
            command = ["unshare", "-m", "sh", "-ec", self.setup + '; exec "$@"', "sh", *command]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=self.environment() | self.variables)
        deadline = time.monotonic() + 20
        while True:
            try:
                if requests.get(f"{self.url}/_lambari/health", timeout=2).status_code == 200:
                    return self
            except requests.ConnectionError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("lambari did not start:\n" + self.log_text()[-4000:])
            time.sleep(0.02)

    def log_text(self):
        return (self.data / "server.log").read_text(errors="replace")

    def kill(self):
        """kill -9: nothing gets a chance to be written."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        self.log.close()
        return code

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        if self._temporary:
            self._temporary.cleanup()

    def environment(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBARI_"))}
        return environment | {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION,
                              "AWS_ENDPOINT_URL": self.url, "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true"}

    def client(self, service, key="test", secret="test", token=None, region=REGION, **config):
        config = {"retries": {"max_attempts": 0}, "read_timeout": 60, **config}
        return boto3.client(service, endpoint_url=self.url, region_name=region, aws_access_key_id=key, aws_secret_access_key=secret,
                            aws_session_token=token, config=botocore.config.Config(**config))

    def aws(self, *arguments, program=None, check=True):
        """The unmodified AWS CLI; gives its parsed JSON output."""
        program = program or ROOT / ".cache/venv/bin/aws"
        done = subprocess.run([program, "--endpoint-url", self.url, "--output", "json", *map(str, arguments)], env=self.environment(),
                              capture_output=True, text=True, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"aws {' '.join(map(str, arguments))}: {done.stderr}")
        if not check:
            return done
        return json.loads(done.stdout) if done.stdout.strip() else None

    def cli(self, *arguments, input=None):
        """lambari's own command line."""
        return subprocess.run([PROGRAM, *arguments], env=self.environment() | {"LAMBARI_DATA": str(self.data), "LAMBARI_PORT": str(self.port)},
                              capture_output=True, text=True, timeout=60, input=input)

    def api(self, api_id, path="/", method="GET", stage=None, by_path=False, **options):
        """A call to a deployed API, by host or by path."""
        stage_part = f"/{stage}" if stage else ""
        if by_path:
            return requests.request(method, f"{self.url}/_aws/execute-api/{api_id}{stage_part or '/$default'}{path}", timeout=60, **options)
        headers = {"Host": f"{api_id}.execute-api.localhost:{self.port}", **options.pop("headers", {})}
        return requests.request(method, f"{self.url}{stage_part}{path}", headers=headers, timeout=60, **options)

    def role(self, name="lambda-role", policy="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"):
        iam = self.client("iam")
        try:
            arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_LAMBDA)["Role"]["Arn"]
            if policy:
                iam.attach_role_policy(RoleName=name, PolicyArn=policy)
            return arn
        except iam.exceptions.EntityAlreadyExistsException:
            return iam.get_role(RoleName=name)["Role"]["Arn"]

    def function(self, name, files, handler="app.handler", runtime="python3.11", **options):
        """Creates a function and waits until it is active."""
        client = self.client("lambda")
        created = client.create_function(FunctionName=name, Runtime=runtime, Handler=handler, Role=options.pop("Role", None) or self.role(),
                                         Code={"ZipFile": zip_of(files)}, **options)
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        return created
