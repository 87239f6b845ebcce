// The credential scope of a request, read without judging the signature: which service and region the caller means.
#pragma once

#include <optional>
#include <string>

#include "http/message.h"

namespace lambari::wire {

struct Scope {
  std::string access_key_id, date, region, service;
};

// From Authorization, else X-Amz-Credential in the query. Nothing when there is none or it has not five parts.
std::optional<Scope> credential_scope(const http::Request& request);
// "AKID/20260131/us-east-1/lambda/aws4_request"
std::optional<Scope> parse_scope(std::string_view credential);

}  // namespace lambari::wire
