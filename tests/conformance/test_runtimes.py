"""The examples of AWS's own documentation, unchanged, on every runtime."""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest
from botocore.exceptions import ClientError
from lambari import ROOT, zip_of

PACKS = ROOT / ".cache/runtimes"
BUILT = ROOT / ".cache/samples"


def call(server, name, payload=None):
    answer = server.client("lambda").invoke(FunctionName=name, Payload=json.dumps(payload if payload is not None else {}), LogType="Tail")
    body = answer["Payload"].read()
    log = base64.b64decode(answer["LogResult"]).decode()
    assert "FunctionError" not in answer, (body, log)
    return json.loads(body or "null"), log


def built(name, sources, command, result):
    """The bytes of `result` after `command` in a folder of `sources`; made once for the same sources."""
    folder = BUILT / f"{name}-{hashlib.sha256(json.dumps([sources, command]).encode()).hexdigest()[:16]}"
    done = folder / result
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        for path, text in sources.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAMBARI_"))}
        ran = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=540, env=environment)
        if ran.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            raise AssertionError(f"{command}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    return done.read_bytes()


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not on this host")


# -- Python: https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html

def test_python(server, name):
    server.function(name, {"lambda_function.py": """
def lambda_handler(event, context):
    message = 'Hello {} {}!'.format(event['first_name'], event['last_name'])
    return {
        'message' : message
    }
"""}, handler="lambda_function.lambda_handler", runtime="python3.13")
    assert call(server, name, {"first_name": "John", "last_name": "Smith"})[0] == {"message": "Hello John Smith!"}


def test_python_that_does_not_start(server, name):
    """A start that fails is tried again within the invocation, and both times show in the log."""
    server.function(name, {"app.py": "import no_such_module\n"})
    answer = server.client("lambda").invoke(FunctionName=name, LogType="Tail")
    error, log = json.loads(answer["Payload"].read()), base64.b64decode(answer["LogResult"]).decode()
    assert error["errorType"] == "Runtime.ImportModuleError" and "No module named 'no_such_module'" in error["errorMessage"]
    assert log.count("Runtime.ImportModuleError: Unable to import module") == 2
    assert "Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError" in log and "Phase: invoke\tStatus: error" in log
    report = log[log.index("\nREPORT "):]
    assert "Init Duration" not in report and "Status: error\tError Type: Runtime.ImportModuleError" in report

    server.function(name + "-h", {"app.py": "x = 1\n"})
    error = json.loads(server.client("lambda").invoke(FunctionName=name + "-h")["Payload"].read())
    assert error["errorType"] == "Runtime.HandlerNotFound" and "Handler 'handler' missing on module 'app'" in error["errorMessage"]

    server.function(name + "-x", {"app.py": "import os\nos._exit(5)\n"})
    error = json.loads(server.client("lambda").invoke(FunctionName=name + "-x")["Payload"].read())
    assert error["errorType"] == "Runtime.ExitError" and "Runtime exited with error: exit status 5" in error["errorMessage"]


# -- Node.js: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html

NODE_BODY = """
  const length = event.length;
  const width = event.width;
  let area = calculateArea(length, width);
  console.log(`The area is ${area}`);

  console.log('CloudWatch log group: ', context.logGroupName);

  let data = {
    "area": area,
  };
    return JSON.stringify(data);

  function calculateArea(length, width) {
    return length * width;
  }
};
"""


@pytest.mark.parametrize("runtime", ["nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x"])
def test_node(server, name, runtime):
    server.function(name, {"index.mjs": "export const handler = async (event, context) => {" + NODE_BODY}, handler="index.handler", runtime=runtime)
    answer, log = call(server, name, {"length": 6, "width": 7})
    assert json.loads(answer) == {"area": 42} and "The area is 42" in log and f"CloudWatch log group:  /aws/lambda/{name}" in log
    server.function(name + "-c", {"index.js": "exports.handler = async (event, context) => {" + NODE_BODY}, handler="index.handler", runtime=runtime)
    assert json.loads(call(server, name + "-c", {"length": 2, "width": 3})[0]) == {"area": 6}


def test_node_with_callbacks(server, name):
    """Handlers with a callback end with Node.js 24: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html"""
    code = """
exports.handler = (event, context, callback) => {
    if (event.reject) Promise.reject(new Error('nobody waits'));
    else setTimeout(() => event.fail ? callback(new Error('told')) : callback(null, process.version), 10);
};
"""
    for number in (20, 22):
        function = f"{name}-{number}"
        server.function(function, {"index.js": code}, handler="index.handler", runtime=f"nodejs{number}.x")
        assert call(server, function, {})[0].startswith(f"v{number}.")
        client = server.client("lambda")
        failed = client.invoke(FunctionName=function, Payload='{"fail":true}')
        assert failed["FunctionError"] == "Unhandled" and json.loads(failed["Payload"].read())["errorMessage"] == "told"
        failed = client.invoke(FunctionName=function, Payload='{"reject":true}')
        assert json.loads(failed["Payload"].read())["errorType"] == "Runtime.UnhandledPromiseRejection"
        assert call(server, function, {})[0].startswith(f"v{number}."), "the process that has failed so ends"
    server.function(name, {"index.js": code}, handler="index.handler", runtime="nodejs24.x")
    refused = json.loads(server.client("lambda").invoke(FunctionName=name)["Payload"].read())
    assert refused["errorType"] == "Runtime.CallbackHandlerDeprecated" and "removed support for callback" in refused["errorMessage"]
    server.function(name + "-v", {"index.js": "exports.handler = async () => process.version;"}, handler="index.handler", runtime="nodejs24.x")
    assert call(server, name + "-v", {})[0].startswith("v24.")


# -- Java: https://docs.aws.amazon.com/lambda/latest/dg/java-handler.html

JAVA_RECORD = """package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.RequestHandler;

// Handler value: example.HandlerIntegerJava17
public class HandlerIntegerJava17 implements RequestHandler<IntegerRecord, Integer>{

  @Override
  /*
   * Takes in an InputRecord, which contains two integers and a String.
   * Logs the String, then returns the sum of the two Integers.
   */
  public Integer handleRequest(IntegerRecord event, Context context)
  {
    LambdaLogger logger = context.getLogger();
    logger.log("String found: " + event.message());
    return event.x() + event.y();
  }
}

record IntegerRecord(int x, int y, String message) {
}
"""
JAVA_MAP = """package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.Map;

public class Handler implements RequestHandler<Map<String,String>, String>{
  @Override
  public String handleRequest(Map<String,String> event, Context context)
  {
    LambdaLogger logger = context.getLogger();
    String response = new String("200 OK");
    logger.log("EVENT TYPE: " + event.getClass().toString());
    return response;
  }
}
"""
JAVA_STREAM = """package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.*;
import java.nio.charset.Charset;

public class HandlerStream implements RequestStreamHandler {
  public void handleRequest(InputStream inputStream, OutputStream outputStream, Context context) throws IOException {
    int letter;
    while ((letter = inputStream.read()) != -1) outputStream.write(Character.toUpperCase(letter));
  }
}
"""


@needs("javac")
def test_java(server, name):
    core = PACKS / "java17/runtime/lib/aws-lambda-java-core.jar"
    sources = {"example/HandlerIntegerJava17.java": JAVA_RECORD, "example/Handler.java": JAVA_MAP, "example/HandlerStream.java": JAVA_STREAM}
    package = built("java", sources, f"javac --release 17 -cp {core} -d classes example/*.java && cd classes && zip -qr ../function.zip .", "function.zip")
    client = server.client("lambda")
    handlers = {"i": "example.HandlerIntegerJava17", "m": "example.Handler::handleRequest", "s": "example.HandlerStream"}
    for key, handler in handlers.items():
        client.create_function(FunctionName=f"{name}-{key}", Runtime="java17", Handler=handler, Role=server.role(), MemorySize=512, Timeout=15,
                               Code={"ZipFile": package})
    waiter = client.get_waiter("function_active_v2")
    for key in handlers:
        waiter.wait(FunctionName=f"{name}-{key}", WaiterConfig={"Delay": 1})
    answer, log = call(server, f"{name}-i", {"x": 1, "y": 20, "message": "Hello World!"})
    assert answer == 21 and "String found: Hello World!" in log and "Max Memory Used" in log
    answer, log = call(server, f"{name}-m", {"a": "b"})
    assert answer == "200 OK" and "EVENT TYPE: class java.util.LinkedHashMap" in log
    assert call(server, f"{name}-s", {"a": "b"})[0] == {"A": "B"}
    failed = client.invoke(FunctionName=f"{name}-m", Payload="null", LogType="Tail")
    assert json.loads(failed["Payload"].read())["errorType"] == "java.lang.NullPointerException"
    log = base64.b64decode(failed["LogResult"]).decode()
    assert "java.lang.NullPointerException" in log and "at example.Handler.handleRequest" in log, "it is told after the answer, in this invocation"
    # Dependencies travel as jars in lib/, as the documentation has it.
    nested = built("java-lib", sources, f"javac --release 17 -cp {core} -d classes example/*.java && mkdir lib && cd classes && zip -qr ../lib/all.jar . "
                   "&& cd .. && zip -qr function.zip lib", "function.zip")
    client.update_function_code(FunctionName=f"{name}-i", ZipFile=nested)
    client.get_waiter("function_updated_v2").wait(FunctionName=f"{name}-i", WaiterConfig={"Delay": 1})
    assert call(server, f"{name}-i", {"x": 2, "y": 2, "message": "again"})[0] == 4


# -- Go: https://docs.aws.amazon.com/lambda/latest/dg/golang-handler.html (needs the Go module proxy the first time)

GO = """package main

import (
	"context"
	"fmt"
	"github.com/aws/aws-lambda-go/lambda"
)

type MyEvent struct {
	Name string `json:"name"`
}

func HandleRequest(ctx context.Context, event *MyEvent) (*string, error) {
	if event == nil {
		return nil, fmt.Errorf("received nil event")
	}
	message := fmt.Sprintf("Hello %s!", event.Name)
	return &message, nil
}

func main() {
	lambda.Start(HandleRequest)
}
"""


@needs("go")
def test_go(server, name):
    module = "module example\n\ngo 1.19\n\nrequire github.com/aws/aws-lambda-go v1.47.0\n"
    package = built("go", {"main.go": GO, "go.mod": module}, "go mod tidy && GOOS=linux GOARCH=amd64 CGO_ENABLED=0 go build -tags lambda.norpc -o bootstrap . && "
                    "zip -q function.zip bootstrap", "function.zip")
    deploy(server, name, package)
    assert call(server, name, {"name": "Jane"})[0] == "Hello Jane!"
    assert json.loads(server.client("lambda").invoke(FunctionName=name, Payload="null")["Payload"].read())["errorMessage"] == "received nil event"


# -- Rust: https://docs.aws.amazon.com/lambda/latest/dg/rust-handler.html (needs crates.io the first time)

RUST = """use lambda_runtime::{service_fn, Error, LambdaEvent};
use serde_json::{json, Value};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(handler)).await
}

async fn handler(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let payload = event.payload;
    let first_name = payload["firstName"].as_str().unwrap_or("world");
    Ok(json!({ "message": format!("Hello, {first_name}!") }))
}
"""


@needs("cargo")
@pytest.mark.timeout(600)
def test_rust(server, name):
    manifest = ('[package]\nname = "bootstrap"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nlambda_runtime = "0.13"\nserde_json = "1"\n'
                'tokio = { version = "1", features = ["macros"] }\n\n[profile.release]\nopt-level = 1\ncodegen-units = 16\n')
    package = built("rust", {"src/main.rs": RUST, "Cargo.toml": manifest}, "cargo build --release --quiet && zip -qj function.zip target/release/bootstrap && "
                    "rm -rf target", "function.zip")
    deploy(server, name, package)
    assert call(server, name, {"firstName": "Ferris"})[0] == {"message": "Hello, Ferris!"}


def deploy(server, name, package, **options):
    client = server.client("lambda")
    client.create_function(**{"FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": server.role(), "Timeout": 10,
                              "Code": {"ZipFile": package}, **options})
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})


