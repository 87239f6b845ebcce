// status, stop, env, doctor, clock, nuke, cost, outbox.
#include <fmt/format.h>
#include <signal.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <istream>
#include <map>
#include <ostream>
#include <thread>

#include "cli/commands.h"
#include "cli/surroundings.h"

namespace lambari::cli {
namespace {

std::string text(const base::json::object& object, std::string_view name) {
  const auto* member = object.if_contains(name);
  if (member == nullptr || member->is_null()) return {};
  return member->is_string() ? std::string(std::string_view(member->get_string())) : base::to_json(*member);
}

std::string span(long long seconds) {
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3'600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{} h {} min", seconds / 3'600, seconds / 60 % 60);
  return fmt::format("{} d {} h", seconds / 86'400, seconds / 3'600 % 24);
}

// A process that ended but whose parent did not take note yet is gone too.
bool is_gone(pid_t pid) {
  if (pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH)) return true;
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(in, line);
  auto end = line.rfind(") ");
  return end != std::string::npos && end + 2 < line.size() && line[end + 2] == 'Z';
}

long long number(const base::json::object& object, std::string_view name) {
  const auto* member = object.if_contains(name);
  if (member && member->is_int64()) return member->get_int64();
  return member && member->is_uint64() ? static_cast<long long>(member->get_uint64()) : 0;
}

}  // namespace

int show_status(Connection& server, Streams io) {
  auto status = server.get("status");
  fmt::memory_buffer out;
  auto line = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) fmt::format_to(std::back_inserter(out), "{:<14}{}\n", name, value);
  };
  line("address", text(status, "address"));
  line("version", text(status, "version"));
  line("pid", text(status, "pid"));
  line("uptime", span(number(status, "uptime_seconds")));
  line("data", text(status, "data"));
  line("auth", text(status, "auth"));
  line("isolation", text(status, "isolation"));
  line("requests", text(status, "requests"));
  line("invocations", text(status, "invocations"));
  line("environments", fmt::format("{} ({} idle)", number(status, "environments"), number(status, "idle_environments")));
  line("memory", fmt::format("{} MiB", number(status, "memory_bytes") / (1024 * 1024)));
  if (auto offset = number(status, "clock_offset_seconds"); offset != 0) line("clock", span(offset) + " ahead");
  io.out << std::string_view(out.data(), out.size());
  return kDone;
}

