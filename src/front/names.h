// Which host names and addresses are this machine's own.
#pragma once

#include <string_view>

namespace lambari::front {

// localhost, *.localhost, or an address literal ("127.0.0.1", "[::1]"). A web page cannot make a browser send one of these
// for a host name it owns, so a request with such a Host was not made by DNS rebinding.
bool is_local_name(std::string_view host);

// 127.0.0.0/8, ::1, and the latter's IPv4-mapped form.
bool is_loopback(std::string_view address);

// The value of an Origin header whose host is_local_name and loopback: "http://localhost:3000", "http://console.localhost:4566".
bool is_local_origin(std::string_view origin);

}  // namespace lambari::front