# -- bash: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-walkthrough.html

BOOTSTRAP = """#!/bin/sh

set -euo pipefail

# Initialization - load function handler
source $LAMBDA_TASK_ROOT/"$(echo $_HANDLER | cut -d. -f1).sh"

# Processing
while true
do
  HEADERS="$(mktemp)"
  # Get an event. The HTTP request will block until one is received
  EVENT_DATA=$(curl -sS -LD "$HEADERS" "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/next")

  # Extract request ID by scraping response headers received above
  REQUEST_ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)

  # Run the handler function from the script
  RESPONSE=$($(echo "$_HANDLER" | cut -d. -f2) "$EVENT_DATA")

  # Send the response
  curl "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$REQUEST_ID/response"  -d "$RESPONSE"
done
"""
FUNCTION_SH = """function handler () {
  EVENT_DATA=$1
  echo "$EVENT_DATA" 1>&2;
  RESPONSE="Echoing request: '$EVENT_DATA'"

  echo $RESPONSE
}
"""


def test_bash(server, name):
    deploy(server, name, zip_of({"bootstrap": BOOTSTRAP, "function.sh": FUNCTION_SH}), Handler="function.handler")
    answer = server.client("lambda").invoke(FunctionName=name, Payload='{"text":"Hello"}')
    assert answer["Payload"].read().decode() == "Echoing request: '{\"text\":\"Hello\"}'"


