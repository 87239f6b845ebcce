// What can be chosen, by file, environment and flag. One table names every setting; help, parsing and hints come from it.
// Precedence: flag, then LAMBARI_* variable, then file, then default.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace lambari::app {

struct Settings {
  std::string address = "127.0.0.1";
  std::uint16_t port = 4566;
  std::filesystem::path data;
  std::filesystem::path images;    // of functions; empty: data / "images"
  bool memory_store = false;       // store = memory: nothing outlives the process
  bool open_auth = false;          // auth = open
  bool process_isolation = false;  // isolation = process
  std::string internet = "none";   // or nat, or pasta
  bool strict_runtimes = false;
  bool proxy_any = false;  // proxy = any
  std::string region = "us-east-1";
  unsigned threads = 0;  // 0: one per processor, at most 8
  int concurrency = 1'000;
  bool unthrottled = false;  // throttling = none
  base::LogLevel log_level = base::LogLevel::info;
  bool log_json = false;
};

struct Setting {
  std::string name;      // "strict-runtimes": the flag --strict-runtimes and the variable LAMBARI_STRICT_RUNTIMES
  std::string values;    // for the help: "rocks|memory"; empty for a switch
  std::string fallback;  // the default, as text
  std::string help;
  std::function<bool(Settings&, const std::string&)> apply;  // false: not a value of this setting
};
const std::vector<Setting>& table();

// The message names the setting, where it was set, and what is allowed.
struct SettingsError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Values = std::map<std::string, std::string>;

struct Sources {
  Values flags;
  Values environment;           // the whole of it
  std::string file, file_name;  // text and name; both empty when there is none
};

struct Resolved {
  Settings settings;
  std::vector<std::string> warnings;  // of variables that look like ours but are not
};

// Throws SettingsError.
Resolved resolve(const Sources& sources);

// The file that --config or LAMBARI_CONFIG names, else ~/.config/lambari/lambari.conf where it exists, else nothing.
// Throws SettingsError when a named file cannot be read.
void read_file(Sources& sources);

Values process_environment();

// $LAMBARI_DATA, else $XDG_DATA_HOME/lambari, else ~/.local/share/lambari.
std::filesystem::path default_data(const Values& environment);

// The one of `names` that `text` was probably meant to be; empty when none is near.
std::string nearest(std::string_view text, const std::vector<std::string>& names);

}  // namespace lambari::app
