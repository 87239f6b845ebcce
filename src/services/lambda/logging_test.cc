// What Lambda writes into a function's log, in which order and form, and the second try of a failed Init phase.
#include <gmock/gmock.h>

#include "base/bytes.h"
#include "base/json.h"
#include "services/lambda/fakes.h"
#include "services/lambda/log_style.h"
#include "services/lambda/platform_log.h"

namespace lambari::lambda {
namespace {

using aws::lambda::InvocationRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::World;
using Kind = sandbox::Outcome::Kind;
using namespace std::chrono_literals;

// The only stream of a group, as lines.
std::vector<std::string> lines_of(World& w, const std::string& group) {
  const std::lock_guard lock(w.logs.mutex);
  const auto streams = w.logs.text[group];
  EXPECT_EQ(streams.size(), 1u);
  std::vector<std::string> lines;
  if (streams.empty()) return lines;
  std::istringstream text(streams.begin()->second);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::string word(const std::string& line) { return line.substr(0, line.find(' ')); }

std::vector<std::string> words(const std::vector<std::string>& lines) {
  std::vector<std::string> out;
  for (const auto& line : lines) out.push_back(word(line));
  return out;
}

sandbox::Outcome failed(Kind kind, std::chrono::microseconds took) {
  sandbox::Outcome outcome;
  outcome.kind = kind;
  outcome.init_duration = took;
  if (kind == Kind::crash) {
    outcome.error_type = "Runtime.ExitError";
    outcome.exit_status = 1;
  }
  return outcome;
}

TEST(Logging, InitComesBeforeStart) {
  World w;
  w.sandbox.initializer = [](const auto&, const sandbox::LineSink& lines) {
    lines({1}, "loading");
    sandbox::Outcome outcome;
    outcome.init_duration = 100ms;
    return outcome;
  };
  w.create_active("f");
  w.invoke("f");
  w.invoke("f");
  const auto lines = lines_of(w, "/aws/lambda/f");
  EXPECT_THAT(words(lines),
              ElementsAre("INIT_START", "loading", "START", "hello", "END", "REPORT", "START", "hello", "END", "REPORT"));
  EXPECT_THAT(lines[5], HasSubstr("Init Duration: 100.00 ms"));
  EXPECT_THAT(lines[5], HasSubstr("Billed Duration: 102 ms"));
  EXPECT_THAT(lines[9], ::testing::Not(HasSubstr("Init Duration")));
}

TEST(Logging, AnInitThatFailsIsTriedOnceMoreInTheInvocation) {
  World w;
  w.create_active("f");
  int tries = 0;
  w.sandbox.initializer = [&](const sandbox::FunctionSpec& spec, const sandbox::LineSink&) {
    EXPECT_EQ(spec.init_within_invocation, tries == 1) << "the second try has the invocation's time";
    if (++tries == 1) return failed(Kind::timeout, 10s);
    sandbox::Outcome outcome;
    outcome.init_duration = 1'500ms;
    return outcome;
  };
  w.sandbox.handler = [&](const auto&, const auto&, const auto&) {
    sandbox::Outcome outcome;
    outcome.payload = "1";
    outcome.duration = 1'502ms;
    return outcome;
  };
  EXPECT_EQ(*w.invoke("f").Payload, "1");
  EXPECT_EQ(w.sandbox.specs.size(), 2u);
  EXPECT_EQ(w.room->counters().environments, 1u);
  const auto lines = lines_of(w, "/aws/lambda/f");
  EXPECT_THAT(words(lines), ElementsAre("INIT_START", "INIT_REPORT", "START", "END", "REPORT"));
  EXPECT_EQ(lines[1], "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout");
  EXPECT_THAT(lines[4], HasSubstr("Duration: 1502.00 ms\tBilled Duration: 1502 ms"));
  EXPECT_THAT(lines[4], ::testing::Not(HasSubstr("Init Duration")));
}

TEST(Logging, AnInitThatFailsTwiceFailsTheInvocation) {
  World w;
  w.create_active("f");
  w.sandbox.initializer = [](const auto&, const auto&) { return failed(Kind::crash, 20ms); };
  const auto answer = w.invoke("f");
  EXPECT_EQ(answer.FunctionError, "Unhandled");
  EXPECT_THAT(*answer.Payload, HasSubstr("Runtime exited with error: exit status 1"));
  EXPECT_EQ(w.sandbox.alive, 0);
  EXPECT_EQ(w.room->counters().environments, 0u);
  const auto lines = lines_of(w, "/aws/lambda/f");
  EXPECT_THAT(words(lines), ElementsAre("INIT_START", "INIT_REPORT", "INIT_REPORT", "START", "RequestId:", "Runtime.ExitError",
                                        "END", "REPORT"));
  EXPECT_EQ(lines[2], "INIT_REPORT Init Duration: 20.00 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError");
  EXPECT_THAT(lines[7], HasSubstr("Status: error\tError Type: Runtime.ExitError"));
}

aws::lambda::LoggingConfig logging(std::optional<std::string> format, std::optional<std::string> application,
                                   std::optional<std::string> system) {
  aws::lambda::LoggingConfig config;
  config.LogFormat = std::move(format);
  config.ApplicationLogLevel = std::move(application);
  config.SystemLogLevel = std::move(system);
  return config;
}

void configure(World& w, const std::string& name, aws::lambda::LoggingConfig config) {
  aws::lambda::UpdateFunctionConfigurationRequest request;
  request.FunctionName = name;
  request.LoggingConfig = std::move(config);
  w.call_api(&Lambda::UpdateFunctionConfiguration, request);
  w.wait(name);
}

TEST(Logging, JsonDocuments) {
  World w;
  auto request = w.create_request("f");
  request.LoggingConfig = logging("JSON", std::nullopt, "DEBUG");
  request.LoggingConfig->LogGroup = "/mine";
  w.call_api(&Lambda::CreateFunction, request);
  const auto shown = *w.wait("f").LoggingConfig;
  EXPECT_EQ(shown.LogFormat, "JSON");
  EXPECT_EQ(shown.ApplicationLogLevel, "INFO");
  EXPECT_EQ(shown.SystemLogLevel, "DEBUG");
  w.sandbox.handler = [](const sandbox::FunctionSpec& spec, const auto&, const sandbox::LineSink& lines) {
    EXPECT_EQ(spec.environment.at("AWS_LAMBDA_LOG_FORMAT"), "JSON");
    EXPECT_EQ(spec.environment.at("AWS_LAMBDA_LOG_LEVEL"), "INFO");
    lines({1}, R"({"level":"DEBUG","message":"held back"})");
    lines({1}, R"({"level":"ERROR","message":"passes"})");
    lines({1}, "plain");
    sandbox::Outcome outcome;
    outcome.payload = "12345";
    outcome.duration = 2'500us;
    outcome.max_memory_bytes = 30 << 20;
    return outcome;
  };
  w.invoke("f");
  std::vector<std::string> types;
  for (const auto& line : lines_of(w, "/mine")) {
    const auto document = base::parse_json(line);
    if (!document) {
      types.push_back(line);
      continue;
    }
    const auto& object = document->as_object();
    if (const auto* message = object.if_contains("message")) types.emplace_back(message->as_string());
    if (const auto* type = object.if_contains("type")) types.emplace_back(type->as_string());
    if (types.back() == "platform.report") {
      const auto& record = object.at("record").as_object();
      EXPECT_EQ(record.at("status"), "success");
      EXPECT_EQ(base::to_json(record.at("metrics")),
                R"({"durationMs":2.5,"billedDurationMs":103,"memorySizeMB":128,"maxMemoryUsedMB":30,"initDurationMs":100})");
    }
  }
  EXPECT_THAT(types, ElementsAre("platform.initStart", "platform.initRuntimeDone", "platform.initReport", "platform.start",
                                 "passes", "plain", "platform.runtimeDone", "platform.report"));
}

TEST(Logging, LevelsHoldBack) {
  World w;
  auto request = w.create_request("f");
  request.LoggingConfig = logging("JSON", "FATAL", "WARN");
  w.call_api(&Lambda::CreateFunction, request);
  w.wait("f");
  w.invoke("f");
  EXPECT_THAT(lines_of(w, "/aws/lambda/f"), ElementsAre("hello from $LATEST"));

  sandbox::Outcome timeout;
  timeout.kind = Kind::timeout;
  w.sandbox.handler = [&](const auto&, const auto&, const auto&) { return timeout; };
  w.invoke("f");
  const auto lines = lines_of(w, "/aws/lambda/f");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[1], HasSubstr(R"("type":"platform.runtimeDone")"));
  EXPECT_THAT(lines[2], HasSubstr(R"("status":"timeout")"));

  configure(w, "f", logging("Text", std::nullopt, std::nullopt));
  const auto shown = *w.get("f").LoggingConfig;
  EXPECT_EQ(shown.LogFormat, "Text");
  EXPECT_FALSE(shown.SystemLogLevel);
  EXPECT_THAT(w.fault_of([&] { configure(w, "f", logging(std::nullopt, "INFO", std::nullopt)); }),
              StartsWith("InvalidParameterValueException: LogLevel is not supported when LogFormat is set to \"Text\"."));
  w.restart();
  EXPECT_EQ(w.get("f").LoggingConfig->LogFormat, "Text");
}

TEST(Logging, ExtensionsShowInTheLog) {
  Version version;
  const base::Timestamp now{1'769'817'600'000};
  const auto* registered = R"({"name":"watcher","state":"Ready","events":["INVOKE","SHUTDOWN"]})";
  const auto* subscribed = R"({"name":"watcher","state":"Subscribed","types":["platform","function"]})";
  EXPECT_THAT(extension_told(version, "platform.extension", registered, now),
              ElementsAre("EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n"));
  EXPECT_THAT(extension_told(version, "platform.telemetrySubscription", subscribed, now),
              ElementsAre("TELEMETRY\tName: watcher\tState: Subscribed\tTypes: [Platform, Function]\n"));
  EXPECT_THAT(extension_told(version, "platform.logsSubscription", subscribed, now),
              ElementsAre("LOGS\tName: watcher\tState: Subscribed\tTypes: [Platform, Function]\n"));
  version.configuration.log_format = "JSON";
  version.configuration.system_log_level = "INFO";
  EXPECT_THAT(extension_told(version, "platform.extension", registered, now),
              ElementsAre(R"({"time":"2026-01-31T00:00:00.000Z","type":"platform.extension","record":)" +
                          std::string(registered) + "}\n"));
  version.configuration.system_log_level = "WARN";
  EXPECT_TRUE(extension_told(version, "platform.extension", registered, now).empty());
}

TEST(Logging, Levels) {
  EXPECT_EQ(log_level("warning"), LogLevel::warn);
  EXPECT_EQ(log_level("CRITICAL"), LogLevel::fatal);
  EXPECT_EQ(log_level("loud"), std::nullopt);
  LogStyle style{true, LogLevel::warn, LogLevel::info};
  EXPECT_FALSE(passes(style, R"( {"level":"info"})"));
  EXPECT_TRUE(passes(style, R"({"level":"WARN"})"));
  EXPECT_TRUE(passes(style, R"({"level":"loud"})"));
  EXPECT_TRUE(passes(style, R"({"level":7})"));
  EXPECT_TRUE(passes(style, R"({"level":)")) << "not JSON";
  style.json = false;
  EXPECT_TRUE(passes(style, R"({"level":"info"})"));
}

}  // namespace
}  // namespace lambari::lambda
