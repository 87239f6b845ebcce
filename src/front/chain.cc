#include "front/chain.h"

#include <fmt/format.h>

#include "base/ids.h"
#include "base/log.h"
#include "front/cors.h"
#include "front/limits.h"
#include "front/names.h"
#include "front/refusals.h"
#include "wire/codec.h"

namespace lambari::front {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

std::vector<std::string> names_of(const std::vector<NamedDoor>& doors) {
  std::vector<std::string> names;
  for (const auto& door : doors) names.push_back(door.name);
  return names;
}

std::string milliseconds(std::chrono::steady_clock::duration took) {
  return fmt::format("{:.2f}", std::chrono::duration<double, std::milli>(took).count());
}

// As far as it is one: nothing that others are to carry along is taken unseen.
std::string trace_of(const http::Request& request) {
  constexpr std::size_t kMost = 2048;  // a root, a parent, and a lineage of many functions
  auto header = std::string(request.headers.get("X-Amzn-Trace-Id"));
  return header.size() <= kMost && header.find("Root=") != header.npos ? header : std::string();
}

}  // namespace

// What is known of one API call; becomes its log line.
struct Chain::Record {
  std::string request_id;
  std::string principal;
  std::string code;  // of the fault
};

Chain::Chain(Dependencies dependencies)
    : given_(std::move(dependencies)),
      metrics_(given_.router.services(), names_of(given_.doors)),
      authenticator_(given_.credentials, given_.clock, given_.auth, given_.default_account),
      admin_(given_.backstage, given_.clock, metrics_) {}

// Deployed APIs come first: they own their hosts whole (an API may have a path /_lambari/), answer their own preflights, and
// are the busiest.
async::Task<http::Response> Chain::serve(http::Request request) {
  for (std::size_t i = 0; i < given_.doors.size(); ++i)
    if (given_.doors[i].door->owns(request)) return through_door(i, std::move(request));
  if (Admin::owns(request)) return admin_.serve(std::move(request));
  return api_call(std::move(request));
}

std::size_t Chain::body_limit(const http::Request& head) const {
  for (const auto& [name, door] : given_.doors)
    if (door->owns(head)) return door->body_limit();
  if (Admin::owns(head)) return 64 * 1024;
  return api_body_limit(head);
}

async::Task<http::Response> Chain::through_door(std::size_t index, http::Request request) {
  SteadyTime begin = std::chrono::steady_clock::now();
  http::Response response;
  try {
    response = co_await given_.doors[index].door->serve(std::move(request));
  } catch (const std::exception& error) {
    base::log_error("request failed", {{"door", given_.doors[index].name}, {"error", error.what()}});
    response.status = 500;
    response.headers.set("Content-Type", "application/json");
    response.body = R"({"message":"Internal Server Error"})";
  }
  auto took = std::chrono::steady_clock::now() - begin;
  metrics_.door(index).count(response.status, took);
  // Deployed APIs have access logs of their own, for their users.
  if (base::log_enabled(base::LogLevel::debug))
    base::log_debug(
        "request", {{"door", given_.doors[index].name}, {"status", std::to_string(response.status)}, {"ms", milliseconds(took)}});
  co_return response;
}

async::Task<http::Response> Chain::api_call(http::Request request) {
  SteadyTime begin = std::chrono::steady_clock::now();
  if (auto response = preflight(request)) co_return std::move(*response);

  Record record;
  record.request_id = base::uuid();
  std::size_t bytes_in = request.body.size();
  std::string origin(request.headers.get("Origin"));
  std::optional<wire::Match> match;
  std::exception_ptr thrown;
  http::Response response;
  try {
    match = given_.router.match(request);
    if (!match) throw no_service(request);
    // A page of another site can make a browser send a request that is not signed; only its own answer stays hidden from it.
    if (given_.auth == Auth::open && !origin.empty() && !is_local_origin(origin))
      throw access_denied(*match, "lambari runs with --auth=open and takes no calls from web pages of other machines.");
    response = co_await answer(request, *match, record);
  } catch (const wire::Fault& fault) {
    record.code = fault.code();
    response = wire::encode_fault(match ? &*match : nullptr, request, fault, record.request_id);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) {
    auto fault = fault_of(thrown, record);
    record.code = fault.code();
    response = wire::encode_fault(match ? &*match : nullptr, request, fault, record.request_id);
  }
  allow_origin(origin, response);

  auto took = std::chrono::steady_clock::now() - begin;
  const auto* operation = match ? match->operation : nullptr;
  metrics_.of(operation).count(response.status, took);
  if (base::log_enabled(base::LogLevel::info)) {
    base::log_info("request", {{"request_id", record.request_id},
                               {"service", std::string(match ? match->model->name : "-")},
                               {"operation", std::string(operation ? operation->name : "-")},
                               {"status", std::to_string(response.status)},
                               {"code", record.code.empty() ? "-" : record.code},
                               {"ms", milliseconds(took)},
                               {"principal", record.principal.empty() ? "-" : record.principal},
                               {"in", std::to_string(bytes_in)},
                               {"out", std::to_string(response.body.size())},
                               {"from", request.listener.empty() ? request.remote_address : request.listener}});
  }
  co_return response;
}

async::Task<http::Response> Chain::answer(http::Request& request, const wire::Match& match, Record& record) {
  if (match.operation == nullptr) throw unknown_operation(match);
  if (!match.operation->served) {
    metrics_.of(match.operation).unserved.fetch_add(1, std::memory_order_relaxed);
    throw not_served(match);
  }
  check_body_size(match, request.body.size());

  auto caller = co_await authenticator_.authenticate(request, match);
  record.principal = caller.principal.arn;

  wire::Call call;
  call.account = caller.principal.account;
  call.region = !match.region.empty() ? match.region : !caller.region.empty() ? caller.region : given_.default_region;
  call.request_id = record.request_id;
  call.principal = std::move(caller.principal);
  call.source_ip = request.remote_address;
  call.user_agent = request.headers.get("User-Agent");
  call.trace_header = trace_of(request);
  call.host = request.headers.get("Host");
  call.secure = request.secure;
  call.time = given_.clock.now();

  wire::Value typed = wire::decode_request(match, request);

  auto asked = co_await match.service->access(call, *match.operation, typed.get());
  // An operation that needs no permission (GetCallerIdentity) names no action.
  if (!asked.action.empty() && match.operation->auth_type != "none") {
    auto decision = co_await given_.authorizer.authorize(call.principal, asked);
    if (!decision.allowed) throw access_denied(match, decision.reason);
  }

  wire::Value result = co_await match.operation->invoke(*match.service, call, typed.get());
  co_return wire::encode_result(match, result.get(), record.request_id);
}

// What happened goes to the log, not to the client.
wire::Fault Chain::fault_of(std::exception_ptr thrown, const Record& record) const {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    base::log_error("request failed", {{"request_id", record.request_id}, {"error", error.what()}});
    if (given_.explain)
      if (auto fault = given_.explain(error)) return std::move(*fault);
  } catch (...) {
    base::log_error("request failed", {{"request_id", record.request_id}, {"error", "not a std::exception"}});
  }
  return internal_failure();
}

}  // namespace lambari::front