int stop_server(Connection& server, Streams io) {
  auto pid = static_cast<pid_t>(number(server.get("status"), "pid"));
  server.post("stop");
  // The server drains first: up to half a minute.
  for (int i = 0; i < 600; ++i) {
    if (is_gone(pid)) {
      io.out << "stopped\n";
      return kDone;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  throw CommandError(fmt::format("the server (pid {}) is still finishing its work", pid));
}

int show_env(const std::string& url, const std::string& authority, bool whole, const Values& environment, Streams io) {
  if (whole) {
    auto files = prepare_surroundings(url, authority, environment);
    for (const auto& line : exports(environment, surround(url, files, environment))) io.out << line << '\n';
    return kDone;
  }
  auto region = environment.find("AWS_DEFAULT_REGION");
  auto name = region == environment.end() || region->second.empty() ? std::string("us-east-1") : region->second;
  // A token or a profile of a real account would be sent along.
  io.out << fmt::format(
      "unset AWS_PROFILE AWS_SESSION_TOKEN\n"
      "export AWS_ENDPOINT_URL={}\n"
      "export AWS_ACCESS_KEY_ID=test\n"
      "export AWS_SECRET_ACCESS_KEY=test\n"
      "export AWS_DEFAULT_REGION={}\n"
      "export AWS_REGION={}\n",
      url, name, name);
  if (!authority.empty()) {
    // For https://localhost and AWS's host names, should anything lead there.
    auto files = prepare_surroundings(url, authority, environment);
    io.out << fmt::format("export AWS_CA_BUNDLE='{}'\nexport NODE_EXTRA_CA_CERTS='{}'\n", files.trusted.bundle.string(),
                          files.trusted.authority.string());
  }
  return kDone;
}

int show_doctor(const base::json::object& findings, Streams io) {
  bool whole = true;
  if (const auto* list = findings.if_contains("capabilities"); list && list->is_array()) {
    for (const auto& item : list->get_array()) {
      if (!item.is_object()) continue;
      const auto& capability = item.get_object();
      const auto* available = capability.if_contains("available");
      bool there = available && available->is_bool() && available->get_bool();
      whole = whole && there;
      io.out << fmt::format("{:<4}{:<24}{}\n", there ? "ok" : "--", text(capability, "name"), text(capability, "detail"));
      if (auto remedy = text(capability, "remedy"); !there && !remedy.empty()) io.out << "    remedy: " << remedy << '\n';
    }
  }
  if (const auto* list = findings.if_contains("runtimes"); list && list->is_array() && !list->get_array().empty()) {
    io.out << "\nruntimes\n";
    for (const auto& item : list->get_array()) {
      if (!item.is_object()) continue;
      const auto& runtime = item.get_object();
      auto asked = text(runtime, "asked"), actual = text(runtime, "actual");
      io.out << fmt::format("{:<4}{:<24}{}\n", actual.empty() ? "--" : "ok", asked,
                            actual.empty()    ? text(runtime, "detail")
                            : actual == asked ? ""
                                              : "runs on " + actual);
    }
  }
  if (auto problem = text(findings, "problem"); !problem.empty()) {
    whole = false;
    io.out << '\n' << problem << '\n';
  }
  return whole ? kDone : kFailed;
}

int show_clock(Connection& server, Streams io) {
  auto clock = server.get("clock");
  auto offset = number(clock, "offset_seconds");
  io.out << text(clock, "now") << (offset == 0 ? std::string() : fmt::format(" ({} ahead)", span(offset))) << '\n';
  return kDone;
}

int move_clock(Connection& server, const base::json::object& move, Streams io) {
  io.out << text(server.post("clock", move), "now") << '\n';
  return kDone;
}

int nuke(Connection& server, bool sure, bool terminal, Streams io) {
  if (!sure) {
    if (!terminal) throw CommandError("this removes every resource; say so with --yes", kUsage);
    io.out << fmt::format("Remove every resource of every account at {}? Type yes: ", server.url()) << std::flush;
    std::string answer;
    if (!std::getline(io.in, answer) || answer != "yes") throw CommandError("nothing was removed");
  }
  io.out << text(server.post("nuke"), "message") << '\n';
  return kDone;
}

// Functions first, a line for each, in the units of Lambda's bill; then everything else as it was counted.
int show_cost(Connection& server, bool json, Streams io) {
  auto cost = server.get("cost");
  if (json) {
    io.out << base::to_json(cost) << '\n';
    return kDone;
  }
  io.out << "what AWS would bill, since " << text(cost, "since") << " (units, not prices)\n";
  struct Function {
    double requests = 0, run = 0, provisioned = 0, kept = 0, storage = 0;
  };
  std::map<std::string, Function> functions;
  std::string others;
  const auto* list = cost.if_contains("usage");
  if (!list || !list->is_array()) return kDone;
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) continue;
    const auto& usage = item.get_object();
    const auto* counted = usage.if_contains("amount");
    const double amount = counted && counted->is_number() ? counted->to_number<double>() : 0.0;
    constexpr double kGbSecond = 1024.0 * 1000.0;  // in MB-ms
    const auto kind = text(usage, "usage");
    if (text(usage, "service") == "lambda") {
      auto& function = functions[text(usage, "resource")];
      if (kind == "Request") function.requests = amount;
      if (kind == "Lambda-MB-ms") function.run = amount / kGbSecond;
      if (kind == "Lambda-Provisioned-MB-ms") function.provisioned = amount / kGbSecond;
      if (kind == "Lambda-Provisioned-Concurrency-MB-ms") function.kept = amount / kGbSecond;
      if (kind == "Lambda-Storage-MB-ms") function.storage = amount / kGbSecond;
      continue;
    }
    others +=
        fmt::format("{:>14}  {:<12}{:<28}{}\n", text(usage, "amount"), text(usage, "service"), kind, text(usage, "resource"));
  }
  // As AWS has prices for: run, run where provisioned, kept provisioned, and what /tmp has beyond 512 MB.
  if (!functions.empty())
    io.out << fmt::format("{:>10}{:>12}{:>18}{:>12}{:>12}  {}\n", "requests", "GB-s", "provisioned GB-s", "kept GB-s",
                          "/tmp GB-s", "function");
  for (const auto& [arn, function] : functions)
    io.out << fmt::format("{:>10.0f}{:>12.3f}{:>18.3f}{:>12.3f}{:>12.3f}  {}\n", function.requests, function.run,
                          function.provisioned, function.kept, function.storage, arn);
  io.out << others;
  return kDone;
}

// Oldest first, as letters are read.
int show_outbox(Connection& server, int limit, Streams io) {
  auto outbox = server.get(fmt::format("outbox?limit={}", limit));
  const auto* list = outbox.if_contains("messages");
  if (!list || !list->is_array() || list->get_array().empty()) {
    io.out << "nothing was sent\n";
    return kDone;
  }
  const auto& messages = list->get_array();
  for (auto item = messages.rbegin(); item != messages.rend(); ++item) {
    if (!item->is_object()) continue;
    const auto& message = item->get_object();
    io.out << fmt::format("{}  {} to {}\n", text(message, "time"), text(message, "protocol"), text(message, "to"));
    for (const auto* name : {"from", "subject"})
      if (auto value = text(message, name); !value.empty()) io.out << fmt::format("{}: {}\n", name, value);
    io.out << "\n" << text(message, "body") << "\n\n";
  }
  return kDone;
}

}  // namespace lambari::cli
