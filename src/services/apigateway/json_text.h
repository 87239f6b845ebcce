// Writing JSON straight into a string: events are made on the hot path, without a document in between.
#pragma once

#include <string>
#include <string_view>

namespace lambari::apigateway {

// Quoted and escaped. Bytes that are not UTF-8 become U+FFFD, so the result is always valid JSON.
void append_json_string(std::string& out, std::string_view text);

}  // namespace lambari::apigateway
