// Asks the name servers of this host what it is asked: for functions that may reach the Internet. Messages go through unchanged.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dns/server.h"

namespace lambari::dns {

// The first three name servers of resolv.conf(5), one after another, 2 s each; what one cuts is asked for again over TCP. When
// none answers, the answer is "server failure". The file is read anew for each query, for networks change.
Resolve forward_to_host(std::filesystem::path file = "/etc/resolv.conf", std::uint16_t port = 53);

// Pure part, tested: the addresses, as text; what is not one is left out. Without any it is the host itself.
std::vector<std::string> name_servers(std::string_view resolv_conf);

}  // namespace lambari::dns