# -- extensions and wrappers: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html

EXTENSION = """#!/usr/bin/python3
import http.server, json, os, pathlib, sys, threading, urllib.request
name = pathlib.Path(__file__).name
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}"

def call(method, path, body=None, **headers):
    with urllib.request.urlopen(urllib.request.Request(api + path, method=method, data=body, headers=headers)) as answer:
        return answer.headers, json.loads(answer.read() or 'null')

headers, function = call('POST', '/2020-01-01/extension/register', json.dumps({'events': ['INVOKE', 'SHUTDOWN']}).encode(), **{'Lambda-Extension-Name': name})
identity = {'Lambda-Extension-Identifier': headers['Lambda-Extension-Identifier']}
print(f"[{name}] registered for {function['functionName']}", flush=True)

class Listener(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        for event in json.loads(self.rfile.read(int(self.headers['Content-Length']))):
            if event['type'] in ('function', 'platform.report'):
                print(f"[{name}] telemetry {event['type']} {json.dumps(event['record'])}", flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass

listener = http.server.ThreadingHTTPServer(('0.0.0.0', 4243), Listener)
threading.Thread(target=listener.serve_forever, daemon=True).start()
call('PUT', '/2022-07-01/telemetry', json.dumps({'schemaVersion': '2022-12-13', 'types': ['platform', 'function'], 'buffering': {'timeoutMs': 25},
     'destination': {'protocol': 'HTTP', 'URI': 'http://sandbox.localdomain:4243'}}).encode(), **identity)
while True:
    event = call('GET', '/2020-01-01/extension/event/next', **identity)[1]
    print(f"[{name}] {event['eventType']} {event.get('requestId')}", flush=True)
    if event['eventType'] == 'SHUTDOWN':
        sys.exit(0)
"""


