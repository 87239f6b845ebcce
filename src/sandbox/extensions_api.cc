#include "sandbox/extensions_api.h"

#include "base/ids.h"
#include "base/text.h"

namespace lambari::sandbox {
namespace {

constexpr std::string_view kExtension = "/2020-01-01/extension/", kTelemetry = "/2022-07-01/telemetry",
                           kLogs = "/2020-08-15/logs";
constexpr std::string_view kIdentifier = "Lambda-Extension-Identifier";

http::Response json(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

http::Response refusal_of(const Extensions::Refusal& refusal) {
  return json(refusal.status, base::to_json(base::json::object{{"errorMessage", refusal.message}, {"errorType", refusal.type}}));
}

// The identifier that a request must carry, or why it is refused.
std::variant<std::string, Extensions::Refusal> identifier_of(const http::Request& request) {
  const auto id = request.headers.get(kIdentifier);
  if (id.empty())
    return Extensions::Refusal{403, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"};
  if (id.size() != 36)
    return Extensions::Refusal{403, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"};
  return std::string(id);
}

http::Response enroll(Exchange& exchange, const http::Request& request) {
  const auto malformed = [](const char* why) { return refusal_of({403, "InvalidRequestFormat", why}); };
  const auto document = base::parse_json(request.body);
  if (!document || !document->is_object()) return malformed("The body is not a JSON object");
  std::vector<std::string> events;
  if (const auto* list = document->as_object().if_contains("events"); list && !list->is_null()) {
    if (!list->is_array()) return malformed("events must be a list");
    for (const auto& event : list->as_array()) {
      if (!event.is_string()) return malformed("events must be a list of names");
      events.emplace_back(event.as_string());
    }
  }
  const std::string name(request.headers.get("Lambda-Extension-Name"));
  auto enrolled = exchange.extensions().enroll(name, events);
  if (auto* refusal = std::get_if<Extensions::Refusal>(&enrolled)) return refusal_of(*refusal);
  const auto facts = exchange.facts();
  base::json::object body{{"functionName", facts.name}, {"functionVersion", facts.version}, {"handler", facts.handler}};
  for (auto feature : base::split(request.headers.get("Lambda-Extension-Accept-Feature"), ','))
    if (base::trim(feature) == "accountId") body["accountId"] = facts.account;
  auto response = json(200, base::to_json(body));
  response.headers.add(std::string(kIdentifier), std::get<std::string>(enrolled));
  base::json::array list;
  for (const auto& event : events) list.emplace_back(event);
  base::json::object record{{"name", name}, {"state", "Ready"}, {"events", std::move(list)}};
  if (exchange.news()) exchange.news()("platform.extension", base::to_json(record));
  exchange.telemetry().record(Telemetry::Source::platform, "platform.extension", std::move(record));
  return response;
}

http::Response subscribe(Exchange& exchange, const http::Request& request, bool logs_api) {
  auto id = identifier_of(request);
  if (auto* refusal = std::get_if<Extensions::Refusal>(&id)) return refusal_of(*refusal);
  const auto name = exchange.extensions().name_of(std::get<std::string>(id));
  if (!name) return refusal_of({403, "Extension.UnknownExtensionIdentifier", "Unknown extension " + std::get<std::string>(id)});
  auto wants = parse_subscription(request.body, logs_api);
  if (auto* refusal = std::get_if<Extensions::Refusal>(&wants)) return refusal_of(*refusal);
  base::json::array types;
  for (const auto& type : std::get<Subscription>(wants).types) types.emplace_back(type);
  if (!exchange.telemetry().subscribe(*name, std::get<Subscription>(std::move(wants))))
    return refusal_of({403, logs_api ? "Logs.SubscriptionClosed" : "Telemetry.SubscriptionClosed",
                       std::string(logs_api ? "Logs" : "Telemetry") + " API subscription is closed already"});
  if (exchange.news())
    exchange.news()(logs_api ? "platform.logsSubscription" : "platform.telemetrySubscription",
                    base::to_json(base::json::object{{"name", *name}, {"state", "Subscribed"}, {"types", std::move(types)}}));
  return json(200, "\"OK\"");
}

}  // namespace

bool is_extension_request(const http::Request& request) {
  auto path = request.path();
  return path.starts_with(kExtension) || path.starts_with(kTelemetry) || path.starts_with(kLogs);
}

async::Task<http::Response> answer_extension(std::shared_ptr<Exchange> exchange, http::Request request) {
  auto path = request.path();
  while (path.ends_with('/')) path.remove_suffix(1);
  const bool get = request.method == "GET", post = request.method == "POST";
  if (request.method == "PUT" && (path == kTelemetry || path == kLogs)) co_return subscribe(*exchange, request, path == kLogs);
  if (!path.starts_with(kExtension)) co_return refusal_of({404, "NotFound", "No such operation"});
  path.remove_prefix(kExtension.size());
  if (path == "register" && post) co_return enroll(*exchange, request);

  const bool next = path == "event/next" && get, init = path == "init/error" && post, exit = path == "exit/error" && post;
  if (!next && !init && !exit) co_return refusal_of({404, "NotFound", "No such operation"});
  auto id = identifier_of(request);
  if (auto* refusal = std::get_if<Extensions::Refusal>(&id)) co_return refusal_of(*refusal);
  if (next) {
    auto event = co_await exchange->extensions().next(std::get<std::string>(id));
    if (!event) co_return refusal_of({410, "Gone", "The execution environment is closing"});
    if (auto* refusal = std::get_if<Extensions::Refusal>(&*event)) co_return refusal_of(*refusal);
    auto response = json(200, std::get<std::string>(std::move(*event)));
    response.headers.add("Lambda-Extension-Event-Identifier", base::uuid());
    co_return response;
  }
  const auto type = std::string(request.headers.get("Lambda-Extension-Function-Error-Type"));
  if (auto refusal = exchange->extensions().report(std::get<std::string>(id), init, type)) co_return refusal_of(*refusal);
  co_return json(202, R"({"status":"OK"})");
}

}  // namespace lambari::sandbox
