// `lambari invoke` and `lambari logs`.
#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <istream>
#include <iterator>
#include <ostream>
#include <thread>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/follow.h"

namespace lambari::cli {
namespace {

std::string payload_of(const InvokeOptions& options, std::istream& in) {
  if (options.payload_file.empty()) return options.payload;
  if (options.payload_file == "-") return {std::istreambuf_iterator<char>(in), {}};
  std::ifstream file(options.payload_file, std::ios::binary);
  if (!file) throw CommandError(fmt::format("cannot read {}", options.payload_file));
  return {std::istreambuf_iterator<char>(file), {}};
}

// "10m" before the server's now, in ms; the server's clock may have been advanced.
std::int64_t since_ms(Connection& server, const std::string& since) {
  auto clock = server.get("clock");
  const auto* now = clock.if_contains("now");
  base::Timestamp time;
  if (!now || !now->is_string() || !base::parse_iso8601(std::string_view(now->get_string()), time))
    throw CommandError("the server does not tell its time");
  std::int64_t unit = since.ends_with('s')   ? 1'000
                      : since.ends_with('m') ? 60'000
                      : since.ends_with('h') ? 3'600'000
                      : since.ends_with('d') ? 86'400'000
                                             : 0;
  auto count = since.empty() ? std::nullopt : base::parse_int(std::string_view(since).substr(0, since.size() - 1));
  if (unit == 0 || !count || *count < 0 || *count > 36'500)
    throw CommandError(fmt::format("--since {}: write 30s, 10m, 2h or 1d", since), kUsage);
  return time.ms - *count * unit;
}

std::string text(const base::json::object& object, std::string_view name) {
  const auto* member = object.if_contains(name);
  return member && member->is_string() ? std::string(std::string_view(member->get_string())) : std::string();
}

// Every page of events from `from` on.
std::vector<ShownEvent> read_events(Connection& server, const std::string& group, const std::string& filter, std::int64_t from) {
  std::vector<ShownEvent> events;
  std::string token;
  do {
    base::json::object question{{"logGroupName", group}, {"startTime", std::max<std::int64_t>(from, 0)}};
    if (!filter.empty()) question["filterPattern"] = filter;
    if (!token.empty()) question["nextToken"] = token;
    http::Request request;
    request.method = "POST";
    request.headers.set("Content-Type", "application/x-amz-json-1.1");
    request.headers.set("X-Amz-Target", "Logs_20140328.FilterLogEvents");
    request.body = base::to_json(question);
    auto answer = base::parse_json(server.aws("logs", std::move(request)).body);
    if (!answer || !answer->is_object()) throw CommandError("the server's answer is not JSON");
    const auto& object = answer->get_object();
    if (const auto* list = object.if_contains("events"); list && list->is_array()) {
      for (const auto& item : list->get_array()) {
        if (!item.is_object()) continue;
        const auto& event = item.get_object();
        const auto* time = event.if_contains("timestamp");
        events.push_back({text(event, "eventId"), time && time->is_int64() ? time->get_int64() : 0, text(event, "message")});
      }
    }
    token = text(object, "nextToken");
  } while (!token.empty());
  return events;
}

void print(const std::vector<ShownEvent>& events, std::ostream& out) {
  for (const auto& event : events) {
    std::string_view message = event.message;
    while (message.ends_with('\n') || message.ends_with('\r')) message.remove_suffix(1);
    out << base::iso8601({event.time}, true) << ' ' << message << '\n';
  }
  out.flush();
}

}  // namespace

int invoke(Connection& server, const InvokeOptions& options, Streams io) {
  http::Request request;
  request.method = "POST";
  request.target = fmt::format("/2015-03-31/functions/{}/invocations", base::percent_encode(options.function));
  if (!options.qualifier.empty()) request.target += "?Qualifier=" + base::percent_encode(options.qualifier);
  request.headers.set("Content-Type", "application/json");
  if (options.log) request.headers.set("X-Amz-Log-Type", "Tail");
  request.body = payload_of(options, io.in);
  auto response = server.aws("lambda", std::move(request));

  if (auto log = response.headers.find("X-Amz-Log-Result"); options.log && log)
    if (auto tail = base::unbase64(*log)) io.err << *tail << (tail->ends_with('\n') ? "" : "\n");
  io.out << response.body;
  if (!response.body.ends_with('\n')) io.out << '\n';
  io.out.flush();
  auto error = response.headers.get("X-Amz-Function-Error");
  if (error.empty()) return kDone;
  io.err << "the function failed: " << error << '\n';
  return kFailed;
}

int show_logs(Connection& server, const LogsOptions& options, Streams io) {
  std::string group = options.function.find('/') == std::string::npos ? "/aws/lambda/" + options.function : options.function;
  Follower follower(since_ms(server, options.since));
  bool told = false;
  for (int poll = 1;; ++poll) {
    std::size_t count = 0;
    try {
      auto events = follower.fresh(read_events(server, group, options.filter, follower.from()));
      count = events.size();
      print(events, io.out);
      told = false;
    } catch (const ServiceError& error) {
      if (!options.follow || error.code != "ResourceNotFoundException") throw;
      if (!told) io.err << "no log group " << group << " yet; waiting for it\n";
      told = true;
    } catch (const Unreachable& error) {
      if (!options.follow) throw;
      if (!told) io.err << error.what() << "; waiting for it\n";
      told = true;
    }
    if (!options.follow || poll == options.polls) return kDone;
    std::this_thread::sleep_for(std::chrono::milliseconds(count > 0 ? 300 : 1'000));
  }
}

}  // namespace lambari::cli
