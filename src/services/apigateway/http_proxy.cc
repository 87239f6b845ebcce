#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "services/apigateway/integrate.h"
#include "wire/http_event.h"

namespace lambari::apigateway {
namespace {

constexpr std::size_t kMostResponse = 10 * 1024 * 1024;

std::string fill_variables(const Exchange& x, std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const auto open = path.find('{');
    const auto close = open == path.npos ? path.npos : path.find('}', open);
    if (close == path.npos) return out.append(path);
    out.append(path.substr(0, open));
    std::string_view name = path.substr(open + 1, close - open - 1);
    if (name.ends_with('+')) name.remove_suffix(1);
    bool known = false;
    for (std::size_t i = 0; i < x.route->variables.size() && i < x.values.count; ++i)
      if (x.route->variables[i] == name) {
        out.append(x.values.values[i]);  // as received, so what the client escaped stays escaped
        known = true;
      }
    if (!known) out.append(base::percent_encode(path.substr(open, close - open + 1)));
    path.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace

std::string backend_target(const Exchange& x, const CompiledIntegration& integration) {
  auto [base, fixed_query] = base::cut(integration.path, '?');
  std::string target;
  if (x.path_overwritten) {
    target = base::percent_encode(x.path, true);
  } else {
    target = fill_variables(x, base);
    if (x.route->is_default) {
      if (target.ends_with('/')) target.pop_back();
      target += x.raw_path;
    }
  }
  if (!target.starts_with('/')) target.insert(0, "/");
  std::string query = fill_variables(x, fixed_query);
  if (!x.query.empty()) {
    if (!query.empty()) query += '&';
    query += x.query;
  }
  if (!query.empty()) target += '?' + query;
  return target;
}

async::Task<http::Response> call_backend(Exchange& x, const CompiledIntegration& integration, http::Client& client) {
  if (integration.server.empty()) {
    x.integration_error = "The integration's URI is not an HTTP URL";
    co_return gateway_error(x, 500, "Internal Server Error", "INTEGRATION_FAILURE");
  }
  http::Request out;
  out.method = integration.method == "ANY" ? x.request.method : integration.method;
  out.target = backend_target(x, integration);
  out.headers = x.request.headers;
  const bool host_mapped =
      std::any_of(integration.request_mapping.begin(), integration.request_mapping.end(), [](const MappingRule& rule) {
        return rule.place == MappingRule::Place::header && base::iequals(rule.name, "host") &&
               rule.action == MappingRule::Action::overwrite;
      });
  if (!host_mapped) out.headers.set("Host", integration.host);
  out.headers.add("Via", "HTTP/1.1 AmazonAPIGateway");
  out.headers.add("Forwarded", fmt::format("for={};host={};proto={}", x.request.remote_address, x.domain_name,
                                           x.request.secure ? "https" : "http"));
  out.body = x.request.body;

  std::optional<http::ClientError> failure;
  http::Response response;
  try {
    response = co_await client.send(integration.server, std::move(out), integration.timeout);
  } catch (const http::ClientError& error) {
    failure = error;
  }
  if (failure) {
    using Kind = http::ClientError::Kind;
    base::log_info("backend failed", {{"api", x.api->id}, {"why", failure->what()}});
    if (failure->kind == Kind::timeout) {
      x.integration_error = "Integration request timed out";
      co_return gateway_error(x, 503, "Service Unavailable", "INTEGRATION_TIMEOUT");
    }
    x.integration_error = "There was an internal error while executing your request";
    if (failure->kind == Kind::connect || failure->kind == Kind::tls)
      co_return gateway_error(x, 503, "Service Unavailable", "INTEGRATION_FAILURE");
    co_return gateway_error(x, 500, "Internal Server Error", "INTEGRATION_FAILURE");
  }
  x.integration_status = x.backend_status = response.status;
  if (response.body.size() > kMostResponse) {
    x.integration_error = "The response from the integration is larger than 10 MB";
    co_return gateway_error(x, 500, "Internal Server Error", "INTEGRATION_FAILURE");
  }
  wire::remove_hop_by_hop(response.headers);
  response.headers.remove("content-length");
  response.headers.remove("date");
  co_return response;
}

}  // namespace lambari::apigateway
