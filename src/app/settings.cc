#include "app/settings.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <numeric>
#include <sstream>

#include "base/text.h"

extern char** environ;

namespace lambari::app {
namespace {

constexpr std::string_view kPrefix = "LAMBARI_";
constexpr std::size_t kLargestFile = 1 << 20;

std::string variable(std::string_view name) {
  std::string text(kPrefix);
  for (char c : base::upper(name)) text += c == '-' ? '_' : c;
  return text;
}

bool read_switch(const std::string& text, bool& out) {
  auto word = base::lower(text);
  if (word == "true" || word == "yes" || word == "on" || word == "1")
    out = true;
  else if (word == "false" || word == "no" || word == "off" || word == "0")
    out = false;
  else
    return false;
  return true;
}

template <class Number>
bool read_number(const std::string& text, long long least, long long most, Number& out) {
  auto number = base::parse_int(text);
  if (!number || *number < least || *number > most) return false;
  out = static_cast<Number>(*number);
  return true;
}

// Two words, the second of which sets the flag.
bool read_either(const std::string& text, std::string_view off, std::string_view on, bool& out) {
  if (text != off && text != on) return false;
  out = text == on;
  return true;
}

bool is_address(const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 || inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

bool is_loopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

bool read_region(const std::string& text, std::string& out) {
  auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (text.size() < 5 || text.size() > 32 || !std::ranges::all_of(text, fits)) return false;
  out = text;
  return true;
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& setting : table()) all.push_back(setting.name);
  return all;
}

const Setting* find(std::string_view name) {
  auto found = std::ranges::find(table(), name, &Setting::name);
  return found == table().end() ? nullptr : &*found;
}

void apply(Settings& settings, const Setting& setting, const std::string& value, std::string_view where) {
  if (setting.apply(settings, value)) return;
  throw SettingsError(fmt::format("{} = \"{}\" ({}): expected {}", setting.name, value, where,
                                  setting.values.empty() ? "true or false" : setting.values));
}

std::string unknown(std::string_view name, std::string_view where) {
  auto near = nearest(name, names());
  return fmt::format(
      "no setting is called \"{}\" ({}){}", name, where,
      near.empty() ? fmt::format("; there are {}", fmt::join(names(), ", ")) : fmt::format("; did you mean \"{}\"?", near));
}

void apply_file(Settings& settings, const Sources& sources) {
  std::size_t number = 0;
  for (auto line : base::split(sources.file, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = base::trim(line);
    if (line.empty() || line.front() == '#') continue;
    auto where = fmt::format("{} line {}", sources.file_name, number);
    if (line.find('=') == std::string_view::npos) throw SettingsError(fmt::format("{}: expected name = value", where));
    auto [left, right] = base::cut(line, '=');
    auto name = base::trim(left), value = base::trim(right);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    const auto* setting = find(name);
    if (setting == nullptr) throw SettingsError(unknown(name, where));
    apply(settings, *setting, std::string(value), where);
  }
}

// A variable that nearly is ours is a mistake; others with our prefix may belong to a script around us.
void apply_environment(Settings& settings, const Values& environment, std::vector<std::string>& warnings) {
  std::vector<std::string> known = {"LAMBARI_CONFIG"};
  for (const auto& setting : table()) known.push_back(variable(setting.name));
  for (auto it = environment.lower_bound(std::string(kPrefix)); it != environment.end() && it->first.starts_with(kPrefix); ++it) {
    const auto& [name, value] = *it;
    if (std::ranges::find(known, name) != known.end()) continue;
    auto near = nearest(name, known);
    if (!near.empty()) throw SettingsError(fmt::format("no setting belongs to the variable {}; did you mean {}?", name, near));
    warnings.push_back(fmt::format("the variable {} belongs to no setting", name));
  }
  for (const auto& setting : table()) {
    auto found = environment.find(variable(setting.name));
    if (found != environment.end() && !found->second.empty()) apply(settings, setting, found->second, found->first);
  }
}

}  // namespace

const std::vector<Setting>& table() {
  static const std::vector<Setting> all = {
      {"address", "ADDRESS", "127.0.0.1", "where to listen; 0.0.0.0 lets other machines in",
       [](Settings& s, const std::string& v) {
         s.address = v == "localhost" ? "127.0.0.1" : v;
         return is_address(s.address);
       }},
      {"port", "0..65535", "4566", "0 picks a free one",
       [](Settings& s, const std::string& v) { return read_number(v, 0, 65'535, s.port); }},
      {"data", "DIRECTORY", "~/.local/share/lambari", "where everything is kept",
       [](Settings& s, const std::string& v) {
         s.data = v;
         return !v.empty();
       }},
      {"images", "DIRECTORY", "<data>/images", "container images of functions, as OCI layouts",
       [](Settings& s, const std::string& v) {
         s.images = v;
         return !v.empty();
       }},
      {"store", "rocks|memory", "rocks", "memory forgets everything when it stops",
       [](Settings& s, const std::string& v) { return read_either(v, "rocks", "memory", s.memory_store); }},
      {"auth", "strict|open", "strict", "open verifies no signature; for loopback addresses only",
       [](Settings& s, const std::string& v) { return read_either(v, "strict", "open", s.open_auth); }},
      {"proxy", "aws|any", "aws", "where lambari leads as an HTTP proxy: any lets clients of this machine go anywhere",
       [](Settings& s, const std::string& v) { return read_either(v, "aws", "any", s.proxy_any); }},
      {"isolation", "full|process", "full", "process runs functions without namespaces, where the host forbids them",
       [](Settings& s, const std::string& v) { return read_either(v, "full", "process", s.process_isolation); }},
      {"internet", "none|nat|pasta", "none",
       "how functions reach public addresses: through the kernel (as root), through pasta(1), or not at all",
       [](Settings& s, const std::string& v) {
         s.internet = v;
         return v == "none" || v == "nat" || v == "pasta";
       }},
      {"strict-runtimes", "", "false", "refuse a runtime whose exact version is missing, instead of taking the next newer one",
       [](Settings& s, const std::string& v) { return read_switch(v, s.strict_runtimes); }},
      {"region", "REGION", "us-east-1", "of calls that name none",
       [](Settings& s, const std::string& v) { return read_region(v, s.region); }},
      {"threads", "0..64", "0", "event loops; 0 takes one per processor, at most 8",
       [](Settings& s, const std::string& v) { return read_number(v, 0, 64, s.threads); }},
      {"concurrency", "1..100000", "1000", "functions that may run at once, per account and region",
       [](Settings& s, const std::string& v) { return read_number(v, 1, 100'000, s.concurrency); }},
      {"throttling", "aws|none", "aws", "none lets clients call FIFO queues faster than AWS does",
       [](Settings& s, const std::string& v) { return read_either(v, "aws", "none", s.unthrottled); }},
      {"log-level", "debug|info|warn|error", "info", "debug adds a line per request to deployed APIs",
       [](Settings& s, const std::string& v) {
         static constexpr std::array kLevels = {"debug", "info", "warn", "error"};
         auto at = std::ranges::find(kLevels, v);
         if (at == kLevels.end()) return false;
         s.log_level = static_cast<base::LogLevel>(at - kLevels.begin());
         return true;
       }},
      {"log-format", "text|json", "text", "of the log on standard error",
       [](Settings& s, const std::string& v) { return read_either(v, "text", "json", s.log_json); }},
  };
  return all;
}

Resolved resolve(const Sources& sources) {
  Resolved result;
  apply_file(result.settings, sources);
  apply_environment(result.settings, sources.environment, result.warnings);
  for (const auto& [name, value] : sources.flags) {
    if (name == "config") continue;
    const auto* setting = find(name);
    if (setting == nullptr) throw SettingsError(unknown(name, "flag"));
    apply(result.settings, *setting, value, "flag");
  }
  auto& settings = result.settings;
  if (settings.data.empty()) settings.data = default_data(sources.environment);
  if (settings.open_auth && !is_loopback(settings.address))
    throw SettingsError(
        fmt::format("auth = open lets anybody in who reaches {}; use a loopback address, or auth = strict", settings.address));
  if (settings.proxy_any && !is_loopback(settings.address))
    throw SettingsError(fmt::format(
        "proxy = any would lead everybody anywhere who reaches {}; use a loopback address, or proxy = aws", settings.address));
  return result;
}

void read_file(Sources& sources) {
  std::string named;
  if (auto flag = sources.flags.find("config"); flag != sources.flags.end())
    named = flag->second;
  else if (auto set = sources.environment.find("LAMBARI_CONFIG"); set != sources.environment.end())
    named = set->second;
  std::filesystem::path path = named;
  if (named.empty()) {
    auto get = [&](const char* name) {
      auto found = sources.environment.find(name);
      return found == sources.environment.end() ? std::string() : found->second;
    };
    auto config = get("XDG_CONFIG_HOME"), home = get("HOME");
    if (config.empty() && home.empty()) return;
    path =
        (config.empty() ? std::filesystem::path(home) / ".config" : std::filesystem::path(config)) / "lambari" / "lambari.conf";
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return;
  }
  std::ifstream in(path, std::ios::binary);
  std::string text(kLargestFile + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  if (!in.is_open() || in.bad() || text.size() > kLargestFile)
    throw SettingsError(fmt::format("cannot read the settings file {}", path.string()));
  sources.file = std::move(text);
  sources.file_name = path.string();
}

Values process_environment() {
  Values all;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    auto [name, value] = base::cut(*at, '=');
    all.emplace(name, value);
  }
  return all;
}

std::filesystem::path default_data(const Values& environment) {
  auto get = [&](const char* name) {
    auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
  if (auto set = get("LAMBARI_DATA"); !set.empty()) return set;
  if (auto set = get("XDG_DATA_HOME"); !set.empty()) return std::filesystem::path(set) / "lambari";
  if (auto home = get("HOME"); !home.empty()) return std::filesystem::path(home) / ".local/share/lambari";
  return "lambari-data";
}

std::string nearest(std::string_view text, const std::vector<std::string>& names) {
  std::string best;
  std::size_t least = 3;  // edits; two at most make a near miss
  for (const auto& name : names) {
    std::vector<std::size_t> row(name.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i + 1;
      for (std::size_t j = 0; j < name.size(); ++j) {
        std::size_t change = diagonal + (text[i] != name[j]);
        diagonal = row[j + 1];
        row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
      }
    }
    if (row.back() < least) {
      least = row.back();
      best = name;
    }
  }
  return best;
}

}  // namespace lambari::app
