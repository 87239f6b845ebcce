// The commands, one function each. They throw CommandError; else they give the exit code.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/connection.h"

namespace lambari::cli {

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

// ---- of the server ----
int show_status(Connection& server, Streams io);
int stop_server(Connection& server, Streams io);
// Exports for a shell: endpoint, keys, region; with the server's certificate also what trusts it; with `whole` all that `run`
// gives.
int show_env(const std::string& url, const std::string& authority, bool whole, const Values& environment, Streams io);
// ---- of its certificate authority ----
std::string authority_of(Connection& server);  // PEM
std::string authority_in(const std::filesystem::path& data);
int install_authority(const std::string& pem, const InstallPlace& place, Streams io);
// Runs a program for which AWS is the server at `url`.
int run_command(const std::string& url, const std::string& authority, const std::vector<std::string>& command,
                const Program& program);

int show_doctor(const base::json::object& findings, Streams io);
int show_clock(Connection& server, Streams io);
int move_clock(Connection& server, const base::json::object& move, Streams io);
int nuke(Connection& server, bool sure, bool terminal, Streams io);
int show_outbox(Connection& server, int limit, Streams io);
int show_cost(Connection& server, bool json, Streams io);

// ---- of functions ----
struct InvokeOptions {
  std::string function, qualifier, payload = "{}", payload_file;
  bool log = false;
};
int invoke(Connection& server, const InvokeOptions& options, Streams io);

struct LogsOptions {
  std::string function;  // or the name of a log group, which has a slash
  std::string filter;
  std::string since = "10m";
  bool follow = false;
  int polls = 0;  // stop following after so many; 0: never
};
int show_logs(Connection& server, const LogsOptions& options, Streams io);

}  // namespace lambari::cli
