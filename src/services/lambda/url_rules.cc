#include "services/lambda/url_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/json.h"
#include "base/text.h"
#include "wire/http_event.h"

namespace lambari::lambda {
namespace {

constexpr std::string_view kLabel = ".lambda-url.";

bool is_url_id(std::string_view text) {
  return text.size() == kUrlIdSize &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

void null_or_text(wire::JsonObject& object, std::string_view name, const std::string& value) {
  if (value.empty()) {
    object.raw(name, "null");
  } else {
    object.text(name, value);
  }
}

}  // namespace

std::optional<UrlPlace> Lambda::url_place(const http::Request& head) {
  const auto path = head.path();
  if (path.starts_with(kUrlPath)) {
    const auto rest = path.substr(kUrlPath.size());
    const auto id = rest.substr(0, rest.find('/'));
    if (!is_url_id(id)) return std::nullopt;
    return UrlPlace{std::string(id), kUrlPath.size() + id.size()};
  }
  const auto host = head.host();
  if (host.size() < kUrlIdSize + kLabel.size() || !base::iequals(host.substr(kUrlIdSize, kLabel.size()), kLabel))
    return std::nullopt;
  auto id = base::lower(host.substr(0, kUrlIdSize));
  if (!is_url_id(id)) return std::nullopt;
  return UrlPlace{std::move(id), 0};
}

std::string url_of(const FunctionUrl& url, std::string_view host, bool secure) {
  const auto name = url.id + ".lambda-url." + url.function.region;
  const auto colon = host.rfind(':');
  const auto bare = host.substr(0, host.ends_with(']') ? host.npos : colon);
  if (bare.ends_with(".amazonaws.com") || bare.ends_with(".on.aws")) return "https://" + name + ".on.aws/";
  const auto port = colon == host.npos || host.ends_with(']') ? std::string_view() : host.substr(colon);
  return fmt::format("{}://{}.localhost{}/", secure ? "https" : "http", name, port);
}

std::string url_event(http::Request& request, const UrlCall& call) {
  wire::forward_headers(request, call.time);
  const auto [path, query] = base::cut(call.target, '?');
  const bool known = call.caller.kind != contracts::Principal::Kind::anonymous;
  const auto& who = call.caller;
  const wire::HttpCall http{.request = request,
                            .route_key = "$default",
                            .stage = "$default",
                            .path = path.empty() ? std::string_view("/") : path,
                            .query = query,
                            .account = known ? std::string_view(who.account) : "anonymous",
                            .api_id = call.url.id,
                            .domain_name = call.domain_name,
                            .domain_prefix = call.url.id,
                            .protocol = "HTTP/1.1",
                            .request_id = call.request_id,
                            .time = call.time};
  const auto in_context = [&](wire::JsonObject& context) {
    context.raw("authentication", "null");
    if (!known) return;
    context.key("authorizer");
    wire::JsonObject authorizer(context.out());
    authorizer.key("iam");
    wire::JsonObject iam(context.out());
    null_or_text(iam, "accessKey", who.access_key_id);
    iam.text("accountId", who.account);
    iam.text("callerId", who.user_id);
    iam.raw("cognitoIdentity", "null");
    iam.raw("principalOrgId", "null");
    iam.text("userArn", who.arn);
    iam.text("userId", who.user_id);
    iam.end();
    authorizer.end();
  };
  return wire::event_v2(http, in_context, [](wire::JsonObject&) {});
}

http::Response url_refusal(const wire::Fault& fault) {
  http::Response response;
  response.status = fault.status();
  response.headers.set("Content-Type", "application/json");
  response.headers.set("x-amzn-ErrorType", std::string(fault.code()));
  if (fault.code() == "TooManyRequestsException") response.headers.set("Retry-After", "1");
  response.body = base::to_json(base::json::object{{"Message", fault.message()}});
  return response;
}

http::Response url_failure() {
  http::Response response;
  response.status = 502;
  response.headers.set("Content-Type", "application/json");
  response.headers.set("x-amzn-ErrorType", "InternalServerErrorException");
  response.body = "Internal Server Error";
  return response;
}

}  // namespace lambari::lambda
