// Extensions, telemetry, wrappers and the start of a function.
#include "sandbox/extensions.h"

#include "sandbox/sandbox_fixture.h"
#include "sandbox/telemetry.h"

namespace lambari::sandbox {
namespace {

// An extension that prints what it hears. What it does beside that comes in its name.
constexpr const char* kExtension = R"py(#!/usr/bin/python3
import http.server, json, os, sys, threading, time, urllib.request
name = os.path.basename(sys.argv[0])
api = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API']
def call(method, path, body=None, **headers):
    request = urllib.request.Request(api + path, method=method, data=body, headers=headers)
    with urllib.request.urlopen(request) as answer:
        return answer.headers, answer.read().decode()
def say(*words):
    print(name, *words, flush=True)
if name == 'never-registers': time.sleep(60)
if name == 'dies-at-once': sys.exit(7)
events = ['INVOKE'] if name == 'invoke-only' else ['INVOKE', 'SHUTDOWN']
headers, body = call('POST', '/2020-01-01/extension/register', json.dumps({'events': events}).encode(),
                     **{'Lambda-Extension-Name': name, 'Lambda-Extension-Accept-Feature': 'accountId'})
id = {'Lambda-Extension-Identifier': headers['Lambda-Extension-Identifier']}
say('registered', body, 'handler' if '_HANDLER' in os.environ else 'no handler')
if name == 'telemetry':
    class Listener(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            batch = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
            with open('/tmp/telemetry', 'a') as out:
                for event in batch: out.write(json.dumps(event) + chr(10))
            self.send_response(200); self.end_headers()
        def log_message(self, *_): pass
    server = http.server.HTTPServer(('sandbox.localdomain', 4243), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    wants = {'schemaVersion': '2022-12-13', 'types': ['platform', 'function', 'extension'],
             'destination': {'protocol': 'HTTP', 'URI': 'http://sandbox.localdomain:4243/in'}, 'buffering': {'timeoutMs': 25}}
    say('subscribed', call('PUT', '/2022-07-01/telemetry', json.dumps(wants).encode(), **id)[1])
if name == 'init-error':
    call('POST', '/2020-01-01/extension/init/error', b'{}', **{'Lambda-Extension-Function-Error-Type': 'Extension.NoConfig'}, **id)
    time.sleep(60)
while True:
    headers, body = call('GET', '/2020-01-01/extension/event/next', **id)
    event = json.loads(body)
    say(event['eventType'], event.get('requestId', event.get('shutdownReason')), event['deadlineMs'] > time.time() * 1000)
    if event['eventType'] == 'SHUTDOWN': break
    if name == 'slow': time.sleep(0.3)
    if name == 'hangs': time.sleep(60)
    if name == 'dies-later': sys.exit(1)
)py";

constexpr const char* kCounting =
    "import os\nn = 0\ndef handler(event, context):\n  global n\n  n += 1\n  print('function', n)\n"
    "  return {'n': n, 'telemetry': open('/tmp/telemetry').read() if os.path.exists('/tmp/telemetry') else ''}\n";

TEST_F(SandboxTest, ExternalExtensionsLiveBesideTheRuntime) {
  Folder code, layer;
  code.add("app.py", kCounting);
  layer.add("extensions/first", kExtension, 0755);
  layer.add("extensions/second", kExtension, 0755);
  layer.add("extensions/folder/third", kExtension, 0755);
  auto spec = python(code);
  spec.layers = {layer.path()};
  auto environment = create(spec);
  for (int i = 1; i <= 2; ++i) {
    auto result = invoke(*environment);
    ASSERT_EQ(result.outcome.kind, Kind::success) << result.outcome.payload << testing::PrintToString(result.lines);
    EXPECT_THAT(result.outcome.payload, HasSubstr("\"n\": " + std::to_string(i)));
    EXPECT_EQ(result.outcome.init_duration.has_value(), i == 1);
    for (const char* name : {"first", "second"}) {
      if (i == 1)
        EXPECT_THAT(result.lines, testing::Contains(testing::AllOf(
                                      HasSubstr(name), HasSubstr("registered"), HasSubstr(R"("functionName":"f")"),
                                      HasSubstr(R"("accountId":"000000000000")"), testing::EndsWith("no handler"))));
      EXPECT_THAT(result.lines, testing::Contains(testing::AllOf(HasSubstr(std::string(name) + " INVOKE request-"),
                                                                 testing::EndsWith("True"))));
    }
    EXPECT_THAT(result.lines, testing::Contains("function " + std::to_string(i)));
  }
  const auto alive = sandbox_->counters().alive;
  environment.reset();
  EXPECT_TRUE(eventually([&] { return sandbox_->counters().alive == alive - 1; }));
}

async::Task<> invoke_heard(Environment& environment, std::shared_ptr<std::vector<std::string>> lines,
                           std::shared_ptr<std::mutex> mutex) {
  Invocation invocation;
  invocation.request_id = "last";
  invocation.payload = "{}";
  co_await environment.invoke(std::move(invocation), [lines, mutex](base::Timestamp, std::string line) {
    std::lock_guard lock(*mutex);
    lines->push_back(std::move(line));
  });
}

TEST_F(SandboxTest, ExtensionsHaveTimeForTheirEnd) {
  Folder code, layer;
  code.add(
      "bootstrap",
      "#!/usr/bin/python3\nimport http.client, os, signal, sys\n"
      "signal.signal(signal.SIGTERM, lambda *_: (print('function told to end', flush=True), sys.exit(0)))\n"
      "c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\nwhile True:\n"
      "  c.request('GET', '/2018-06-01/runtime/invocation/next'); r = c.getresponse(); r.read()\n"
      "  c.request('POST', '/2018-06-01/runtime/invocation/' + r.headers['Lambda-Runtime-Aws-Request-Id'] + '/response', '1')\n"
      "  c.getresponse().read()\n",
      0755);
  layer.add("extensions/first", kExtension, 0755);
  auto spec = python(code);
  spec.runtime = "provided.al2023";
  spec.layers = {layer.path()};
  auto environment = create(spec);
  auto lines = std::make_shared<std::vector<std::string>>();
  auto mutex = std::make_shared<std::mutex>();
  loops_->run(invoke_heard(*environment, lines, mutex));
  environment.reset();
  loops_->run(sandbox_->settled());
  std::lock_guard lock(*mutex);
  EXPECT_THAT(*lines, Contains("first SHUTDOWN spindown True"));
  EXPECT_THAT(*lines, Contains("function told to end"));
}

TEST_F(SandboxTest, AnInvocationEndsWhenItsExtensionsAreDone) {
  Folder code, layer;
  code.add("app.py", kCounting);
  layer.add("extensions/slow", kExtension, 0755);
  auto spec = python(code);
  spec.layers = {layer.path()};
  auto environment = create(spec);
  invoke(*environment);
  EXPECT_GE(invoke(*environment).outcome.duration, 290ms);

  Folder hanging;
  hanging.add("extensions/hangs", kExtension, 0755);
  spec.layers = {hanging.path()};
  auto other = create(spec);
  auto result = invoke(*other, "{}", 700ms);
  EXPECT_EQ(result.outcome.kind, Kind::timeout);
  EXPECT_FALSE(result.outcome.init_failed);
  EXPECT_FALSE(other->alive());
}

TEST_F(SandboxTest, ExtensionsThatFail) {
  Folder code;
  code.add("app.py", kCounting);
  auto with = [&](const char* name, int mode = 0755) {
    Folder layer;
    layer.add(std::string("extensions/") + name, kExtension, mode);
    auto spec = python(code);
    spec.layers = {layer.path()};
    spec.init_timeout = 1500ms;
    auto environment = create(spec);
    auto result = invoke(*environment);
    EXPECT_FALSE(environment->alive()) << name;
    return result.outcome;
  };
  auto dead = with("dies-at-once");
  EXPECT_EQ(dead.kind, Kind::crash);
  EXPECT_TRUE(dead.init_failed);
  EXPECT_EQ(dead.error_type, "Extension.Crash");
  EXPECT_THAT(dead.payload, HasSubstr("Error: exit status 7"));
  auto later = with("dies-later");
  EXPECT_EQ(later.error_type, "Extension.Crash");
  EXPECT_FALSE(later.init_failed);
  EXPECT_EQ(with("init-error").error_type, "Extension.InitError");
  EXPECT_EQ(with("not-executable", 0644).error_type, "Extension.LaunchError");
  auto silent = with("never-registers");
  EXPECT_EQ(silent.kind, Kind::timeout);
  EXPECT_TRUE(silent.init_failed);
}

TEST_F(SandboxTest, TelemetryReachesExtensions) {
  Folder code, layer;
  code.add("app.py", kCounting);
  layer.add("extensions/telemetry", kExtension, 0755);
  auto spec = python(code);
  spec.layers = {layer.path()};
  auto environment = create(spec);
  auto first = invoke(*environment);
  ASSERT_EQ(first.outcome.kind, Kind::success) << first.outcome.payload << testing::PrintToString(first.lines);
  std::string heard;
  EXPECT_TRUE(eventually([&] {
    heard = invoke(*environment).outcome.payload;
    return heard.find("platform.report") != std::string::npos;
  }));
  for (const char* type : {"platform.initStart", "platform.initRuntimeDone", "platform.initReport", "platform.start",
                           "platform.runtimeDone", "platform.telemetrySubscription", "platform.extension"})
    EXPECT_THAT(heard, HasSubstr(type));
  EXPECT_THAT(heard, testing::Not(HasSubstr(R"(\"durationMs\": 0.0})"))) << "the start of a process takes time";
  EXPECT_THAT(heard, HasSubstr(R"(\"type\": \"function\", \"record\": \"function 1\")"));
  EXPECT_THAT(heard, HasSubstr(R"(\"type\": \"extension\", \"record\": \"telemetry INVOKE)"));
}

TEST_F(SandboxTest, InternalExtensionsAreWaitedForToo) {
  Folder code;
  code.add(
      "app.py",
      "import json, os, threading, time, urllib.request, urllib.error\napi = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API']\n"
      "def call(method, path, body=None, **headers):\n"
      "  try:\n    r = urllib.request.urlopen(urllib.request.Request(api + path, method=method, data=body, headers=headers))\n"
      "    return r.headers, r.read().decode()\n"
      "  except urllib.error.HTTPError as e: return e.headers, e.read().decode()\n"
      "register = lambda name, events: call('POST', '/2020-01-01/extension/register', json.dumps({'events': events}).encode(), "
      "**{'Lambda-Extension-Name': name})\n"
      "refused = register('inside', ['SHUTDOWN'])[1]\nheaders, body = register('inside', ['INVOKE'])\nheard = []\n"
      "def loop():\n  while True:\n    heard.append(json.loads(call('GET', '/2020-01-01/extension/event/next', None, "
      "**{'Lambda-Extension-Identifier': headers['Lambda-Extension-Identifier']})[1]))\n    time.sleep(0.2)\n"
      "threading.Thread(target=loop, daemon=True).start()\n"
      "def handler(event, context):\n  late = register('late', ['INVOKE'])[1]\n"
      "  nobody = call('GET', '/2020-01-01/extension/event/next')[1]\n"
      "  time.sleep(0.05)\n  return {'heard': len(heard), 'late': late, 'refused': refused, 'nobody': nobody}\n");
  auto environment = create(python(code));
  for (int i = 1; i <= 2; ++i) {
    auto result = invoke(*environment);
    ASSERT_EQ(result.outcome.kind, Kind::success) << result.outcome.payload;
    EXPECT_THAT(result.outcome.payload, HasSubstr("\"heard\": " + std::to_string(i)));
    EXPECT_THAT(result.outcome.payload, HasSubstr("Extension.RegistrationClosed"));
    EXPECT_THAT(result.outcome.payload, HasSubstr("Extension.InvalidEventType"));
    EXPECT_THAT(result.outcome.payload, HasSubstr("Extension.MissingExtensionIdentifier"));
    EXPECT_GE(result.outcome.duration, 190ms);
  }
}

TEST_F(SandboxTest, AWrapperStartsTheRuntime) {
  Folder code, layer;
  code.add(
      "app.py",
      "import os\ndef handler(event, context): return [os.environ.get('WRAPPED'), os.environ['PATH'].endswith('/opt/bin')]\n");
  layer.add("wrap", "#!/bin/bash\nexport WRAPPED=\"by $(helper) for $#\"\nexec \"$@\"\n", 0755);
  layer.add("bin/helper", "#!/bin/sh\necho helper\n", 0755);
  auto spec = python(code);
  spec.layers = {layer.path()};
  spec.environment["AWS_LAMBDA_EXEC_WRAPPER"] = "/opt/wrap";
  auto environment = create(spec);
  auto result = invoke(*environment);
  EXPECT_EQ(result.outcome.payload, R"(["by helper for 5", true])") << testing::PrintToString(result.lines);
}

TEST_F(SandboxTest, AStartMayBePartOfTheInvocation) {
  Folder code;
  code.add("app.py",
           "import time\ntime.sleep(0.4)\ndef handler(event, context): return context.get_remaining_time_in_millis() < 4000\n");
  auto spec = python(code);
  spec.init_timeout = 100ms;
  auto strict = create(spec);
  auto result = invoke(*strict, "{}", 4s);
  EXPECT_EQ(result.outcome.kind, Kind::timeout);
  EXPECT_TRUE(result.outcome.init_failed);
  spec.init_within_invocation = true;
  auto again = create(spec);
  result = invoke(*again, "{}", 4s);
  EXPECT_EQ(result.outcome.kind, Kind::success) << result.outcome.payload;
  EXPECT_FALSE(result.outcome.init_duration.has_value());
  EXPECT_GE(result.outcome.duration, 390ms);
  code.add("app.py", "raise ValueError('not today')\n");
  auto fails = create(spec);
  result = invoke(*fails);
  EXPECT_EQ(result.outcome.kind, Kind::init_error);
  EXPECT_FALSE(result.outcome.init_duration.has_value()) << "it is part of the duration, and counted once";
}

TEST(Subscriptions, AreCheckedAsAwsChecksThem) {
  auto parsed = parse_subscription(
      R"({"schemaVersion":"2022-12-13","types":["platform","extension"],"buffering":{"maxItems":1000,"timeoutMs":25},)"
      R"("destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080/a/b"}})",
      false);
  auto* wants = std::get_if<Subscription>(&parsed);
  ASSERT_TRUE(wants);
  EXPECT_TRUE(wants->platform && wants->extension && !wants->function && !wants->tcp);
  EXPECT_EQ(wants->port, 8080);
  EXPECT_EQ(wants->path, "/a/b");
  EXPECT_EQ(wants->authority, "sandbox.localdomain:8080");
  EXPECT_EQ(wants->max_items, 1000U);
  EXPECT_EQ(wants->timeout, 25ms);
  EXPECT_TRUE(wants->structured);
  const std::string rest = R"("types":["function"],"destination":{"protocol":"TCP","port":9000})",
                    version = R"("schemaVersion":)", good = version + R"("2022-07-01",)" + rest;
  parsed = parse_subscription("{" + good + "}", false);
  ASSERT_TRUE(std::holds_alternative<Subscription>(parsed));
  EXPECT_FALSE(std::get<Subscription>(parsed).structured);
  for (const auto& logs : {rest, version + R"("2020-08-15",)" + rest, version + R"("2021-03-18",)" + rest})
    EXPECT_TRUE(std::holds_alternative<Subscription>(parse_subscription("{" + logs + "}", true))) << logs;
  EXPECT_TRUE(std::holds_alternative<Extensions::Refusal>(parse_subscription("{" + good + "}", true)));
  const auto start = R"({"schemaVersion":"2022-12-13",)";
  for (std::string text :
       {std::string(), std::string("[]"), "{" + rest + "}", "{" + version + "\"2020-08-15\"," + rest + "}",
        "{" + version + "20221213," + rest + "}", start + std::string(R"("types":[]})"),
        start + std::string(R"("types":["platform"]})"),
        start + std::string(R"("types":["x"],"destination":{"protocol":"TCP","port":1}})"),
        start + std::string(R"("types":["platform"],"destination":{"protocol":"HTTP","URI":"http://example.com:80"}})"),
        start + std::string(R"("types":["platform"],"destination":{"protocol":"HTTP","URI":"http://sandbox:0"}})"),
        start + std::string(R"("types":["platform"],"destination":{"protocol":"UDP","port":1}})"),
        "{" + good + R"(,"buffering":{"maxItems":999}})", "{" + good + R"(,"buffering":{"maxItems":10001}})",
        "{" + good + R"(,"buffering":{"maxBytes":1}})", "{" + good + R"(,"buffering":{"timeoutMs":24}})",
        "{" + good + R"(,"buffering":{"timeoutMs":"1000"}})",
        start + std::string(R"("types":["platform"],"destination":{"protocol":"TCP","port":9001}})"),
        start + std::string(R"("types":["platform"],"destination":{"protocol":"HTTP","URI":"http://sandbox:9001"}})")}) {
    auto wrong = parse_subscription(text, false);
    auto* refusal = std::get_if<Extensions::Refusal>(&wrong);
    ASSERT_TRUE(refusal) << text;
    EXPECT_EQ(refusal->status, 400) << text;
  }
}

}  // namespace
}  // namespace lambari::sandbox
