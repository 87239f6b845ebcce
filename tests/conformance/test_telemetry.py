"""Extensions that live in the runtime itself hear of their function as others do, with every way of isolation.
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html"""

import json
import os

import pytest
from lambari import Lambari, free_port
from test_runtimes import call

PYTHON = """
import http.server, json, os, threading, urllib.request

api, port, events = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}", int(os.environ['PORT']), []

def call(method, path, body=None, **headers):
    with urllib.request.urlopen(urllib.request.Request(api + path, method=method, data=body and json.dumps(body).encode(), headers=headers)) as answer:
        return answer.headers, json.loads(answer.read() or 'null')

class Listener(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        events.extend(json.loads(self.rfile.read(int(self.headers['Content-Length']))))
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass

listener = http.server.ThreadingHTTPServer(('0.0.0.0', port), Listener)
threading.Thread(target=listener.serve_forever, daemon=True).start()
headers, _ = call('POST', '/2020-01-01/extension/register', {'events': ['INVOKE']}, **{'Lambda-Extension-Name': 'inside'})
identity = {'Lambda-Extension-Identifier': headers['Lambda-Extension-Identifier']}
call('PUT', '/2022-07-01/telemetry', {'schemaVersion': '2022-12-13', 'types': ['platform', 'function'], 'buffering': {'timeoutMs': 25},
     'destination': {'protocol': 'HTTP', 'URI': f'http://sandbox.localdomain:{port}'}}, **identity)

def wait():
    while True:
        call('GET', '/2020-01-01/extension/event/next', **identity)

threading.Thread(target=wait, daemon=True).start()

def handler(event, context):
    print('from the function')
    return {'id': context.aws_request_id, 'events': events}
"""

NODE = """
import { createServer } from 'node:net';
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}`, port = Number(process.env.PORT), events = [];
await new Promise(resolve => createServer(socket => {
  let text = '';
  socket.on('data', data => { text += data; });
  socket.on('end', () => events.push(...text.split('\\n').filter(line => line).map(line => JSON.parse(line))));
}).listen(port, '0.0.0.0', resolve));
const made = await fetch(`${api}/2020-01-01/extension/register`, { method: 'POST', body: JSON.stringify({ events: ['INVOKE'] }), headers: { 'Lambda-Extension-Name': 'inside' } });
const headers = { 'Lambda-Extension-Identifier': made.headers.get('lambda-extension-identifier') };
await fetch(`${api}/2022-07-01/telemetry`, { method: 'PUT', headers, body: JSON.stringify({ schemaVersion: '2022-12-13', types: ['platform', 'function'],
  buffering: { timeoutMs: 25 }, destination: { protocol: 'TCP', port } }) });
(async () => { for (;;) await (await fetch(`${api}/2020-01-01/extension/event/next`, { headers })).text(); })().catch(() => {});
export const handler = async (event, context) => {
  console.log('from the function');
  return { id: context.awsRequestId, events };
};
"""

USER = 1234


@pytest.fixture(scope="module", params=["root", "user", "process"])
def isolated(request):
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("this is run by an ordinary user")
    flags = ["--isolation=process"] if request.param == "process" else []
    server = Lambari(*flags, user=USER if request.param == "user" and os.geteuid() == 0 else None).start()
    yield server
    server.close()


@pytest.mark.parametrize("runtime,files,log_format", [("python3.11", {"app.py": PYTHON}, "Text"), ("nodejs22.x", {"app.mjs": NODE}, "JSON")])
def test_an_extension_inside_hears_of_its_function(isolated, name, runtime, files, log_format):
    isolated.function(name, files, runtime=runtime, Timeout=20, Environment={"Variables": {"PORT": str(free_port())}}, LoggingConfig={"LogFormat": log_format})
    asked, events = [], []
    for _ in range(200):
        answer, log = call(isolated, name)
        asked.append(answer["id"])
        events = answer["events"]
        if any(event["type"] == "platform.report" for event in events):
            break
    assert "from the function" in log
    records = {}
    for event in events:
        records.setdefault(event["type"], []).append(event["record"])
    assert records["platform.telemetrySubscription"][0] == {"name": "inside", "state": "Subscribed", "types": ["platform", "function"]}
    assert records["platform.extension"][0] == {"name": "inside", "state": "Ready", "events": ["INVOKE"]}
    assert records["platform.initStart"][0]["functionName"] == name and records["platform.initRuntimeDone"][0]["status"] == "success"
    if log_format == "Text":
        assert "from the function" in [line.strip() for line in records["function"]]
    else:
        line = next(line for line in records["function"] if line["message"] == "from the function")
        assert line["level"] == "INFO" and line["requestId"] == asked[0]
    for kind in ("platform.start", "platform.runtimeDone", "platform.report"):
        assert records[kind][0]["requestId"] == asked[0], kind
    metrics = records["platform.report"][0]["metrics"]
    assert metrics["memorySizeMB"] == 128 and metrics["billedDurationMs"] > 0 and metrics["initDurationMs"] > 0
    # In the order in which they happened.
    times = [event["time"] for event in events]
    assert times == sorted(times)
