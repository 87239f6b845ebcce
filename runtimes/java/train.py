"""Stands in for the Runtime API while a runtime is started once: gives two invocations, then ends the runtime by silence.

train.py COMMAND...   runs COMMAND with AWS_LAMBDA_RUNTIME_API set
"""

import http.server
import os
import subprocess
import sys
import threading

EVENT = b'{"key": "value", "list": [1, 2.5, true, null], "inner": {"a": "b"}}'


class RuntimeApi(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    left = 2

    def do_GET(self):
        if RuntimeApi.left == 0:
            self.close_connection = True
            return
        RuntimeApi.left -= 1
        self.answer(200, EVENT, {"Lambda-Runtime-Aws-Request-Id": "00000000-0000-0000-0000-000000000000",
                                 "Lambda-Runtime-Deadline-Ms": "99999999999999", "Content-Type": "application/json",
                                 "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:training"})

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(202, b"{}", {})

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RuntimeApi)
threading.Thread(target=server.serve_forever, daemon=True).start()
subprocess.run(sys.argv[1:], env=os.environ | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}"}, timeout=120)
sys.exit(0 if RuntimeApi.left == 0 else 1)
