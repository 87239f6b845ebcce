#include "app/proxy.h"

#include <fmt/format.h>

#include "base/text.h"
#include "front/names.h"
#include "trust/names.h"

namespace lambari::app {
namespace {

std::string refusal(std::string_view host, std::uint16_t port) {
  return fmt::format(
      "lambari's proxy serves AWS's host names and refused {}:{}. Keep such hosts from the proxy (NO_PROXY={}), or start lambari "
      "with --proxy any.\n",
      host, port, host);
}

std::uint16_t port_of(std::string_view authority) {
  auto colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos) return 80;
  auto port = base::parse_int(authority.substr(colon + 1));
  return port && *port > 0 && *port < 65536 ? static_cast<std::uint16_t>(*port) : 0;
}

// Fields that are between a client and its proxy (RFC 9110 7.6.1), whatever Connection names included.
void remove_hop_fields(http::Headers& headers) {
  for (auto named : headers.all("Connection")) {
    std::vector<std::string> names;
    for (auto name : base::split(named, ',')) names.emplace_back(base::trim(name));
    for (const auto& name : names)
      if (!base::iequals(name, "Connection")) headers.remove(name);
    break;
  }
  for (const char* name : {"Connection", "Proxy-Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
                           "Proxy-Authorization", "Proxy-Authenticate"})
    headers.remove(name);
}

}  // namespace

http::Onward onward(const ProxyRules& rules, const std::string& host, std::uint16_t port) {
  using Way = http::Onward::Way;
  if (trust::is_aws_name(host) || (front::is_local_name(host) && port == rules.own_port)) return {.way = Way::serve};
  if (rules.any) return {.way = Way::tunnel};
  return {.way = Way::refuse, .reason = refusal(host, port)};
}

bool is_for_another(const ProxyRules& rules, const http::Request& request) {
  if (!request.absolute || trust::is_served_name(request.host())) return false;
  return port_of(request.headers.get("Host")) != rules.own_port;
}

async::Task<http::Response> pass_on(ProxyRules rules, http::Client& client, http::Request request) {
  http::Response response;
  const std::string authority(request.headers.get("Host"));
  if (!rules.any) {
    response.status = 403;
    response.headers.set("Content-Type", "text/plain");
    response.body = refusal(request.host(), port_of(authority));
    co_return response;
  }
  remove_hop_fields(request.headers);
  request.headers.add("Via", "1.1 lambari");
  try {
    response = co_await client.send("http://" + authority, std::move(request));
    remove_hop_fields(response.headers);
  } catch (const http::ClientError& error) {
    response = {};
    response.status = error.kind == http::ClientError::Kind::timeout ? 504 : 502;
    response.headers.set("Content-Type", "text/plain");
    response.body = fmt::format("no answer from {}\n", authority);
  }
  co_return response;
}

}  // namespace lambari::app
