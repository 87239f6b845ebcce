// The key that signs a day's requests to one service in one region.
#pragma once

#include <string>
#include <string_view>

namespace lambari::wire {

// Four HMACs, remembered: each thread keeps the keys it used last, a bounded number.
std::string signing_key(std::string_view secret, std::string_view date, std::string_view region, std::string_view service);

}  // namespace lambari::wire
