// The canonical form of a request that Signature Version 4 signs.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace lambari::wire {

enum class PlusSign { literal, space, raw };  // what '+' means in the query string

struct CanonicalStyle {
  bool normalize_path = true;  // "/a/../b//c" -> "/b/c"; not for S3
  bool double_encode = true;   // the path as sent is encoded once more; S3 encodes what it means once
  PlusSign plus = PlusSign::literal;
  bool unsigned_token = false;  // X-Amz-Security-Token in the query is not part of what was signed
};

std::string canonical_request(const http::Request& request, const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, const CanonicalStyle& style);

std::string string_to_sign(std::string_view canonical, std::string_view time, std::string_view scope);
std::string scope_of(std::string_view date, std::string_view region, std::string_view service);

}  // namespace lambari::wire
