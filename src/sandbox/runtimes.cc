#include "sandbox/runtimes.h"

#include <charconv>
#include <system_error>

namespace lambari::sandbox {
namespace {

constexpr int kOldestPython = 8, kNewestPython = 14;
constexpr int kNodes[] = {16, 18, 20, 22, 24};
constexpr const char* kCustom[] = {"provided", "provided.al2", "provided.al2023"};
constexpr const char* kElsewhere[] = {"java", "dotnet", "ruby", "go1"};

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

RuntimeInfo nearest(const std::string& asked, int wanted, const std::vector<std::string>& packs,
                    int (*version_of)(const std::string&), bool strict) {
  std::string newer, older;
  for (const auto& pack : packs) {
    int version = version_of(pack);
    if (version == wanted) return {asked, pack, "as asked"};
    if (version > wanted && (newer.empty() || version < version_of(newer))) newer = pack;
    if (version >= 0 && version < wanted && (older.empty() || version > version_of(older))) older = pack;
  }
  const auto& instead = newer.empty() ? older : newer;
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
  names.insert(names.end(), std::begin(kCustom), std::end(kCustom));
  return names;
}

std::vector<std::string> packs_in(const std::filesystem::path& folder) {
  std::vector<std::string> packs;
  std::error_code none;
  for (std::filesystem::directory_iterator it(folder, none), end; !none && it != end; it.increment(none)) {
    auto name = it->path().filename().string();
    if ((python_version(name) >= 0 || node_version(name) >= 0) && std::filesystem::is_directory(it->path() / "runtime", none))
      packs.push_back(name);
    none.clear();
  }
  std::sort(packs.begin(), packs.end());
  return packs;
}

Family family_of(const std::string& runtime) {
  if (runtime.starts_with("python")) return Family::python;
  if (runtime.starts_with("nodejs")) return Family::node;
  return Family::custom;
}

RuntimeInfo choose_runtime(const std::string& asked, const std::vector<std::string>& packs, bool strict) {
  for (const char* name : kCustom)
    if (asked == name) return {asked, asked, "the function brings its own bootstrap"};
  if (int minor = python_version(asked); minor >= kOldestPython && minor <= kNewestPython)
    return nearest(asked, minor, packs, python_version, strict);
  if (int major = node_version(asked); std::find(std::begin(kNodes), std::end(kNodes), major) != std::end(kNodes))
    return nearest(asked, major, packs, node_version, strict);
  for (const char* family : kElsewhere)
    if (asked.starts_with(family))
      return {asked, "", "lambari does not run this family of runtimes; package it as provided.al2023"};
  return {asked, "", "not a runtime that lambari knows"};
}

Start choose_start(const std::string& actual, const std::map<std::string, std::string>& environment) {
  using protocol::Mode;
  const auto family = family_of(actual);
  if (family == Family::custom) return {"provided", Mode::launch};
  const bool python = family == Family::python;
  for (const auto& [name, value] : environment) {
    // Read by the loader, libc or the interpreter at its start. Harmless ones that many set are not among them.
    bool early = name == "AWS_LAMBDA_EXEC_WRAPPER" || starts_with_any(name, {"LD_", "GLIBC_", "MALLOC_", "LC_", "OPENSSL_"});
    if (python)
      early |=
          name.starts_with("PYTHON") && name != "PYTHONPATH" && name != "PYTHONUNBUFFERED" && name != "PYTHONDONTWRITEBYTECODE";
    else
      // SSL_CERT_FILE: not Node's business, but for the way in which waiting interpreters trust lambari.
      early |= (starts_with_any(name, {"NODE_", "UV_", "AWS_LAMBDA_NODEJS_"}) && name != "NODE_ENV" && name != "NODE_PATH") ||
               name == "SSL_CERT_FILE";
    if (early) return {actual, Mode::launch};
  }
  return {actual, python ? Mode::zygote : Mode::warm};
}

std::map<std::string, std::string> variables(const FunctionSpec& spec, Family family, const std::string& actual,
                                             const Places& places) {
  const auto api = "127.0.0.1:" + std::to_string(places.runtime_port);
  std::map<std::string, std::string> all = {
      {"PATH", places.language + "/bin:/usr/local/bin:/usr/bin/:/bin:" + places.layers + "/bin"},
      {"LD_LIBRARY_PATH", places.language + "/lib:/lib64:/usr/lib64:" + places.runtime + ":" + places.runtime +
                              "/lib:" + places.task + ":" + places.task + "/lib:" + places.layers + "/lib"},
      {"LANG", "en_US.UTF-8"},
      {"TZ", ":UTC"},
      {"AWS_ENDPOINT_URL", "http://127.0.0.1:" + std::to_string(places.endpoint_port)},
      {"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
      {"AWS_XRAY_DAEMON_ADDRESS", "169.254.79.129:2000"},
  };
  // SDKs bring lists of authorities of their own, and each language has its variable to replace or extend them.
  if (!places.authorities.empty()) {
    for (const char* name : {"AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"})
      all[name] = places.authorities;
    all["NODE_EXTRA_CA_CERTS"] = places.authority;
  }
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
  all["AWS_LAMBDA_RUNTIME_API"] = api;
  all["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand";
  if (family != Family::custom) {
    all["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + spec.runtime;
    all["_LAMBDA_TELEMETRY_LOG_FD"] = "4";  // the client takes it away again; see output.h
    if (places.layers != "/opt") all["LAMBARI_LAYERS"] = places.layers;
  }
  return all;
}

std::vector<std::string> command(Family family, const std::map<std::string, std::string>& variables, const Places& places) {
  std::vector<std::string> words;
  if (auto wrapper = variables.find("AWS_LAMBDA_EXEC_WRAPPER"); wrapper != variables.end() && family != Family::custom)
    words.push_back(wrapper->second);
  if (family == Family::python)
    for (const auto& word : {places.language + "/bin/python3", std::string("-S"), std::string("-s"),
                             places.runtime + "/lambari_python.py", std::string("run")})
      words.push_back(word);
  if (family == Family::node)
    for (const auto& word :
         {places.language + "/bin/node", std::string("--expose-gc"), std::string("--max-http-header-size=81920"),
          places.runtime + "/lambari-node.mjs", std::string("run")})
      words.push_back(word);
  return words;
}

std::string assignment(const std::string& folder, const std::vector<std::string>& arguments,
                       const std::map<std::string, std::string>& variables) {
  std::string message;
  auto add = [&](const std::string& text) {
    if (text.find('\0') != std::string::npos) throw SandboxFailed("a variable of the function contains NUL");
    message += text;
    message += '\0';
  };
  add(folder);
  for (const auto& argument : arguments) add(argument);
  message += '\0';
  for (const auto& [name, value] : variables)
    if (!name.empty()) add(name + "=" + value);
  message += '\0';
  if (message.size() > protocol::kMaxAssignment) throw SandboxFailed("the function's environment is too large");
  return message;
}

}  // namespace lambari::sandbox
