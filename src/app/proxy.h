// lambari as the proxy of clients on this machine: it stands in for AWS's hosts, and refuses others or, when told to, leads
// there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "async/task.h"
#include "http/client.h"
#include "http/message.h"
#include "http/server.h"

namespace lambari::app {

struct ProxyRules {
  bool any = false;            // lead to other hosts too
  std::uint16_t own_port = 0;  // what is asked for at this port of this machine is for us
};

// What becomes of a CONNECT.
http::Onward onward(const ProxyRules& rules, const std::string& host, std::uint16_t port);

// Whether a request in absolute form is for somebody else: not for AWS, and not for this server by any of its names.
bool is_for_another(const ProxyRules& rules, const http::Request& request);

// Passes it on, or refuses. A body is at most what the client takes (16 MiB).
async::Task<http::Response> pass_on(ProxyRules rules, http::Client& client, http::Request request);

}  // namespace lambari::app