def layer_of(server, name, files):
    return server.client("lambda").publish_layer_version(LayerName=name, Content={"ZipFile": executable_zip(files)})["LayerVersionArn"]


def executable_zip(files):
    import io
    import zipfile
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            info = zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0))
            info.external_attr = 0o755 << 16
            archive.writestr(info, text)
    return buffer.getvalue()


@pytest.mark.parametrize("runtime,files,handler", [
    ("python3.11", {"app.py": "def handler(event, context):\n    print('from the function')\n    return 'done'\n"}, "app.handler"),
    ("nodejs22.x", {"app.mjs": "export const handler = async () => { console.log('from the function'); return 'done'; };"}, "app.handler")])
def test_an_extension_in_a_layer(server, name, runtime, files, handler):
    layer = layer_of(server, name, {"extensions/watcher": EXTENSION})
    server.function(name, files, handler=handler, runtime=runtime, Layers=[layer], Timeout=10)
    seen = ""
    for _ in range(20):
        answer, log = call(server, name)
        assert answer == "done" and "from the function" in log and "[watcher] INVOKE" in log
        seen += log
        if "[watcher] telemetry platform.report" in seen:
            break
        time.sleep(0.1)
    assert f"[watcher] registered for {name}" in seen
    assert '[watcher] telemetry function "' in seen and "from the function" in seen.split("telemetry function", 1)[1]
    assert "[watcher] telemetry platform.report" in seen and "durationMs" in seen
    whole = [event["message"] for event in server.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
    assert "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n" in whole
    assert "TELEMETRY\tName: watcher\tState: Subscribed\tTypes: [Platform, Function]\n" in whole


def test_the_answer_does_not_wait_for_extensions(server, name):
    """The caller has it although the extension is at work until the time of the invocation is over."""
    busy = EXTENSION.replace("    if event['eventType'] == 'SHUTDOWN':", "    if event['eventType'] == 'INVOKE':\n        import time; time.sleep(600)\n"
                             "    if event['eventType'] == 'SHUTDOWN':")
    assert busy != EXTENSION
    layer = layer_of(server, name, {"extensions/busy": busy})
    server.function(name, {"app.py": "def handler(event, context):\n    return 'done'\n"}, Layers=[layer], Timeout=10)
    answer = server.client("lambda").invoke(FunctionName=name)
    assert "FunctionError" not in answer and json.loads(answer["Payload"].read()) == "done"
    logs = server.client("logs")
    for _ in range(300):
        lines = [event["message"] for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
        if any("Task timed out after 10.00 seconds" in line for line in lines):
            break
        time.sleep(0.1)
    assert any("Task timed out after 10.00 seconds" in line for line in lines) and any("Status: timeout" in line for line in lines), lines


# https://github.com/aws-samples/graceful-shutdown-with-aws-lambda: a runtime that is an extension too is told of its end.
GRACEFUL = {
    "python3.11": ("app.handler", {"app.py": """
import json, os, signal, sys, threading, urllib.request
def leave(number, frame):
    print('[runtime] SIGTERM received', flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2020-01-01/extension"
made = urllib.request.urlopen(urllib.request.Request(f"{api}/register", method='POST', data=json.dumps({'events': []}).encode(),
                                                     headers={'Lambda-Extension-Name': 'mine'}))
mine = {'Lambda-Extension-Identifier': made.headers['Lambda-Extension-Identifier']}
threading.Thread(target=lambda: urllib.request.urlopen(urllib.request.Request(f"{api}/event/next", headers=mine)), daemon=True).start()
def handler(event, context): return 'done'
"""}),
    "nodejs22.x": ("app.handler", {"app.mjs": """
process.on('SIGTERM', () => { console.log('[runtime] SIGTERM received'); process.exit(0); });
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2020-01-01/extension`;
const made = await fetch(`${api}/register`, { method: 'POST', body: JSON.stringify({ events: [] }), headers: { 'Lambda-Extension-Name': 'mine' } });
fetch(`${api}/event/next`, { headers: { 'Lambda-Extension-Identifier': made.headers.get('lambda-extension-identifier') } }).catch(() => {});
export const handler = async () => 'done';
"""}),
}


@pytest.mark.parametrize("runtime", GRACEFUL)
def test_a_runtime_with_an_extension_inside_is_told_of_its_end(server, name, runtime):
    handler, files = GRACEFUL[runtime]
    server.function(name, files, handler=handler, runtime=runtime, Timeout=20)
    assert call(server, name)[0] == "done"
    server.client("lambda").update_function_configuration(FunctionName=name, Description="another generation")
    logs = server.client("logs")
    for _ in range(200):
        lines = [event["message"] for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
        if any("SIGTERM received" in line for line in lines):
            return
        time.sleep(0.1)
    raise AssertionError(lines)


def test_an_extension_that_dies(server, name):
    layer = layer_of(server, name, {"extensions/broken": "#!/bin/sh\nexit 3\n"})
    server.function(name, {"app.py": "def handler(event, context): return 1\n"}, Layers=[layer], Timeout=5)
    answer = server.client("lambda").invoke(FunctionName=name)
    error = json.loads(answer["Payload"].read())
    assert answer["FunctionError"] == "Unhandled" and error["errorType"] == "Extension.Crash" and "exit status 3" in error["errorMessage"]


def test_a_wrapper_script(server, name):
    """https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html"""
    layer = layer_of(server, name, {"importtime_wrapper": "#!/bin/bash\n\n# the path to the interpreter and all of the originally intended arguments\n"
                                    "args=(\"$@\")\n\n# the extra options to pass to the interpreter\nextra_args=(\"-X\" \"importtime\")\n\n"
                                    "# insert the extra options\nargs=(\"${args[@]:0:$#-1}\" \"${extra_args[@]}\" \"${args[@]: -1}\")\n\n"
                                    "# start the runtime with the extra options\nexport WRAPPED=1\nexec \"${args[@]:0:1}\" \"${extra_args[@]}\" \"${args[@]:1:$#-1}\" run\n",
                                    "bin/tool": "#!/bin/sh\necho from the layer\n"})
    server.function(name, {"app.py": "import os, subprocess\ndef handler(event, context):\n"
                           "    return [os.environ.get('WRAPPED'), subprocess.run('tool', capture_output=True, text=True).stdout]\n"},
                    Layers=[layer], Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/importtime_wrapper"}}, Timeout=10)
    assert call(server, name)[0] == ["1", "from the layer\n"]


@pytest.mark.parametrize("content,mode,words", [
    ("#!/bin/sh\n", 0o644, "fork/exec /var/task/bootstrap: permission denied"),
    ("#!/bin/sh\r\necho\r\n", 0o755, "fork/exec /var/task/bootstrap: no such file or directory"),
    ("\x7fELF of another machine", 0o755, "fork/exec /var/task/bootstrap: exec format error"),
])
def test_a_bootstrap_that_cannot_be_started(server, name, content, mode, words):
    import io
    import zipfile
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("bootstrap")
        info.external_attr = mode << 16
        archive.writestr(info, content)
    deploy(server, name, buffer.getvalue())
    answer = server.client("lambda").invoke(FunctionName=name, LogType="Tail")
    error, log = json.loads(answer["Payload"].read()), base64.b64decode(answer["LogResult"]).decode()
    assert error["errorType"] == "Runtime.InvalidEntrypoint" and error["errorMessage"].endswith("Error: " + words)
    assert f"Error: {words}\nRuntime.InvalidEntrypoint\n" in log


def test_a_wrapper_script_that_is_not_there(server, name):
    server.function(name, {"app.py": "def handler(event, context): return 1\n"}, Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/nothing"}})
    error = json.loads(server.client("lambda").invoke(FunctionName=name)["Payload"].read())
    assert error["errorType"] == "Runtime.ExitError" and error["errorMessage"].endswith("Runtime exited with error: exit status 127")


# -- runtimes that are not here are refused, not stored

@pytest.mark.parametrize("runtime,words", [("ruby3.3", "not available on this host"), ("dotnet8", "Debian 12 carries no .NET"), ("java21", "no Java 21 here")])
def test_missing_runtimes(server, name, runtime, words):
    if runtime == "java21" and (PACKS / "java21").exists():
        pytest.skip("Java 21 is here")
    with pytest.raises(ClientError) as error:
        server.client("lambda").create_function(FunctionName=name, Runtime=runtime, Handler="a.b", Role=server.role(), Code={"ZipFile": zip_of({"a": "b"})})
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException" and words in error.value.response["Error"]["Message"]
    assert runtime in server.cli("doctor").stdout
