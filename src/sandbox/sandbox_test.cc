// Functions of every family in the real sandbox, and the walls around them.
#include "sandbox/sandbox_fixture.h"

namespace lambari::sandbox {
namespace {

TEST_F(SandboxTest, PythonAnswersAgainAndAgain) {
  Folder code;
  code.add("app.py",
           "n = 0\ndef handler(event, context):\n  global n\n  n += 1\n  print('call', n)\n"
           "  return {'n': n, 'event': event, 'arn': context.invoked_function_arn, 'left': "
           "context.get_remaining_time_in_millis() > 0}\n");
  auto environment = create(python(code));
  auto first = invoke(*environment, R"({"a":[1,"é"]})");
  EXPECT_EQ(first.outcome.kind, Kind::success);
  EXPECT_EQ(
      base::parse_json(first.outcome.payload),
      base::parse_json(R"({"n":1,"event":{"a":[1,"é"]},"arn":"arn:aws:lambda:eu-west-1:000000000000:function:f","left":true})"));
  EXPECT_THAT(first.lines, ElementsAre("call 1"));
  EXPECT_TRUE(first.outcome.init_duration);
  if (has("cgroup memory")) EXPECT_GT(first.outcome.max_memory_bytes, 1'000'000U);
  for (int n = 2; n < 5; ++n) {
    auto again = invoke(*environment);
    EXPECT_EQ(again.outcome.kind, Kind::success);
    EXPECT_THAT(again.outcome.payload, HasSubstr("\"n\": " + std::to_string(n)));
    EXPECT_THAT(again.lines, ElementsAre("call " + std::to_string(n)));
    EXPECT_FALSE(again.outcome.init_duration);
  }
  EXPECT_TRUE(environment->alive());
}

TEST_F(SandboxTest, PythonErrorsAreReportedByTheRuntime) {
  auto result = run("def handler(event, context):\n  raise ValueError('no good')\n");
  EXPECT_EQ(result.outcome.kind, Kind::function_error);
  EXPECT_THAT(result.outcome.payload, HasSubstr("\"errorType\": \"ValueError\""));
  EXPECT_THAT(result.outcome.payload, HasSubstr("/var/task/app.py"));
  ASSERT_FALSE(result.lines.empty());
  EXPECT_THAT(result.lines.back(), HasSubstr("[ERROR] ValueError: no good\nTraceback (most recent call last):"));  // one event
}

TEST_F(SandboxTest, PythonFailsToStart) {
  auto missing = run("import there_is_no_such_module\n");
  EXPECT_EQ(missing.outcome.kind, Kind::init_error);
  EXPECT_THAT(missing.outcome.payload, HasSubstr("Runtime.ImportModuleError"));
  auto handler = run("", "{}", [](FunctionSpec& spec) { spec.handler = "app.nothing"; });
  EXPECT_EQ(handler.outcome.kind, Kind::init_error);
  EXPECT_THAT(handler.outcome.payload, HasSubstr("Runtime.HandlerNotFound"));
  auto syntax = run("def (:\n");
  EXPECT_THAT(syntax.outcome.payload, HasSubstr("Runtime.UserCodeSyntaxError"));
  auto exits = run("import sys\nsys.exit(3)\n");
  EXPECT_EQ(exits.outcome.kind, Kind::crash);
  EXPECT_EQ(exits.outcome.exit_status, 3);
  EXPECT_EQ(exits.outcome.error_type, "Runtime.ExitError");
}

TEST_F(SandboxTest, TimeIsUp) {
  Folder code;
  code.add("app.py", "import time\ndef handler(event, context):\n  print('begin')\n  time.sleep(30)\n");
  auto environment = create(python(code));
  auto result = invoke(*environment, "{}", 300ms);
  EXPECT_EQ(result.outcome.kind, Kind::timeout);
  EXPECT_EQ(result.outcome.error_type, "Sandbox.Timedout");
  EXPECT_EQ(result.outcome.duration, 300ms);
  EXPECT_THAT(result.lines, ElementsAre("begin"));
  EXPECT_FALSE(environment->alive());
  auto start = run("import time\ntime.sleep(30)\n", "{}", [](FunctionSpec& spec) { spec.init_timeout = 300ms; });
  EXPECT_EQ(start.outcome.kind, Kind::timeout);
}

TEST_F(SandboxTest, ProcessesThatEnd) {
  auto exits = run("import os\ndef handler(event, context):\n  print('bye', end='', flush=True)\n  os._exit(7)\n");
  EXPECT_EQ(exits.outcome.kind, Kind::crash);
  EXPECT_EQ(exits.outcome.exit_status, 7);
  EXPECT_THAT(exits.lines, ElementsAre("bye"));
  auto killed = run("import os, signal\ndef handler(event, context):\n  os.kill(os.getpid(), signal.SIGKILL)\n");
  EXPECT_EQ(killed.outcome.kind, Kind::crash);
  EXPECT_EQ(killed.outcome.signal, SIGKILL);
}

// So do Java's interface client, and Node.js' when nobody has caught an error.
TEST_F(SandboxTest, WhatFollowsTheNewsOfAFailureBelongsToIt) {
  Folder code;
  code.add(
      "bootstrap",
      "#!/usr/bin/python3\nimport http.client, os, time\n"
      "c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\nwhile True:\n"
      "  c.request('GET', '/2018-06-01/runtime/invocation/next'); r = c.getresponse(); event = r.read()\n"
      "  c.request('POST', '/2018-06-01/runtime/invocation/' + r.headers['Lambda-Runtime-Aws-Request-Id'] + '/error', '{}')\n"
      "  c.getresponse().read(); time.sleep(0.2); print('and why', flush=True)\n"
      "  if event == b'1': os._exit(1)\n",
      0755);
  auto spec = python(code, "x");
  spec.runtime = "provided.al2023";
  auto environment = create(spec);
  for (const char* event : {"0", "1"}) {
    auto result = invoke(*environment, event);
    EXPECT_EQ(result.outcome.kind, Kind::function_error);
    EXPECT_THAT(result.lines, ElementsAre("and why"));
    EXPECT_EQ(environment->alive(), *event == '0');
  }
}

TEST_F(SandboxTest, MemoryIsLimited) {
  auto within = run("def handler(event, context):\n  return len(bytearray(60 << 20))\n", "{}",
                    [](FunctionSpec& spec) { spec.memory_mb = 128; });
  EXPECT_EQ(within.outcome.kind, Kind::success);
  // Without control groups it is looked at now and then only.
  if (has("cgroup memory")) EXPECT_GT(within.outcome.max_memory_bytes, 60U << 20);
  auto beyond = run(
      "import time\ndef handler(event, context):\n  held = bytearray(b'x') * (256 << 20)\n  time.sleep(3)\n  return len(held)\n",
      "{}", [](FunctionSpec& spec) { spec.memory_mb = 128; });
  EXPECT_EQ(beyond.outcome.kind, Kind::out_of_memory);
  EXPECT_EQ(beyond.outcome.error_type, "Runtime.OutOfMemory");
  EXPECT_GT(beyond.outcome.max_memory_bytes, 100U << 20);
  EXPECT_LE(beyond.outcome.max_memory_bytes, 128U << 20);
}

TEST_F(SandboxTest, OutputComesInOrderAndWhole) {
  auto result =
      run("import sys, logging, os\nlog = logging.getLogger()\nlog.setLevel('INFO')\ndef handler(event, context):\n"
          "  for i in range(500):\n    print('out', i)\n    print('err', i, file=sys.stderr)\n"
          "  log.info('two\\nlines')\n  print('x' * 300000)\n  os.write(1, b'no newline')\n");
  ASSERT_EQ(result.outcome.kind, Kind::success);
  ASSERT_EQ(result.lines.size(), 1004U);
  EXPECT_EQ(result.lines[0], "out 0");
  EXPECT_EQ(result.lines[999], "err 499");
  EXPECT_THAT(result.lines[1000], HasSubstr("two\nlines"));
  EXPECT_EQ(result.lines[1001].size(), 256U * 1024);
  EXPECT_EQ(result.lines[1002].size(), 300000U - 256 * 1024);
  EXPECT_EQ(result.lines[1003], "no newline");
}

TEST_F(SandboxTest, AnswersThatAreTooLarge) {
  auto fits = run("def handler(event, context):\n  return 'x' * (6 * 1024 * 1024 - 2)\n");
  EXPECT_EQ(fits.outcome.kind, Kind::success);
  EXPECT_EQ(fits.outcome.payload.size(), 6U * 1024 * 1024);
  auto large = run("def handler(event, context):\n  return 'x' * (7 * 1024 * 1024 - 2)\n");
  EXPECT_EQ(large.outcome.kind, Kind::payload_too_large);
  EXPECT_EQ(large.outcome.response_bytes, 7U * 1024 * 1024);
  auto huge = run("def handler(event, context):\n  return 'x' * (40 * 1024 * 1024 - 2)\n");
  EXPECT_EQ(huge.outcome.kind, Kind::payload_too_large);
  EXPECT_EQ(huge.outcome.response_bytes, 40U * 1024 * 1024);
}

TEST_F(SandboxTest, LayersLieOverOneAnother) {
  Folder one, two;
  one.add("python/shared.py", "name = 'one'\n").add("python/first.py", "here = True\n").add("text", "1");
  two.add("python/shared.py", "name = 'two'\n").add("text", "2");
  const auto source =
      "import shared, first\ndef handler(event, context):\n  return shared.name + open('/opt/text').read() + str(first.here)\n";
  auto both = run(source, "{}", [&](FunctionSpec& spec) { spec.layers = {one.path(), two.path()}; });
  EXPECT_EQ(both.outcome.payload, R"("two2True")");
  auto other = run(source, "{}", [&](FunctionSpec& spec) { spec.layers = {two.path(), one.path()}; });
  EXPECT_EQ(other.outcome.payload, R"("one1True")");
  auto single = run(source, "{}", [&](FunctionSpec& spec) { spec.layers = {one.path()}; });
  EXPECT_EQ(single.outcome.payload, R"("one1True")");
}

TEST_F(SandboxTest, TheFunctionsOwnModulesWin) {
  Folder code;
  code.add("app.py", "import boto3\ndef handler(event, context):\n  return boto3.__version__\n");
  auto ours = create(python(code));
  auto version = invoke(*ours).outcome.payload;
  EXPECT_THAT(version, HasSubstr("\"1."));
  code.add("boto3/__init__.py", "__version__ = 'mine'\n");
  auto theirs = create(python(code));
  EXPECT_EQ(invoke(*theirs).outcome.payload, R"("mine")");
}

TEST_F(SandboxTest, EnvironmentVariables) {
  auto result =
      run("import os, locale, time\ndef handler(event, context):\n  return dict(os.environ)\n", "{}", [](FunctionSpec& spec) {
        spec.environment["MINE"] = "a=b ü";
        spec.environment["TZ"] = "America/Sao_Paulo";
        spec.environment["_HANDLER"] = "never";
      });
  auto parsed = base::parse_json(result.outcome.payload);
  ASSERT_TRUE(parsed && parsed->is_object()) << result.outcome.payload;
  auto& all = parsed->as_object();
  auto value = [&](const char* name) { return all.contains(name) ? std::string(all.at(name).as_string()) : "(missing)"; };
  EXPECT_EQ(value("MINE"), "a=b ü");
  EXPECT_EQ(value("TZ"), "America/Sao_Paulo");
  EXPECT_EQ(value("_HANDLER"), "app.handler");
  EXPECT_EQ(value("LAMBDA_TASK_ROOT"), "/var/task");
  EXPECT_EQ(value("LAMBDA_RUNTIME_DIR"), "/var/runtime");
  EXPECT_EQ(value("AWS_EXECUTION_ENV"), "AWS_Lambda_python3.11");
  EXPECT_EQ(value("AWS_LAMBDA_RUNTIME_API"), "127.0.0.1:9001");
  EXPECT_EQ(value("AWS_ENDPOINT_URL"), "http://127.0.0.1:4566");
  EXPECT_EQ(value("AWS_REGION"), "eu-west-1");
  for (const auto& [name, unused] : all) EXPECT_FALSE(std::string(name).starts_with("_LAMBDA_TELEMETRY")) << name;
  EXPECT_EQ(getenv("MINE"), nullptr);
}

TEST_F(SandboxTest, VariablesReadAtStartAreHonoured) {
  auto result = run("import sys\ndef handler(event, context):\n  return sys.flags.optimize\n", "{}",
                    [](FunctionSpec& spec) { spec.environment["PYTHONOPTIMIZE"] = "2"; });
  EXPECT_EQ(result.outcome.payload, "2");
}

TEST_F(SandboxTest, CallsToAwsArriveWithTheEnvironmentsName) {
  Folder code;
  code.add("app.py",
           "import urllib.request, os\ndef handler(event, context):\n"
           "  return urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'] + '/bucket/key').read().decode()\n");
  auto environment = create(python(code));
  EXPECT_EQ(invoke(*environment).outcome.payload, "\"env:" + environment->id() + " /bucket/key\"");
}

TEST_F(SandboxTest, TmpHasItsSize) {
  auto result = run(
      "import os, errno\ndef handler(event, context):\n  s = os.statvfs('/tmp')\n  kept = open('/tmp/a', 'wb').write(b'x' * (10 "
      "<< 20))\n"
      "  try:\n    with open('/tmp/b', 'wb') as f:\n      for i in range(64): f.write(b'x' * (1 << 20))\n    return 'no limit'\n"
      "  except OSError as e:\n    return [s.f_blocks * s.f_frsize >> 20, kept >> 20, errno.errorcode[e.errno]]\n",
      "{}", [](FunctionSpec& spec) { spec.tmp_mb = 64; });
  EXPECT_EQ(base::parse_json(result.outcome.payload), base::parse_json(R"([64,10,"ENOSPC"])")) << result.outcome.payload;
}

TEST_F(SandboxTest, TmpIsNotTheFunctionsMemory) {
  auto result =
      run("def handler(event, context):\n  with open('/tmp/a', 'wb') as f:\n    for i in range(200): f.write(b'x' * (1 << 20))\n "
          " return 'kept'\n",
          "{}", [](FunctionSpec& spec) { spec.memory_mb = 128; });
  EXPECT_EQ(result.outcome.payload, R"("kept")") << static_cast<int>(result.outcome.kind);
}

TEST_F(SandboxTest, TheFileSystemIsReadOnlyAndSmall) {
  Folder code;
  code.add("secret.py", "");
  auto result =
      run("import os\n"
          "def tries(path):\n  try:\n    open(path, 'w').close()\n    return 'written'\n  except OSError as e:\n    return "
          "e.strerror\n"
          "def handler(event, context):\n  return {'root': sorted(os.listdir('/')), 'task': tries('/var/task/x'), 'opt': "
          "tries('/opt/x'),"
          " 'usr': tries('/usr/lib/x'), 'etc': tries('/etc/x'), 'home': os.path.exists('/root') or os.path.exists('/home'),"
          " 'proc': tries('/proc/sys/kernel/hostname'), 'kcore': len(open('/proc/kcore','rb').read(10)) if "
          "os.path.exists('/proc/kcore') else 0,"
          " 'oom': tries('/proc/self/oom_score_adj'), 'work': os.path.exists('/work'), 'sys': os.listdir('/sys'), 'dev': "
          "sorted(os.listdir('/dev')),"
          " 'dist': os.listdir('/usr/lib/python3')}\n");
  auto parsed = base::parse_json(result.outcome.payload);
  ASSERT_TRUE(parsed && parsed->is_object()) << result.outcome.payload;
  const auto& all = parsed->as_object();
  for (const char* path : {"task", "opt", "usr", "etc", "proc", "oom"}) EXPECT_EQ(all.at(path), "Read-only file system") << path;
  EXPECT_EQ(all.at("home"), false);
  EXPECT_EQ(all.at("work"), false);
  EXPECT_EQ(all.at("kcore"), 0);
  EXPECT_EQ(all.at("sys"), base::json::array());
  EXPECT_EQ(all.at("dist"), base::json::array());
  EXPECT_EQ(all.at("dev"), *base::parse_json(R"(["fd","full","null","random","stderr","stdin","stdout","urandom","zero"])"));
}

TEST_F(SandboxTest, NothingOfTheHostCanBeSeenOrReached) {
  auto result =
      run("import os, socket, ctypes\n"
          "libc = ctypes.CDLL(None, use_errno=True)\n"
          "def call(name, *args):\n  ctypes.set_errno(0)\n  return 'allowed' if getattr(libc, name)(*args) >= 0 else "
          "os.strerror(ctypes.get_errno())\n"
          "def reach(address):\n  s = socket.socket()\n  s.settimeout(1)\n  try:\n    s.connect(address)\n    return 'reached'\n "
          " except OSError as e:\n    return e.strerror\n"
          "def handler(event, context):\n"
          "  status = dict(l.split(':\\t') for l in open('/proc/self/status').read().splitlines() if ':\\t' in l)\n"
          "  return {'pids': sorted(int(p) for p in os.listdir('/proc') if p.isdigit()), 'uid': os.getuid(), 'gid': os.getgid(), "
          "'groups': os.getgroups(),\n"
          "   'caps': [status[c] for c in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')], 'nnp': status['NoNewPrivs'], "
          "'seccomp': status['Seccomp'],\n"
          "   'net': [i[1] for i in socket.if_nameindex()], 'internet': reach(('192.0.2.1', 80)), 'fds': "
          "sorted(os.listdir('/proc/self/fd')),\n"
          "   'unshare': call('unshare', 0x10000000), 'mount': call('mount', b'x', b'/tmp', b'tmpfs', 0, None), 'ptrace': "
          "call('ptrace', 16, 1, 0, 0),\n"
          "   'setns': call('setns', 0, 0), 'keyctl': call('syscall', 250, 0, 0), 'bpf': call('syscall', 321, 0, 0, 0),\n"
          "   'kill1': call('kill', 1, 9), 'init': os.access('/proc/1/environ', os.R_OK), 'cgroup': "
          "open('/proc/self/cgroup').read(), 'host': socket.gethostname(), 'raw': call('socket', 17, 3, 0)}\n");
  auto parsed = base::parse_json(result.outcome.payload);
  ASSERT_TRUE(parsed && parsed->is_object()) << result.outcome.payload;
  const auto& all = parsed->as_object();
  EXPECT_EQ(all.at("pids"), *base::parse_json("[1,2]"));
  EXPECT_EQ(all.at("uid"), 993);
  EXPECT_EQ(all.at("gid"), 990);
  for (const auto& set : all.at("caps").as_array()) EXPECT_EQ(set, "0000000000000000");
  EXPECT_EQ(all.at("nnp"), "1");
  EXPECT_EQ(all.at("seccomp"), "2");
  EXPECT_EQ(all.at("net"), *base::parse_json(R"(["lo"])"));
  EXPECT_EQ(all.at("internet"), "Network is unreachable");
  for (const char* name : {"unshare", "mount", "ptrace", "setns", "keyctl", "bpf", "raw"})
    EXPECT_EQ(all.at(name), "Operation not permitted") << name;
  EXPECT_EQ(all.at("init"), false);
  EXPECT_THAT(std::string(all.at("cgroup").as_string()), Not(HasSubstr("lambari")));
  EXPECT_EQ(all.at("host"), "169.254.76.1");
  // 0, 1, 2, the frames' 4, the runtime's connection, and the one that reads the folder.
  EXPECT_LE(all.at("fds").as_array().size(), 7U) << all.at("fds");
  EXPECT_EQ(result.outcome.kind, Kind::success);  // signals to process 1 of its own namespace do nothing
}

TEST_F(SandboxTest, ProcessesAndThreadsAreLimited) {
  auto result = run(
      "import threading\ndef handler(event, context):\n  done = threading.Event()\n  threading.stack_size(65536)\n  made = []\n  "
      "try:\n"
      "    for i in range(1200):\n      t = threading.Thread(target=done.wait)\n      t.start()\n      made.append(t)\n  except "
      "RuntimeError:\n    pass\n"
      "  done.set()\n  for t in made:\n    t.join()\n  return len(made)\n",
      "{}", [](FunctionSpec& spec) { spec.memory_mb = 1024; }, 60s);
  ASSERT_EQ(result.outcome.kind, Kind::success);
  EXPECT_LT(std::stoi(result.outcome.payload), 1024);
  EXPECT_GT(std::stoi(result.outcome.payload), 900);
}

TEST_F(SandboxTest, WhatAFunctionLeftRunningGoesWithIt) {
  Folder code;
  code.add("app.py",
           "import subprocess\ndef handler(event, context):\n  subprocess.Popen(['sleep', '4242'], start_new_session=True)\n  "
           "return 1\n");
  auto environment = create(python(code));
  EXPECT_EQ(invoke(*environment).outcome.kind, Kind::success);
  // Popen() returns in the midst of exec: the new arguments show a moment later.
  EXPECT_TRUE(eventually([] { return runs("sleep", "4242"); }));
  environment.reset();
  EXPECT_TRUE(eventually([] { return !runs("sleep", "4242"); }));
}

TEST_F(SandboxTest, FrozenAndThawed) {
  if (!has("cgroup freezer")) GTEST_SKIP() << "this user has no control group to freeze";
  Folder code;
  code.add("app.py",
           "import threading, time\nticks = 0\ndef tick():\n  global ticks\n  while True:\n    time.sleep(0.01)\n    ticks += 1\n"
           "threading.Thread(target=tick, daemon=True).start()\ndef handler(event, context):\n  return ticks\n");
  auto environment = create(python(code));
  auto before = std::stoi(invoke(*environment).outcome.payload);
  environment->freeze();
  std::this_thread::sleep_for(400ms);
  auto after = invoke(*environment);
  EXPECT_EQ(after.outcome.kind, Kind::success);
  EXPECT_LT(std::stoi(after.outcome.payload) - before, 25);
}

TEST_F(SandboxTest, NodeAnswers) {
  for (const char* runtime : {"nodejs20.x", "nodejs22.x"}) {
    Folder code;
    code.add("app.mjs",
             "import { S3Client } from '@aws-sdk/client-s3';\nlet n = 0;\nexport const handler = async (event, context) => {\n"
             "  console.log('two\\nlines', ++n);\n  if (event.fail) throw new TypeError('no good');\n"
             "  return { n, event, version: process.version, name: context.functionName, s3: typeof S3Client, env: "
             "process.env.AWS_EXECUTION_ENV };\n};\n");
    auto environment = create(node(code, runtime));
    auto result = invoke(*environment, R"({"a":1})");
    ASSERT_EQ(result.outcome.kind, Kind::success) << result.outcome.payload << testing::PrintToString(result.lines);
    EXPECT_THAT(result.outcome.payload, HasSubstr(R"("n":1,"event":{"a":1},"version":"v)" + std::string(runtime).substr(6, 2)));
    EXPECT_THAT(result.outcome.payload, HasSubstr(R"("s3":"function")"));
    EXPECT_THAT(result.outcome.payload, HasSubstr(std::string(R"("env":"AWS_Lambda_)") + runtime));
    ASSERT_EQ(result.lines.size(), 1U);
    EXPECT_THAT(result.lines[0], HasSubstr("two\nlines 1"));
    auto failed = invoke(*environment, R"({"fail":true})");
    EXPECT_EQ(failed.outcome.kind, Kind::function_error);
    EXPECT_THAT(failed.outcome.payload, HasSubstr(R"("errorType":"TypeError")"));
    EXPECT_EQ(invoke(*environment).outcome.kind, Kind::success);
  }
}

TEST_F(SandboxTest, NodeStreamsItsAnswer) {
  for (const char* runtime : {"nodejs20.x", "nodejs22.x"}) {
    Folder code;
    code.add("app.mjs",
             "export const handler = awslambda.streamifyResponse(async (event, stream) => {\n"
             "  if (event.type) stream.setContentType(event.type);\n"
             "  for (let i = 0; i < (event.count ?? 3); i++) {\n"
             "    stream.write('piece ' + i + '\\n');\n    await new Promise(r => setTimeout(r, 20));\n  }\n"
             "  if (event.fail) throw new RangeError('half way');\n"
             "  if (event.die) process.exit(3);\n"
             "  if (event.hang) await new Promise(r => setTimeout(r, 60000));\n"
             "  if (event.mb) for (let i = 0; i < event.mb; i++)\n"
             "    if (!stream.write('x'.repeat(1 << 20))) await new Promise(r => stream.once('drain', r));\n"
             "  stream.end();\n});\n"
             "export const http = awslambda.streamifyResponse(async (event, stream) => {\n"
             "  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'X-A': 'b' } });\n"
             "  stream.write('body'); stream.end();\n});\n");
    auto environment = create(node(code, runtime));
    auto heard = std::make_shared<Heard>();
    auto result = stream(*environment, heard, R"({"type":"text/plain"})");
    ASSERT_EQ(result.outcome.kind, Kind::success) << result.outcome.payload << testing::PrintToString(result.lines);
    EXPECT_EQ(result.outcome.payload, "");
    EXPECT_EQ(result.outcome.response_bytes, 24U);
    EXPECT_EQ(heard->begun, 1);
    EXPECT_EQ(heard->content_type, "text/plain");
    EXPECT_EQ(heard->all(), "piece 0\npiece 1\npiece 2\n");
    EXPECT_GE(heard->pieces.size(), 2U) << "it came in one piece";
    EXPECT_GE(result.outcome.duration, 50ms);

    // Far more than any buffer on the way: the function waits for a slow listener.
    auto large = std::make_shared<Heard>();
    result = stream(*environment, large, R"({"count":0,"mb":20})");
    EXPECT_EQ(result.outcome.kind, Kind::success) << result.outcome.payload;
    EXPECT_EQ(large->all().size(), 20U << 20);

    // Nobody asked for pieces: they are collected.
    EXPECT_EQ(invoke(*environment).outcome.payload, "piece 0\npiece 1\npiece 2\n");

    auto broken = std::make_shared<Heard>();
    result = stream(*environment, broken, R"({"fail":true})");
    EXPECT_EQ(result.outcome.kind, Kind::function_error);
    EXPECT_THAT(result.outcome.payload, HasSubstr(R"("errorType":"RangeError")"));
    EXPECT_THAT(result.outcome.payload, HasSubstr("half way"));
    EXPECT_EQ(broken->all(), "piece 0\npiece 1\npiece 2\n");
    EXPECT_TRUE(environment->alive());

    auto hung = std::make_shared<Heard>();
    result = stream(*environment, hung, R"({"hang":true})", 500ms);
    EXPECT_EQ(result.outcome.kind, Kind::timeout);
    EXPECT_EQ(hung->all(), "piece 0\npiece 1\npiece 2\n");

    auto second = create(node(code, runtime));
    auto dead = std::make_shared<Heard>();
    result = stream(*second, dead, R"({"die":true})");
    EXPECT_EQ(result.outcome.kind, Kind::crash);
    EXPECT_EQ(result.outcome.exit_status, 3);

    auto collected = create(node(code, runtime));
    EXPECT_EQ(invoke(*collected, R"({"count":0,"mb":7})").outcome.kind, Kind::payload_too_large);

    auto third = create(node(code, runtime, "app.http"));
    auto http = std::make_shared<Heard>();
    EXPECT_EQ(stream(*third, http).outcome.kind, Kind::success);
    EXPECT_EQ(http->content_type, "application/vnd.awslambda.http-integration-response");
    EXPECT_EQ(http->all(), std::string(R"({"statusCode":201,"headers":{"X-A":"b"}})") + std::string(8, '\0') + "body");
  }
}

TEST_F(SandboxTest, AnswersThatAreNotStreamedGoToTheSinkWhole) {
  Folder code;
  code.add("app.py", "def handler(event, context):\n  if event: raise ValueError('no')\n  return {'a': 1}\n");
  auto environment = create(python(code));
  auto heard = std::make_shared<Heard>();
  auto result = stream(*environment, heard);
  EXPECT_EQ(result.outcome.kind, Kind::success);
  EXPECT_THAT(heard->pieces, ElementsAre(R"({"a": 1})"));
  EXPECT_EQ(heard->content_type, "application/json");
  auto failed = std::make_shared<Heard>();
  result = stream(*environment, failed, "[1]");
  EXPECT_EQ(result.outcome.kind, Kind::function_error);
  EXPECT_EQ(failed->begun, 0);
  EXPECT_THAT(result.outcome.payload, HasSubstr("ValueError"));
}

TEST_F(SandboxTest, CustomRuntimesStreamToo) {
  Folder code;
  code.add("bootstrap",
           "#!/usr/bin/python3\nimport base64, http.client, os\n"
           "c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\nwhile True:\n"
           "  c.request('GET', '/2018-06-01/runtime/invocation/next'); r = c.getresponse(); event = r.read()\n"
           "  id = r.headers['Lambda-Runtime-Aws-Request-Id']\n"
           "  s = c.sock\n"
           "  s.sendall(f'POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\\r\\nHost: x\\r\\n'\n"
           "    'Lambda-Runtime-Function-Response-Mode: streaming\\r\\nTransfer-Encoding: chunked\\r\\n'\n"
           "    'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\\r\\n\\r\\n'\n"
           "    '3\\r\\nabc\\r\\n'.encode())\n"
           "  end = '' if event == b'{}' else 'Lambda-Runtime-Function-Error-Type: "
           "My.Error\\r\\nLambda-Runtime-Function-Error-Body: ' + "
           "base64.b64encode(event).decode() + '\\r\\n'\n"
           "  s.sendall(f'0\\r\\n{end}\\r\\n'.encode())\n"
           "  r = http.client.HTTPResponse(s); r.begin(); print(r.status, r.read().decode(), flush=True)\n",
           0755);
  auto spec = python(code, "x");
  spec.runtime = "provided.al2023";
  auto environment = create(spec);
  auto heard = std::make_shared<Heard>();
  auto result = stream(*environment, heard);
  EXPECT_EQ(result.outcome.kind, Kind::success) << testing::PrintToString(result.lines);
  EXPECT_EQ(heard->content_type, "application/octet-stream");
  EXPECT_EQ(heard->all(), "abc");
  auto failed = std::make_shared<Heard>();
  result = stream(*environment, failed, R"({"errorType":"My.Error"})");
  EXPECT_EQ(result.outcome.kind, Kind::function_error);
  EXPECT_EQ(result.outcome.error_type, "My.Error");
  EXPECT_EQ(result.outcome.payload, R"({"errorType":"My.Error"})");
  EXPECT_EQ(failed->all(), "abc");
}

TEST_F(SandboxTest, NodeCommonJsLayersAndErrors) {
  Folder code, layer;
  layer.add("nodejs/node_modules/thing/index.js", "exports.name = 'from a layer';\n");
  code.add("app.js",
           "const thing = require('thing');\nexports.handler = (event, context, callback) => callback(null, thing.name);\n");
  auto spec = node(code, "nodejs20.x");
  spec.layers = {layer.path()};
  auto environment = create(spec);
  EXPECT_EQ(invoke(*environment).outcome.payload, R"("from a layer")");
  auto options = node(code, "nodejs20.x");
  options.layers = {layer.path()};
  options.environment["NODE_OPTIONS"] = "--stack-trace-limit=3";
  auto with_options = create(options);
  EXPECT_EQ(invoke(*with_options).outcome.payload, R"("from a layer")");
  auto missing = create(node(code, "nodejs20.x", "nothing.handler"));
  auto result = invoke(*missing);
  EXPECT_EQ(result.outcome.kind, Kind::init_error);
  EXPECT_THAT(result.outcome.payload, HasSubstr("Runtime.ImportModuleError"));
}

constexpr const char* kBootstrap = R"(#!/bin/bash
exec 3<>/dev/null
call() { # method path body -> headers and body on descriptor 5
  exec 5<>/dev/tcp/127.0.0.1/9001
  printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %s\r\n\r\n%s' "$1" "/2018-06-01/runtime/$2" "${#3}" "$3" >&5
  answer=$(cat <&5)
  exec 5<&-
}
while true; do
  call GET invocation/next ""
  id=$(printf '%s' "$answer" | tr -d '\r' | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //Ip')
  body=$(printf '%s' "$answer" | tr -d '\r' | sed '1,/^$/d')
  echo "handler $_HANDLER"
  call POST "invocation/wrong/response" "x"
  case "$answer" in *"400 Bad Request"*) ;; *) exit 9;; esac
  call POST "invocation/$id/response" "{\"got\":$body,\"pwd\":\"$PWD\"}"
done
)";

TEST_F(SandboxTest, ProvidedRunsItsBootstrap) {
  Folder code;
  code.add("bootstrap", kBootstrap, 0755);
  auto spec = python(code, "anything");
  spec.runtime = "provided.al2023";
  auto environment = create(spec);
  for (int i = 0; i < 2; ++i) {
    auto result = invoke(*environment, "[1]");
    EXPECT_EQ(result.outcome.payload, R"({"got":[1],"pwd":"/var/task"})") << testing::PrintToString(result.lines);
    EXPECT_THAT(result.lines, ElementsAre("handler anything"));
  }
  Folder none;
  spec.code = none.path();
  auto empty = create(spec);
  auto missing = invoke(*empty);
  EXPECT_EQ(missing.outcome.kind, Kind::init_error);
  EXPECT_THAT(missing.outcome.payload, HasSubstr("Runtime.InvalidEntrypoint"));
  Folder fails;
  fails.add("bootstrap", "#!/bin/sh\necho failing\nexit 4\n", 0755);
  spec.code = fails.path();
  auto failing = create(spec);
  auto result = invoke(*failing);
  EXPECT_EQ(result.outcome.kind, Kind::crash);
  EXPECT_EQ(result.outcome.exit_status, 4);
  EXPECT_THAT(result.lines, ElementsAre("failing"));
}

TEST_F(SandboxTest, JavaAnswers) {
  if (sandbox_->runtime("java17").actual.empty()) GTEST_SKIP() << sandbox_->runtime("java17").detail;
  Folder code;
  code.add("app/Main.java",
           "package app;\nimport com.amazonaws.services.lambda.runtime.*;\nimport java.util.Map;\n"
           "public class Main implements RequestHandler<Map<String, Object>, Map<String, Object>> {\n"
           "  static int n = 0;\n"
           "  public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {\n"
           "    context.getLogger().log(\"two\\nlines\");\n"
           "    if (event.containsKey(\"fail\")) throw new IllegalStateException(\"no good\");\n"
           "    return Map.of(\"n\", ++n, \"event\", event, \"name\", context.getFunctionName(), \"heap\", "
           "Runtime.getRuntime().maxMemory() >> 20);\n"
           "  }\n}\n");
  auto spec = java(code, "app.Main::handleRequest");
  spec.memory_mb = 512;
  spec.environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "512";
  auto environment = create(spec);
  auto result = invoke(*environment, R"({"a":1})");
  ASSERT_EQ(result.outcome.kind, Kind::success) << result.outcome.payload << testing::PrintToString(result.lines);
  EXPECT_THAT(result.outcome.payload, HasSubstr(R"("event":{"a":1})"));
  EXPECT_THAT(result.outcome.payload, HasSubstr(R"("name":"f")"));
  EXPECT_THAT(result.lines, ElementsAre("two\nlines"));
  auto failed = invoke(*environment, R"({"fail":true})");
  EXPECT_EQ(failed.outcome.kind, Kind::function_error);
  EXPECT_THAT(failed.outcome.payload, HasSubstr("java.lang.IllegalStateException"));
  EXPECT_EQ(invoke(*environment).outcome.kind, Kind::success);
  spec.handler = "app.Nobody";
  auto missing = create(spec);
  auto init = invoke(*missing);
  EXPECT_EQ(init.outcome.kind, Kind::function_error);  // so says AWS's client
  EXPECT_THAT(init.outcome.payload, HasSubstr("Class not found: app.Nobody"));
}

// Its machine is older than what it asks for.
TEST_F(SandboxTest, JavaLearnsLateWhatItsFunctionIs) {
  if (sandbox_->runtime("java17").actual.empty()) GTEST_SKIP() << sandbox_->runtime("java17").detail;
  Folder code;
  code.add("here.txt", "");
  code.add(
      "app/Main.java",
      "package app;\nimport java.util.*;\n"
      "public class Main {\n"
      "  public String handle(Map<String, Object> event) {\n"
      "    String heap = java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments().stream()\n"
      "        .filter(word -> word.startsWith(\"-Xmx\")).findFirst().get();\n"
      "    return String.join(\" \", System.getenv(\"MINE\"), TimeZone.getDefault().getID(), System.getProperty(\"user.dir\"),\n"
      "        \"\" + new java.io.File(\"here.txt\").exists(), heap, System.getProperty(\"late\", \"-\"));\n"
      "  }\n}\n");
  auto spec = java(code, "app.Main::handle");
  spec.environment["MINE"] = "x";
  spec.environment["TZ"] = "America/Sao_Paulo";
  auto answer = [&](int memory_mb) {
    spec.memory_mb = memory_mb;
    return invoke(*create(spec)).outcome.payload;
  };
  sandbox_->expect("java17", 256);
  const auto reused = sandbox_->counters().reused_slots;
  EXPECT_EQ(answer(256), R"("x America/Sao_Paulo /var/task true -Xmx177m -")");
  EXPECT_EQ(sandbox_->counters().reused_slots, reused + 1);
  for (auto [memory_mb, heap] : {std::pair(512, 395), {1024, 830}, {2048, 1700}, {128, 68}, {256, 177}})
    EXPECT_EQ(answer(memory_mb), fmt::format(R"("x America/Sao_Paulo /var/task true -Xmx{}m -")", heap));
  spec.environment["JAVA_TOOL_OPTIONS"] = "-Dlate=no";
  EXPECT_EQ(answer(256), R"("x America/Sao_Paulo /var/task true -Xmx177m no")");
}

TEST_F(SandboxTest, UnknownRuntimes) {
  Folder code;
  for (const char* name : {"java21", "python2.7", "go1.x", "../../etc", ""}) {
    auto spec = python(code);
    spec.runtime = name;
    EXPECT_THROW(create(spec), UnknownRuntime) << name;
  }
  EXPECT_EQ(sandbox_->runtime("python3.8").actual, "python3.11");
  EXPECT_EQ(sandbox_->runtime("python3.13").actual, "python3.11");
}

TEST_F(SandboxTest, CodeThatIsNotThere) {
  Folder code;
  auto spec = python(code);
  spec.code = code.path() / "missing";
  EXPECT_THROW(create(spec), SandboxFailed);
  fs::create_directory_symlink("/etc", code.path() / "link");
  spec.code = code.path() / "link";
  EXPECT_THROW(create(spec), SandboxFailed);
}

TEST_F(SandboxTest, ManyAtOnce) {
  Folder code;
  code.add("app.py", "import os\ndef handler(event, context):\n  return event\n");
  std::vector<std::unique_ptr<Environment>> all;
  for (int i = 0; i < 12; ++i) all.push_back(create(python(code)));
  for (int i = 0; i < 12; ++i)
    EXPECT_EQ(invoke(*all[static_cast<std::size_t>(i)], std::to_string(i)).outcome.payload, std::to_string(i));
  EXPECT_GE(sandbox_->counters().alive, 12U);
  all.clear();
}

TEST_F(SandboxTest, TheExecutableIsStartedAgain) {
  Folder code;
  code.add("app.py", "import time\ndef handler(event, context):\n  time.sleep(event)\n  return 'up'\n");
  auto environment = create(python(code));
  EXPECT_EQ(invoke(*environment, "0").outcome.payload, R"("up")");
  const auto first = keeper();
  std::this_thread::sleep_for(1s);
  ASSERT_EQ(kill(std::stoi(first), SIGKILL), 0);  // takes the supervisor along
  auto result = invoke(*environment, "20", 10s);
  EXPECT_EQ(result.outcome.kind, Kind::crash);
  EXPECT_FALSE(environment->alive());
  environment.reset();
  auto again = create(python(code));
  EXPECT_EQ(invoke(*again, "0").outcome.payload, R"("up")");
  again.reset();
  EXPECT_THAT(leftovers(first), IsEmpty());  // the new one removes what the killed one could not
}

// Run by the next test in a process of its own, which is killed.
TEST_F(SandboxTest, DISABLED_HoldsAnEnvironment) {
  Folder code;
  code.add("app.py", "import subprocess\ndef handler(event, context):\n  subprocess.Popen(['sleep', '4343'])\n  return 1\n");
  auto environment = create(python(code));
  ASSERT_EQ(invoke(*environment).outcome.kind, Kind::success);
  environment->freeze();
  std::ofstream(getenv("LAMBARI_TEST_READY")) << keeper();
  std::this_thread::sleep_for(30s);
}

TEST_F(SandboxTest, NothingSurvivesAKilledServer) {
  Folder folder;
  const auto ready = (folder.path() / "ready").string();
  pid_t child = fork();
  if (child == 0) {
    setenv("LAMBARI_TEST_READY", ready.c_str(), 1);
    setenv("TMPDIR", folder.path().c_str(), 1);  // what it leaves goes with ours
    execl("/proc/self/exe", "sandbox_test", "--gtest_also_run_disabled_tests",
          "--gtest_filter=SandboxTest.DISABLED_HoldsAnEnvironment", nullptr);
    _exit(1);
  }
  std::string keeper;
  for (int i = 0; i < 1000 && keeper.empty(); ++i, std::this_thread::sleep_for(10ms)) keeper = read(ready);
  ASSERT_NE(keeper, "");
  EXPECT_TRUE(runs("sleep", "4343"));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  for (int i = 0; i < 500 && !(leftovers(keeper).empty() && !runs("sleep", "4343")); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_THAT(leftovers(keeper), IsEmpty());
  EXPECT_FALSE(runs("sleep", "4343"));
}

// --isolation=process: the same functions, without walls.
TEST(PlainSandbox, RunsAllFamilies) {
  async::Loops loops(1);
  http::Server endpoint(loops, answer_endpoint);
  Folder state, code, one, two;
  Options options;
  options.state_directory = state.path() / "state";
  options.isolation = Isolation::process;
  auto sandbox = Sandbox::start(loops, endpoint, options);
  one.add("python/shared.py", "name = 'one'\n").add("python/first.py", "");
  two.add("python/shared.py", "name = 'two'\n");
  code.add("app.py",
           "import shared, first, os, urllib.request\ndef handler(event, context):\n  print('hello')\n"
           "  return shared.name + urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'] + '/x').read().decode()[:4]\n");
  code.add("app.mjs", "export const handler = async () => process.version.slice(0, 4);\n");
  code.add("bootstrap", "#!/bin/sh\nexit 3\n", 0755);
  auto run = [&](const std::string& runtime) {
    FunctionSpec spec;
    spec.runtime = runtime;
    spec.handler = "app.handler";
    spec.code = code.path();
    spec.layers = {one.path(), two.path()};
    struct Call {
      static async::Task<> run(Sandbox& sandbox, FunctionSpec spec, Outcome& outcome) {
        auto environment = co_await sandbox.create(std::move(spec));
        Invocation invocation;
        invocation.request_id = "1";
        invocation.payload = "{}";
        invocation.timeout = 20s;
        outcome = co_await environment->invoke(std::move(invocation), [](base::Timestamp, std::string) {});
      }
    };
    Outcome outcome;
    loops.run(Call::run(*sandbox, std::move(spec), outcome));
    return outcome;
  };
  EXPECT_EQ(run("python3.11").payload, R"("twoenv:")");
  EXPECT_EQ(run("nodejs20.x").payload, R"("v20.")");
  auto custom = run("provided.al2023");
  EXPECT_EQ(custom.kind, Kind::crash);
  EXPECT_EQ(custom.exit_status, 3);
  sandbox.reset();
  loops.stop();
}

}  // namespace
}  // namespace lambari::sandbox
