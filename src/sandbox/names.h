// What functions are told when they ask for host names.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "dns/server.h"

namespace lambari::sandbox {

// Names of which `is_ours` is true are the loopback of the environment that asks; they have no IPv6 address. Others go to
// `others`, or do not exist. Only addresses are known of names: what is asked besides has the answer "there is no such record".
dns::Resolve answer_names(std::function<bool(std::string_view)> is_ours, dns::Resolve others);

}  // namespace lambari::sandbox
