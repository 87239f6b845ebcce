#include "cli/surroundings.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"
#include "cli/connection.h"
#include "trust/files.h"

namespace lambari::cli {
namespace {

namespace fs = std::filesystem;

std::string value(const Values& environment, const std::string& name) {
  auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

// Only its owner may write there: programs will load what is in it.
fs::path cache_folder(const Values& environment) {
  if (auto cache = value(environment, "XDG_CACHE_HOME"); !cache.empty()) return fs::path(cache) / "lambari";
  if (auto home = value(environment, "HOME"); !home.empty()) return fs::path(home) / ".cache" / "lambari";
  return fs::temp_directory_path() / fmt::format("lambari-{}", getuid());
}

std::string fingerprint(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  for (int i = 0; i < 8; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

// The host and port of a URL; the scheme's port when it names none.
std::pair<std::string, std::string> place_of(const std::string& url) {
  const bool tls = url.starts_with("https://");
  auto start = url.find("://");
  std::string authority = url.substr(start == std::string::npos ? 0 : start + 3);
  authority = authority.substr(0, authority.find('/'));
  auto colon = authority.rfind(':');
  if (colon == std::string::npos || authority.find(']', colon) != std::string::npos) return {authority, tls ? "443" : "80"};
  return {authority.substr(0, colon), authority.substr(colon + 1)};
}

std::string joined(const std::string& before, const std::string& more, std::string_view between) {
  if (before.empty()) return more;
  if (before.find(more) != std::string::npos) return before;
  return before + std::string(between) + more;
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

std::string node_script(const std::string& url) {
  auto [host, port] = place_of(url);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return fmt::format(
      R"js(// Made by `lambari run`: Node.js reaches AWS's host names at lambari. TLS still asks for, and checks, the name that was meant.
'use strict';
const net = require('net');
const aws = /(^|\.)(amazonaws\.com(\.cn)?|on\.aws|api\.aws)\.?$/i;
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {{
  // Inside Node.js the arguments are one array: [options, callback].
  const list = Array.isArray(given[0]) ? given[0] : given;
  const options = list[0];
  if (options && typeof options === 'object' && typeof options.host === 'string' && aws.test(options.host)) {{
    list[0] = Object.assign({{}}, options, {{ host: '{}', port: {}, lookup: undefined }});
  }} else if (typeof list[1] === 'string' && aws.test(list[1])) {{
    list[0] = {};
    list[1] = '{}';
  }}
  return connect.apply(this, given);
}};
)js",
      host, port, port, host);
}

Surroundings prepare_surroundings(const std::string& url, const std::string& authority, const Values& environment) {
  std::string own;
  for (const char* name : {"SSL_CERT_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"})
    if (own.empty()) own = value(environment, name);
  const auto script = node_script(url);
  auto authorities = trust::system_authorities(own);
  // Node.js has authorities of its own; what the user gave it besides goes to everybody.
  if (auto extra = value(environment, "NODE_EXTRA_CA_CERTS"); !extra.empty())
    authorities = trust::bundle(authorities, trust::system_authorities(extra));
  const auto folder = cache_folder(environment) / ("run-" + fingerprint(authorities + authority + script));
  try {
    trust::make_private_folder(folder);
    Surroundings made{trust::write_files(folder, authorities, authority), folder / "node.cjs"};
    if (trust::read_small_file(made.node) != script) trust::write_durably(made.node, script, 0644);
    return made;
  } catch (const trust::FileError& error) {
    throw CommandError(error.what());
  }
}

Values surround(const std::string& url, const Surroundings& files, Values environment) {
  auto& all = environment;
  auto when_unset = [&](const char* name, const std::string& text) {
    auto& place = all[name];
    if (place.empty()) place = text;
  };
  all["AWS_ENDPOINT_URL"] = url;
  if (value(all, "AWS_ACCESS_KEY_ID").empty() || value(all, "AWS_SECRET_ACCESS_KEY").empty()) {
    // A token or a profile of a real account would be sent along.
    for (const char* name : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"}) all.erase(name);
    all["AWS_ACCESS_KEY_ID"] = all["AWS_SECRET_ACCESS_KEY"] = "test";
  }
  auto region = value(all, "AWS_REGION");
  if (region.empty()) region = value(all, "AWS_DEFAULT_REGION");
  if (region.empty()) region = "us-east-1";
  when_unset("AWS_REGION", region);
  when_unset("AWS_DEFAULT_REGION", region);

  const auto [host, port] = place_of(url);
  const auto proxy = fmt::format("http://{}:{}", host, port);
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}) all[name] = proxy;
  const auto direct = joined(value(all, "NO_PROXY"), joined("localhost,.localhost,127.0.0.1,::1", host, ","), ",");
  all["NO_PROXY"] = all["no_proxy"] = direct;

  const auto bundle = files.trusted.bundle.string();
  for (const char* name : {"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"}) all[name] = bundle;
  all["NODE_EXTRA_CA_CERTS"] = bundle;
  all["NODE_OPTIONS"] = joined(value(all, "NODE_OPTIONS"), fmt::format("--require \"{}\"", files.node.string()), " ");
  all["JAVA_TOOL_OPTIONS"] =
      joined(value(all, "JAVA_TOOL_OPTIONS"),
             fmt::format("-Djavax.net.ssl.trustStore=\"{}\" -Djavax.net.ssl.trustStorePassword=changeit -Dhttps.proxyHost={} "
                         "-Dhttps.proxyPort={} -Dhttp.proxyHost={} -Dhttp.proxyPort={} "
                         "-Dhttp.nonProxyHosts=\"localhost|*.localhost|127.*|[::1]\"",
                         files.trusted.java.string(), host, port, host, port),
             " ");
  return environment;
}

std::vector<std::string> exports(const Values& before, const Values& after) {
  std::vector<std::string> lines;
  for (const auto& [name, text] : before)
    if (!after.contains(name)) lines.push_back("unset " + name);
  for (const auto& [name, text] : after) {
    auto found = before.find(name);
    if (found == before.end() || found->second != text) lines.push_back("export " + name + "=" + quoted(text));
  }
  return lines;
}

}  // namespace lambari::cli
