#include "sandbox/runtimes.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "base/text.h"

namespace lambari::sandbox {
namespace {

constexpr int kOldestPython = 8, kNewestPython = 14;
constexpr int kNodes[] = {16, 18, 20, 22, 24};
constexpr const char* kCustom[] = {"provided", "provided.al2", "provided.al2023"};
constexpr int kJavas[] = {8, 11, 17, 21, 25};
// What lambari has no pack for, and why.
constexpr std::pair<const char*, const char*> kElsewhere[] = {
    {"ruby", "AWS's runtime client for Ruby is not on the registries that lambari builds from; package it as provided.al2023"},
    {"dotnet", "Debian 12 carries no .NET; publish it self-contained as provided.al2023"},
    {"go1", "AWS has ended it; build the function as provided.al2023"},
};

// The number that tells versions of a family apart: 11 of "python3.11", 20 of "nodejs20.x"; -1 for other names.
int version_in(const std::string& name, std::string_view before, std::string_view after) {
  if (!name.starts_with(before) || !name.ends_with(after) || name.size() <= before.size() + after.size()) return -1;
  int version = -1;
  const char* end = name.data() + name.size() - after.size();
  auto [stop, error] = std::from_chars(name.data() + before.size(), end, version);
  return error == std::errc() && stop == end ? version : -1;
}
int python_version(const std::string& name) { return version_in(name, "python3.", ""); }
int node_version(const std::string& name) { return version_in(name, "nodejs", ".x"); }
int java_version(const std::string& name) { return name == "java8.al2" ? 8 : version_in(name, "java", ""); }

RuntimeInfo nearest(const std::string& asked, int wanted, const std::vector<std::string>& packs,
                    int (*version_of)(const std::string&), bool strict) {
  std::string newer, older;
  for (const auto& pack : packs) {
    int version = version_of(pack);
    if (version == wanted) return {asked, pack, "as asked"};
    if (version > wanted && (newer.empty() || version < version_of(newer))) newer = pack;
    if (version >= 0 && version < wanted && (older.empty() || version > version_of(older))) older = pack;
  }
  if (version_of == java_version) older.clear();
  const auto& instead = newer.empty() ? older : newer;
  if (instead.empty() && version_of == java_version)
    return {asked, "", fmt::format("there is no Java {} here; install its JDK and run scripts/build-runtimes", wanted)};
  if (instead.empty()) return {asked, "", "no runtime pack for it; run scripts/build-runtimes"};
  if (strict) return {asked, "", "not on this host (" + instead + " is), and --strict-runtimes refuses others"};
  return {asked, instead, asked + " is not on this host; " + instead + " runs in its place"};
}

bool starts_with_any(const std::string& name, std::initializer_list<std::string_view> beginnings) {
  for (auto beginning : beginnings)
    if (name.starts_with(beginning)) return true;
  return false;
}

}  // namespace

std::vector<std::string> runtime_names() {
  std::vector<std::string> names;
  for (int minor = kOldestPython; minor <= kNewestPython; ++minor) names.push_back("python3." + std::to_string(minor));
  for (int major : kNodes) names.push_back("nodejs" + std::to_string(major) + ".x");
  for (int version : kJavas) names.push_back(version == 8 ? "java8.al2" : "java" + std::to_string(version));
  names.insert(names.end(), std::begin(kCustom), std::end(kCustom));
  names.insert(names.end(), {"ruby3.2", "ruby3.3", "ruby3.4", "dotnet8", "dotnet10"});  // refused, and doctor says why
  return names;
}

std::vector<std::string> packs_in(const std::filesystem::path& folder) {
  std::vector<std::string> packs;
  std::error_code none;
  for (std::filesystem::directory_iterator it(folder, none), end; !none && it != end; it.increment(none)) {
    auto name = it->path().filename().string();
    if ((python_version(name) >= 0 || node_version(name) >= 0 || java_version(name) >= 0) &&
        std::filesystem::is_directory(it->path() / "runtime", none))
      packs.push_back(name);
    none.clear();
  }
  std::sort(packs.begin(), packs.end());
  return packs;
}

Family family_of(const std::string& runtime) {
  if (runtime.starts_with("python")) return Family::python;
  if (runtime.starts_with("nodejs")) return Family::node;
  if (runtime.starts_with("java")) return Family::java;
  return Family::custom;
}

RuntimeInfo choose_runtime(const std::string& asked, const std::vector<std::string>& packs, bool strict) {
  for (const char* name : kCustom)
    if (asked == name) return {asked, asked, "the function brings its own bootstrap"};
  if (int minor = python_version(asked); minor >= kOldestPython && minor <= kNewestPython)
    return nearest(asked, minor, packs, python_version, strict);
  if (int major = node_version(asked); std::find(std::begin(kNodes), std::end(kNodes), major) != std::end(kNodes))
    return nearest(asked, major, packs, node_version, strict);
  if (int version = java_version(asked); std::find(std::begin(kJavas), std::end(kJavas), version) != std::end(kJavas))
    return nearest(asked, version, packs, java_version, strict);
  if (asked == kImageRuntime) return {asked, asked, "the image brings all that it needs"};
  for (const auto& [family, why] : kElsewhere)
    if (asked.starts_with(family)) return {asked, "", why};
  return {asked, "", "not a runtime that lambari knows"};
}

namespace {

// What any process in a slot starts with.
std::map<std::string, std::string> common_variables(const Places& places) {
  return {{"PATH", places.language + "/bin:/usr/local/bin:/usr/bin/:/bin:" + places.layers + "/bin"},
          {"LD_LIBRARY_PATH", places.language + "/lib:/lib64:/usr/lib64:" + places.runtime + ":" + places.runtime +
                                  "/lib:" + places.task + ":" + places.task + "/lib:" + places.layers + "/lib"},
          {"LANG", "en_US.UTF-8"},
          {"TZ", ":UTC"}};
}

std::string runtime_api(const Places& places) { return "127.0.0.1:" + std::to_string(places.runtime_port); }

// SDKs bring lists of authorities of their own, and each language has its variable to replace or extend them.
void add_authorities(std::map<std::string, std::string>& all, const Places& places) {
  if (places.authorities.empty()) return;
  for (const char* name : {"AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"})
    all[name] = places.authorities;
  all["NODE_EXTRA_CA_CERTS"] = places.authority;
}

// What no function may change.
void add_reserved(std::map<std::string, std::string>& all, const FunctionSpec& spec, const Places& places) {
  all["AWS_LAMBDA_RUNTIME_API"] = runtime_api(places);
  all["AWS_LAMBDA_INITIALIZATION_TYPE"] = spec.provisioned ? "provisioned-concurrency" : "on-demand";
}

}  // namespace

std::map<std::string, std::string> image_variables(const FunctionSpec& spec, const Places& places) {
  std::map<std::string, std::string> all = {{"PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"},
                                            {"TZ", ":UTC"},
                                            {"AWS_ENDPOINT_URL", "http://127.0.0.1:" + std::to_string(places.endpoint_port)}};
  add_authorities(all, places);
  for (const auto* from : {&spec.image->environment, &spec.environment})
    for (const auto& [name, value] : *from) all[name] = value;
  add_reserved(all, spec, places);
  return all;
}

std::map<std::string, std::string> variables(const FunctionSpec& spec, Family family, const std::string& actual,
                                             const Places& places) {
  auto all = common_variables(places);
  all["AWS_ENDPOINT_URL"] = "http://127.0.0.1:" + std::to_string(places.endpoint_port);
  all["AWS_XRAY_CONTEXT_MISSING"] = "LOG_ERROR";
  all["AWS_XRAY_DAEMON_ADDRESS"] = "169.254.79.129:2000";
  add_authorities(all, places);
  if (family == Family::python) all["PYTHONPATH"] = places.runtime;
  if (family == Family::node) {
    // nodejs/nodeNN/node_modules of a layer is for one version only.
    const auto version = "node" + actual.substr(6, actual.find('.') - 6);
    all["NODE_PATH"] = places.layers + "/nodejs/" + version + "/node_modules:" + places.layers +
                       "/nodejs/node_modules:" + places.runtime + "/node_modules:" + places.runtime + ":" + places.task;
  }
  for (const auto& [name, value] : spec.environment) all[name] = value;

  all["_HANDLER"] = spec.handler;
  all["LAMBDA_TASK_ROOT"] = places.task;
  all["LAMBDA_RUNTIME_DIR"] = places.runtime;
  add_reserved(all, spec, places);
  if (family != Family::custom) {
    all["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + spec.runtime;
    all["_LAMBDA_TELEMETRY_LOG_FD"] = "4";  // the client takes it away again; see output.h
    if (places.layers != "/opt") all["LAMBARI_LAYERS"] = places.layers;
  }
  return all;
}

namespace {

// The heap has what AWS gives it, less what the machine itself needs in a small function. The client opens its log by number,
// which java.io keeps to itself. Compiled once and lightly, with the classes of the interface client mapped from an archive: a
// function lives too short for more.
// https://docs.aws.amazon.com/lambda/latest/dg/java-customization.html
std::vector<std::string> java_words(int memory_mb, const Places& places) {
  const auto jars = places.runtime + "/lib";
  std::vector<std::string> words = {places.language + "/bin/java",
                                    fmt::format("-Xmx{}m", std::max(memory_mb * 85 / 100 - 40, memory_mb / 2))};
  for (const char* flag : {"-XX:+UseSerialGC", "-XX:+TieredCompilation", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
                           "-Xshare:auto", "-Xlog:cds=off", "-Xlog:class+path=off", "--add-opens=java.base/java.io=ALL-UNNAMED"})
    words.emplace_back(flag);
  words.push_back("-XX:SharedArchiveFile=" + places.runtime + "/runtime.jsa");
  words.push_back("-Dcom.amazonaws.services.lambda.runtime.api.client.runtimeapi.NativeClient.JNI=" + jars +
                  "/libaws-lambda-jni.so");
  words.emplace_back("-classpath");
  words.push_back(
      fmt::format("{0}/aws-lambda-java-core.jar:{0}/aws-lambda-java-runtime-interface-client.jar:"
                  "{0}/aws-lambda-java-serialization.jar:{0}/utils-lite.jar:{0}/lambari.jar",
                  jars));
  return words;
}

std::vector<std::string> node_words(const Places& places) {
  return {places.language + "/bin/node", "--expose-gc", "--max-http-header-size=81920", places.runtime + "/lambari-node.mjs"};
}

// Read by the loader, libc or the interpreter at its start. Harmless ones that many set are not among them.
bool read_at_start(Family family, const std::string& name) {
  if (name == "AWS_LAMBDA_EXEC_WRAPPER" || starts_with_any(name, {"LD_", "GLIBC_", "MALLOC_", "LC_", "OPENSSL_"})) return true;
  switch (family) {
    case Family::python:
      return name.starts_with("PYTHON") && name != "PYTHONPATH" && name != "PYTHONUNBUFFERED" &&
             name != "PYTHONDONTWRITEBYTECODE";
    case Family::node:
      // SSL_CERT_FILE: not Node's business, but for the way in which waiting interpreters trust lambari.
      return (starts_with_any(name, {"NODE_", "UV_", "AWS_LAMBDA_NODEJS_"}) && name != "NODE_ENV" && name != "NODE_PATH") ||
             name == "SSL_CERT_FILE";
    case Family::java: return name == "LANG" || starts_with_any(name, {"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS"});
    case Family::custom: return true;
  }
  return true;
}

}  // namespace

Start choose_start(const std::string& actual, const std::map<std::string, std::string>& environment, int memory_mb,
                   const Places& places) {
  using protocol::Mode;
  const auto family = family_of(actual);
  if (family == Family::custom) return {"provided", Mode::launch, ""};
  for (const auto& [name, value] : environment)
    if (read_at_start(family, name)) return {actual, Mode::launch, ""};
  if (family == Family::python) return {actual, Mode::zygote, ""};
  auto all = common_variables(places);
  all["AWS_LAMBDA_RUNTIME_API"] = runtime_api(places);
  std::vector<std::string> words;
  if (family == Family::node) {
    words = node_words(places);
    words.emplace_back("wait");
    // Node.js 20 takes 15 ms to read NODE_EXTRA_CA_CERTS when it starts. This is read when TLS is first used, and the bundle that
    // it names holds the same.
    if (!places.authorities.empty()) {
      words.insert(words.begin() + 1, "--use-openssl-ca");
      all["SSL_CERT_FILE"] = places.authorities;
    }
  } else {
    words = java_words(memory_mb, places);
    words.emplace_back("lambari.Waiting");
  }
  std::string primer(protocol::kPrime);
  primer += '\0';
  return {actual, Mode::launch, primer + assignment(places.task, words, all)};
}

std::vector<std::string> command(Family family, const std::map<std::string, std::string>& variables, int memory_mb,
                                 const Places& places) {
  std::vector<std::string> words;
  if (auto wrapper = variables.find("AWS_LAMBDA_EXEC_WRAPPER"); wrapper != variables.end() && family != Family::custom)
    words.push_back(wrapper->second);
  auto add = [&](const std::vector<std::string>& more) { words.insert(words.end(), more.begin(), more.end()); };
  if (family == Family::python) add({places.language + "/bin/python3", "-S", "-s", places.runtime + "/lambari_python.py", "run"});
  if (family == Family::node) {
    add(node_words(places));
    words.emplace_back("run");
  }
  if (family == Family::java) {
    add(java_words(memory_mb, places));
    words.emplace_back("com.amazonaws.services.lambda.runtime.api.client.AWSLambda");
    words.push_back(variables.at("_HANDLER"));
  }
  return words;
}

std::map<std::string, std::string> extension_variables(std::map<std::string, std::string> variables) {
  for (const char* name : {"AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
                           "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
                           "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT", "_HANDLER", "_LAMBDA_TELEMETRY_LOG_FD"})
    variables.erase(name);
  return variables;
}

std::string assignment(const std::string& folder, const std::vector<std::string>& arguments,
                       const std::map<std::string, std::string>& variables, const std::vector<std::string>& extensions) {
  std::string message;
  auto add = [&](std::string_view text) {
    if (text.find('\0') != std::string_view::npos) throw SandboxFailed("a variable of the function contains NUL");
    message += text;
    message += '\0';
  };
  add(folder);
  for (const auto& argument : arguments) add(argument);
  message += '\0';
  for (const auto& [name, value] : variables)
    if (!name.empty()) add(name + "=" + value);
  message += '\0';
  if (!extensions.empty()) {
    for (const auto& program : extensions) add(program);
    message += '\0';
    for (const auto& [name, value] : extension_variables(variables))
      if (!name.empty()) add(name + "=" + value);
    message += '\0';
  }
  if (message.size() > protocol::kMaxAssignment) throw SandboxFailed("the function's environment is too large");
  return message;
}

}  // namespace lambari::sandbox
