// The command line. Every command but `start` is a client over HTTP: it uses the admin API and the AWS APIs as anybody would.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lambari::cli {

inline constexpr int kDone = 0, kFailed = 1, kUsage = 2;  // exit codes

using Values = std::map<std::string, std::string>;

// A setting of the server, as `start --help` shows it. Without `values` it is a switch.
struct StartFlag {
  std::string name, values, fallback, help;
};

// Where the system's store of trusted authorities is.
struct InstallPlace {
  std::filesystem::path root = "/";
  bool allowed = false;                        // to change it; otherwise what to do is said
  std::function<int(const std::string&)> run;  // a command of the system's; gives its exit code
};

// What the commands need of the program they are part of.
struct Program {
  std::string version;
  std::vector<StartFlag> start_flags;
  std::function<int(const Values& flags)> start;  // serves until it is stopped; gives the exit code
  // What this host gives, as the server's /_lambari/doctor would say, found out without a server.
  std::function<std::string()> probe;
  // Becomes another program, which is looked for in PATH. Returns only when it cannot: 127 when there is none, 126 when it does
  // not start.
  std::function<int(const std::vector<std::string>& command, const Values& environment)> become;
  std::filesystem::path data;  // where a running server left its note
  Values environment;
  InstallPlace system;
  bool terminal = false;  // a person can be asked
};

// Runs one command; gives the exit code. `arguments` without the program's name.
int run(std::vector<std::string> arguments, const Program& program, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace lambari::cli
