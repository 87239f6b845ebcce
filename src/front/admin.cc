#include "front/admin.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/log.h"
#include "base/text.h"
#include "front/duration.h"
#include "front/names.h"

namespace lambari::front {
namespace {

constexpr std::string_view kRoot = "/_lambari/";
constexpr std::string_view kLocalStackHealth = "/_localstack/health";
constexpr std::string_view kPackages = "packages/";

http::Response text_response(int status, std::string body, std::string type) {
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", std::move(type));
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.body = std::move(body);
  return response;
}

http::Response json_response(int status, const base::json::object& document) {
  return text_response(status, base::to_json(document) + "\n", "application/json");
}

http::Response refuse(int status, std::string_view message) { return json_response(status, {{"message", message}}); }

// ?limit=20
std::size_t limit_of(const http::Request& request) {
  for (const auto& [name, value] : base::parse_query(request.query()))
    if (name == "limit") return static_cast<std::size_t>(std::clamp(base::parse_int(value).value_or(100), 1LL, 1'000LL));
  return 100;
}

struct Page {
  std::string_view name, method;
  enum class Guard { nobody, host, machine, intent } guard;
};
constexpr std::array kPages = {
    Page{"health", "GET", Page::Guard::nobody},  Page{"metrics", "GET", Page::Guard::host},
    Page{"status", "GET", Page::Guard::machine}, Page{"doctor", "GET", Page::Guard::machine},
    Page{"ca.pem", "GET", Page::Guard::nobody},  Page{"cost", "GET", Page::Guard::machine},
    Page{"outbox", "GET", Page::Guard::machine}, Page{"clock", "GET", Page::Guard::machine},
    Page{"clock", "POST", Page::Guard::intent},  Page{"stop", "POST", Page::Guard::intent},
    Page{"nuke", "POST", Page::Guard::intent},
};

// A proxy's own peer is this machine; who is behind it may be anybody. HTTP_PROXY integrations say "Forwarded" too.
bool proxied(const http::Request& request) {
  return request.headers.has("Forwarded") || request.headers.has("X-Forwarded-For") || request.headers.has("Via");
}

std::optional<http::Response> guard(const http::Request& request, Page::Guard level) {
  if (level == Page::Guard::nobody) return std::nullopt;
  if (!request.listener.empty()) return refuse(403, "functions may not use the admin API");
  if (!is_local_name(request.host()))
    return refuse(403, "the admin API answers to localhost and to addresses only, not to this Host");
  if (level >= Page::Guard::machine && (!is_loopback(request.remote_address) || proxied(request)))
    return refuse(403, "this part of the admin API answers to this machine only");
  if (level == Page::Guard::intent && request.headers.get("X-Lambari") != "1")
    return refuse(403, "send the header \"X-Lambari: 1\": it shows that no web page made this call");
  return std::nullopt;
}

}  // namespace

bool Admin::owns(const http::Request& request) {
  // Every request that is not a door's comes by here.
  std::string_view target = request.target;
  return target.starts_with("/_l") && (target.starts_with(kRoot) || request.path() == kLocalStackHealth);
}

async::Task<http::Response> Admin::serve(http::Request request) {
  auto path = request.path();
  std::string name(path == kLocalStackHealth ? std::string_view("health") : path.substr(kRoot.size()));
  std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);

  if (name.starts_with(kPackages)) {
    if (method != "GET") co_return refuse(405, "GET only");
    auto bytes = co_await backstage_.package(name.substr(kPackages.size()));
    if (!bytes) co_return refuse(404, "no such package, or its link is over");
    co_return text_response(200, std::move(*bytes), "application/zip");
  }

  const Page* page = nullptr;
  bool known = false;
  for (const auto& candidate : kPages) {
    if (candidate.name != name) continue;
    known = true;
    if (candidate.method == method) page = &candidate;
  }
  if (page == nullptr) co_return known ? refuse(405, "not this method") : refuse(404, "no such page");
  if (auto refusal = guard(request, page->guard)) {
    base::log_warn("admin call refused",
                   {{"page", name}, {"peer", request.remote_address}, {"host", std::string(request.host())}});
    co_return std::move(*refusal);
  }

  if (name == "health") co_return json_response(200, backstage_.health());
  if (name == "metrics")
    co_return text_response(200, metrics_.prometheus() + backstage_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
  if (name == "status") {
    auto status = backstage_.status();
    status["requests"] = metrics_.requests();
    co_return json_response(200, status);
  }
  if (name == "ca.pem") co_return text_response(200, backstage_.authority(), "application/x-pem-file");
  if (name == "doctor") co_return json_response(200, co_await backstage_.doctor());
  if (name == "cost") co_return json_response(200, backstage_.cost());
  if (name == "outbox") co_return json_response(200, backstage_.outbox(limit_of(request)));
  if (name == "clock") co_return method == "GET" ? clock_now() : move_clock(request);
  if (name == "nuke") {
    base::log_warn("nuke: removing every resource");
    co_await backstage_.nuke();
    co_return json_response(200, {{"message", "everything is gone"}});
  }
  backstage_.stop();
  co_return json_response(202, {{"message", "stopping"}});
}

http::Response Admin::clock_now() const {
  return json_response(200, {{"now", base::iso8601(clock_.now(), true)}, {"offset_seconds", clock_.offset().count() / 1000}});
}

// {"advance": "6h"} or {"reset": true}
http::Response Admin::move_clock(const http::Request& request) {
  auto document = base::parse_json(request.body, 4);
  const auto* object = document ? document->if_object() : nullptr;
  const auto* advance = object ? object->if_contains("advance") : nullptr;
  const auto* reset = object ? object->if_contains("reset") : nullptr;
  if (advance && advance->is_string()) {
    auto by = parse_duration(std::string_view(advance->get_string()));
    if (!by) return refuse(400, "not a duration: write 90s, 15m, 6h, 1d12h (at most ten years)");
    clock_.advance(*by);
  } else if (reset && reset->is_bool() && reset->get_bool()) {
    clock_.reset();
  } else {
    return refuse(400, R"(send {"advance": "6h"} or {"reset": true})");
  }
  base::log_info("clock moved", {{"now", base::iso8601(clock_.now())}});
  return clock_now();
}

}  // namespace lambari::front
