"""The certificate authority through crashes: whatever moment a start is killed at, the next one has an authority that is whole, and one that
was once shown stays what it was."""

import random
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from lambari import PROGRAM, Lambari, free_port


def certificate(server):
    context = ssl.create_default_context(cafile=server.data / "tls/ca.pem")
    with socket.create_connection(("127.0.0.1", server.port)) as raw, context.wrap_socket(raw, server_hostname="sqs.us-east-1.amazonaws.com") as tls:
        return tls.getpeercert()


def test_a_first_start_that_is_killed():
    for round in range(8):
        with tempfile.TemporaryDirectory(prefix="lambari-test-") as data:
            server = Lambari(data=data)
            with open(server.data / "killed.log", "wb") as log:
                process = subprocess.Popen([PROGRAM, "start", "--port", str(free_port()), "--data", data], stdout=log, stderr=log, env=server.environment())
                time.sleep(random.random() * 0.15)
                process.send_signal(signal.SIGKILL)
                process.wait()
            left = {path.name: path.read_bytes() for path in (server.data / "tls").glob("ca*.pem")}
            server.start()
            try:
                assert certificate(server)["subjectAltName"] == (("DNS", "sqs.us-east-1.amazonaws.com"),)
                for name, content in left.items():
                    assert (server.data / "tls" / name).read_bytes() == content, f"{name} was there, and was changed"
                assert (server.data / "tls/ca-key.pem").stat().st_mode & 0o777 == 0o600
            finally:
                server.close()
