"""What the crash tests share: clients that live through the death of the server, and the end of a server under load.

Rounds: LAMBARI_CRASH_ROUNDS (3 here; `make soak` runs 50), clients: LAMBARI_CRASH_CLIENTS (16; soak 64).
"""

import os
import random
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

ROUNDS = int(os.environ.get("LAMBARI_CRASH_ROUNDS", "3"))
CLIENTS = int(os.environ.get("LAMBARI_CRASH_CLIENTS", "16"))


def until(what, seconds=60, pause=0.05):
    """The first true answer of `what`."""
    deadline = time.monotonic() + seconds
    while not (result := what()):
        assert time.monotonic() < deadline, f"it did not happen in {seconds} s"
        time.sleep(pause)
    return result


class Load(threading.Thread):
    """Does step() until it is told to stop. The server may go: a step that it did not answer is cut off, and lost_server() says whether
    the next one follows. What goes `wrong` is kept for the test."""

    def __init__(self, stop):
        super().__init__(daemon=True)
        self.stop, self.wrong, self.random = stop, [], random.Random()

    def run(self):
        while not self.stop.is_set():
            try:
                self.step()
            except BotoCoreError:
                if not self.lost_server():
                    return
            except ClientError as error:
                if not self.expects(error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]):
                    self.wrong.append(str(error))
                    return
            except Exception as error:  # noqa: BLE001: the test shows it
                self.wrong.append(f"{type(error).__name__}: {error}")
                return

    def step(self):
        raise NotImplementedError

    def expects(self, code, status):
        """Faults that are right to come."""
        return False

    def lost_server(self):
        return False


class LastingLoad(Load):
    """Waits for the next life of the server, and goes on."""

    def lost_server(self):
        self.stop.wait(0.05)
        return True


def join(loads):
    for load in loads:
        load.join(timeout=60)
        assert not load.is_alive(), "a client hangs"
        assert not load.wrong, load.wrong[:3]


def kill_under_load(server, make, seconds):
    """Starts the loads that `make(stop)` gives, kills the server after some of `seconds` (from, to), starts it again. The loads, ended."""
    stop = threading.Event()
    loads = make(stop)
    for load in loads:
        load.start()
    time.sleep(random.uniform(*seconds))
    server.kill()
    stop.set()
    join(loads)
    server.start()
    return loads


def drain(server, url, wanted, seconds=60, of=lambda body: body, meanwhile=lambda: None):
    """Takes messages out of a queue until all of `wanted` came; what `of` says of each body, in order of coming."""
    sqs, found, missing = server.client("sqs"), [], set(wanted)
    deadline = time.monotonic() + seconds
    while missing and time.monotonic() < deadline:
        meanwhile()
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        found += [of(message["Body"]) for message in got]
        missing.difference_update(found[len(found) - len(got):])
        if got:
            sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(got)])
    assert not missing, f"{len(missing)} of {len(wanted)} did not come to {url}: {sorted(missing)[:3]}"
    return found
