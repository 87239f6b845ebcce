// What the admin API shows and does.
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <system_error>

#include "app/house_parts.h"
#include "base/log.h"
#include "front/metrics.h"

namespace lambari::app {
namespace {

std::uint64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t whole = 0, resident = 0;
  in >> whole >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::int64_t seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace

async::Task<http::Response> ExecuteApi::serve(http::Request request) {
  auto target = apigateway::ApiGateway::target_of(request);
  return gateway_.serve(std::move(request), std::move(*target));
}

async::Task<http::Response> SnsLinks::serve(http::Request request) { return sns_.follow_link(std::move(request)); }

async::Task<http::Response> LambdaUrl::serve(http::Request request) {
  auto place = lambda::Lambda::url_place(request);
  return lambda_.serve_url(std::move(request), std::move(*place));
}

async::Task<http::Response> no_requests(http::Request) {
  http::Response response;
  response.status = 503;
  co_return response;
}

std::optional<wire::Fault> explain(const std::exception& error) {
  const auto* system = dynamic_cast<const std::system_error*>(&error);
  bool full = dynamic_cast<const store::StorageFull*>(&error) != nullptr ||
              dynamic_cast<const store::StorageFailed*>(&error) != nullptr ||
              (system != nullptr && system->code() == std::errc::no_space_on_device);
  if (!full) return std::nullopt;
  return wire::Fault("ServiceUnavailable", "The request has failed due to a temporary failure of the server.", 503);
}

void describe(const sandbox::Sandbox& sandbox, base::json::object& findings) {
  base::json::array capabilities, runtimes;
  for (auto& capability : sandbox.capabilities())
    capabilities.push_back(base::json::object{{"name", capability.name},
                                              {"available", capability.available},
                                              {"detail", capability.detail},
                                              {"remedy", capability.remedy}});
  for (const auto& name : sandbox.known_runtimes()) {
    base::json::object runtime{{"asked", name}, {"actual", ""}, {"detail", ""}};
    try {
      auto info = sandbox.runtime(name);
      runtime["actual"] = info.actual;
      runtime["detail"] = info.detail;
    } catch (const sandbox::UnknownRuntime& unknown) {
      runtime["detail"] = unknown.what();
    }
    runtimes.push_back(std::move(runtime));
  }
  findings["capabilities"] = std::move(capabilities);
  findings["runtimes"] = std::move(runtimes);
}

base::json::object House::Parts::health() const {
  base::json::object names;
  for (const auto& service : services) names[service.api->model().name] = "running";
  return {{"status", "ok"}, {"edition", "lambari"}, {"version", version}, {"services", std::move(names)}};
}

base::json::object House::Parts::status() const {
  auto functions = lambda.counters();
  return {{"version", version},
          {"pid", getpid()},
          {"address", fmt::format("{}:{}", settings.address, port)},
          {"data", settings.memory_store ? "in memory" : directory.path().string()},
          {"auth", settings.open_auth ? "open" : "strict"},
          {"isolation", settings.process_isolation ? "process" : "full"},
          {"uptime_seconds", seconds_since(born)},
          {"clock_offset_seconds", clock.offset().count() / 1'000},
          {"invocations", functions.invocations},
          {"environments", functions.environments},
          {"idle_environments", functions.idle_environments},
          {"memory_bytes", resident_bytes()}};
}

async::Task<base::json::object> House::Parts::doctor() {
  base::json::object findings;
  describe(*sandbox, findings);
  co_return findings;
}

base::json::object House::Parts::cost() const {
  base::json::array usage;
  for (const auto& line : meter.read())
    usage.push_back(base::json::object{
        {"service", line.service}, {"usage", line.usage}, {"resource", line.resource}, {"amount", line.amount}});
  return {{"since", base::iso8601(book.since())}, {"usage", std::move(usage)}};
}

base::json::object House::Parts::outbox(std::size_t limit) { return {{"messages", sns.outbox(limit)}}; }

std::string House::Parts::metrics() const {
  std::string text;
  auto add = [&](std::string_view name, std::string_view type, std::string_view help, double value) {
    text += front::prometheus_line(name, type, help, value);
  };
  auto http = server.counters();
  auto from_functions = inner.counters();
  add("lambari_http_accepted_total", "counter", "Connections accepted.", static_cast<double>(http.accepted));
  add("lambari_http_refused_total", "counter", "Connections refused for their number.", static_cast<double>(http.refused));
  add("lambari_http_requests_total", "counter", "Requests read, of every kind.", static_cast<double>(http.requests));
  add("lambari_http_received_bytes_total", "counter", "Bytes received.", static_cast<double>(http.bytes_in));
  add("lambari_http_sent_bytes_total", "counter", "Bytes sent.", static_cast<double>(http.bytes_out));
  add("lambari_http_tls_handshakes_total", "counter", "TLS handshakes that came to their end.",
      static_cast<double>(http.handshakes));
  add("lambari_http_tls_failed_total", "counter",
      "TLS handshakes that did not, often for a client that does not know the authority.",
      static_cast<double>(http.handshakes_failed));
  add("lambari_http_open", "gauge", "Connections open.", static_cast<double>(http.open));
  add("lambari_http_function_requests_total", "counter", "Requests that functions sent.",
      static_cast<double>(from_functions.requests));
  add("lambari_http_function_open", "gauge", "Connections of functions open.", static_cast<double>(from_functions.open));
  auto kept = store->counters();
  add("lambari_store_commits_total", "counter", "Transactions committed.", static_cast<double>(kept.commits));
  add("lambari_store_conflicts_total", "counter", "Transactions run again for a conflict.", static_cast<double>(kept.conflicts));
  add("lambari_store_syncs_total", "counter", "Writes synced to the medium.", static_cast<double>(kept.syncs));
  add("lambari_store_written_bytes_total", "counter", "Bytes of committed writes.", static_cast<double>(kept.bytes));
  auto boxes = sandbox->counters();
  add("lambari_sandbox_started_total", "counter", "Environments started.", static_cast<double>(boxes.started));
  add("lambari_sandbox_warm_slots_total", "counter", "Environments that a prepared slot became.",
      static_cast<double>(boxes.reused_slots));
  add("lambari_sandbox_killed_total", "counter", "Environments killed.", static_cast<double>(boxes.killed));
  add("lambari_sandbox_out_of_memory_total", "counter", "Environments that ran out of memory.",
      static_cast<double>(boxes.out_of_memory));
  add("lambari_sandbox_alive", "gauge", "Environments alive.", static_cast<double>(boxes.alive));
  auto functions = lambda.counters();
  add("lambari_lambda_running", "gauge", "Invocations running.", static_cast<double>(functions.functions_running));
  add("lambari_lambda_idle_environments", "gauge", "Environments that wait for an invocation.",
      static_cast<double>(functions.idle_environments));
  add("lambari_lambda_invocations_total", "counter", "Invocations.", static_cast<double>(functions.invocations));
  add("lambari_lambda_cold_starts_total", "counter", "Invocations that started an environment.",
      static_cast<double>(functions.cold_starts));
  add("lambari_lambda_throttles_total", "counter", "Invocations refused for concurrency.",
      static_cast<double>(functions.throttles));
  add("lambari_lambda_async_events_received_total", "counter", "Asynchronous invocations accepted.",
      static_cast<double>(functions.events_received));
  add("lambari_lambda_async_events_dropped_total", "counter", "Asynchronous invocations that ended without success.",
      static_cast<double>(functions.events_dropped));
  add("lambari_lambda_dead_letter_errors_total", "counter", "Dead letters that no queue or topic took.",
      static_cast<double>(functions.dead_letter_errors));
  add("lambari_lambda_destination_delivery_failures_total", "counter", "Invocation records that no destination took.",
      static_cast<double>(functions.destination_failures));
  add("lambari_lambda_source_records_polled_total", "counter", "Records received from event sources.",
      static_cast<double>(functions.records_polled));
  add("lambari_lambda_source_records_filtered_total", "counter", "Records that no filter pattern matched.",
      static_cast<double>(functions.records_filtered));
  add("lambari_lambda_source_records_invoked_total", "counter", "Records that functions were called with.",
      static_cast<double>(functions.records_invoked));
  add("lambari_lambda_source_records_failed_total", "counter", "Records whose invocation failed.",
      static_cast<double>(functions.records_failed));
  add("lambari_lambda_source_records_dropped_total", "counter", "Records of streams that were given up.",
      static_cast<double>(functions.records_dropped));
  add("lambari_lambda_source_records_deleted_total", "counter", "Records that were processed or filtered out.",
      static_cast<double>(functions.records_deleted));
  add("lambari_logs_dropped_total", "counter", "Log events that did not fit in the buffer.", static_cast<double>(logs.dropped()));
  add("lambari_resident_bytes", "gauge", "Memory of the server process.", static_cast<double>(resident_bytes()));
  add("lambari_uptime_seconds", "gauge", "Since the start.", static_cast<double>(seconds_since(born)));
  return text;
}

void House::Parts::stop() { ending.ask(); }

async::Task<> House::Parts::nuke() {
  for (auto service = services.rbegin(); service != services.rend(); ++service)
    if (service->room != nullptr) co_await service->room->nuke();
  co_await book.reset();
}

async::Task<std::optional<std::string>> House::Parts::package(const std::string& token) { return lambda.package(token); }

}  // namespace lambari::app
