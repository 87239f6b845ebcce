"""Runs a Python function on AWS's own runtime interface client.

    python lambari_python.py zygote CONTROL FILTER   a warm interpreter; forks one process per execution environment
    python lambari_python.py run                     one function in this process; its environment says which

A fork starts with everything imported that most functions use. What the function brings itself in /var/task or in a layer
still wins over what was imported here, as it does on AWS.
"""

import os
import sys

RUNTIME = os.path.dirname(os.path.abspath(__file__))
PRELOADED = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six", "simplejson", "snapshot_restore_py")


def import_paths():
    """sys.path of a function: its code, its layers, the runtime, the standard library. No packages of the host."""
    version = "python%d.%d" % sys.version_info[:2]
    root = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
    paths = [root]
    for path in os.environ.get("LAMBARI_LAYERS", "/opt").split(":"):
        paths += ["%s/python/lib/%s/site-packages" % (path, version), "%s/python" % path]
    paths += [path for path in os.environ.get("PYTHONPATH", "").split(":") if path]
    paths.append(RUNTIME)
    standard = [path for path in sys.path if path != RUNTIME and "-packages" not in path and path]
    seen = set()
    return [path for path in paths + standard if not (path in seen or seen.add(path))]


def site_names():
    """exit(), quit(), help(): the interpreter runs without `site`, which would add the host's packages."""
    import site

    site.setquit()
    site.setcopyright()
    site.sethelper()


def preload():
    import runtime_client  # noqa: F401  the native half of the interface client

    import awslambdaric.bootstrap  # noqa: F401
    import awslambdaric.lambda_runtime_client  # noqa: F401

    # What call_rapid, botocore and ordinary functions import on first use.
    import asyncio  # noqa: F401
    import base64  # noqa: F401
    import concurrent.futures  # noqa: F401
    import csv  # noqa: F401
    import dataclasses  # noqa: F401
    import decimal  # noqa: F401
    import encodings.idna  # noqa: F401
    import hashlib  # noqa: F401
    import hmac  # noqa: F401
    import http.client  # noqa: F401
    import random  # noqa: F401
    import ssl  # noqa: F401
    import subprocess  # noqa: F401
    import tempfile  # noqa: F401
    import typing  # noqa: F401
    import urllib.request  # noqa: F401
    import uuid  # noqa: F401
    import zoneinfo  # noqa: F401

    import boto3  # noqa: F401
    import boto3.dynamodb.conditions  # noqa: F401
    import boto3.session  # noqa: F401
    import botocore.client  # noqa: F401
    import botocore.httpsession  # noqa: F401


def forget_shadowed():
    """Drops what was preloaded when the function brings its own of any of it: they belong together."""
    own = [path for path in sys.path[: sys.path.index(RUNTIME)] if os.path.isdir(path)]
    for folder in own:
        for name in PRELOADED:
            if os.path.exists("%s/%s" % (folder, name)) or os.path.exists("%s/%s.py" % (folder, name)):
                for module in list(sys.modules):
                    if module.split(".")[0] in PRELOADED:
                        del sys.modules[module]
                return


def rehearse():
    """Touches the memory that every start touches, while nobody waits: its pages are this process's own from then on."""
    import importlib
    import json
    import time

    sys.path[:] = import_paths()
    time.tzset()
    site_names()
    importlib.import_module("colorsys")  # any small module that nobody needs
    del sys.modules["colorsys"]
    json.dumps(json.loads('{"a": [1, 2.5, "x", null, true]}'))

    from awslambdaric import bootstrap
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient

    client = LambdaRuntimeClient("127.0.0.1:9001", False)
    bootstrap.create_lambda_context(None, None, 0, "", "", None)
    client.marshaller.marshal_response(client.marshaller.unmarshal_request(b"{}"))
    bootstrap.StandardLogSink()


def serve():
    """The rest of this process's life."""
    import time

    time.tzset()
    site_names()
    sys.path[:] = import_paths()
    sys.path_importer_cache.clear()
    forget_shadowed()
    from awslambdaric import bootstrap
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient

    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") or os.environ.get("AWS_LAMBDA_LOG_LEVEL"):
        import importlib

        importlib.reload(bootstrap)  # it reads them when it is imported

    sys.argv = ["/var/runtime/bootstrap.py", os.environ["_HANDLER"]]
    bootstrap.run(os.environ["_HANDLER"], patient(LambdaRuntimeClient)(os.environ["AWS_LAMBDA_RUNTIME_API"], False))


def patient(client):
    """Waits for work in a thread, so that signals arrive meanwhile, only where the function handles its end: newer runtimes do so
    always, and it costs each call 0.1 ms."""
    import signal
    from concurrent.futures import ThreadPoolExecutor

    class Client(client):
        def wait_next_invocation(self):
            self.use_thread_for_polling_next = callable(signal.getsignal(signal.SIGTERM))
            return super().wait_next_invocation()

    Client.ThreadPoolExecutor = ThreadPoolExecutor
    return Client


def zygote(control, filter_):
    import ctypes
    import gc

    library = ctypes.CDLL("/var/lambari/liblambari-slot.so")
    sys.path[:] = import_paths()
    preload()
    gc.collect()
    gc.freeze()
    if library.lambari_zygote_begin(control, filter_) != 0:
        sys.exit(3)
    while True:
        if library.lambari_zygote_wait() != 0:
            os._exit(0)
        try:
            pid = os.fork()
        except OSError as error:
            library.lambari_zygote_forked(-error.errno)
            continue
        if pid == 0:
            break
        library.lambari_zygote_forked(pid)

    # From here on this is the function's process.
    if library.lambari_slot_enter() != 0:
        os._exit(4)
    rehearse()
    buffer = ctypes.create_string_buffer(1 << 18)
    size = library.lambari_slot_wait(buffer, len(buffer))
    if size <= 0:
        os._exit(5)
    fields = buffer.raw[:size].split(b"\0")
    del buffer
    folder, rest = fields[0], fields[1:]
    environment = rest[rest.index(b"") + 1 :]
    os.environb.clear()
    for entry in environment[: environment.index(b"")]:
        name, _, value = entry.partition(b"=")
        os.environb[name] = value
    os.chdir(folder)
    for module in ("ctypes", "_ctypes", "ctypes._endian"):
        sys.modules.pop(module, None)
    random = sys.modules.get("random")
    if random:
        random.seed()


if __name__ == "__main__":
    # A function that imports __main__ must not find this file's names in the way; the driver runs as a module of its own.
    sys.path.insert(0, RUNTIME)
    if sys.argv[1] == "zygote":
        zygote(int(sys.argv[2]), int(sys.argv[3]))
    serve()
