// Signature Version 4, both ways. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/message.h"

namespace lambari::wire {

// What a request says of its signature, from the Authorization header or the query (presigned).
struct SignedAs {
  std::string access_key_id, date /* YYYYMMDD */, region, service;
  std::vector<std::string> signed_headers;
  std::string signature;  // hex
  base::Timestamp time;   // X-Amz-Date, else Date
  std::string security_token;
  bool presigned = false;
  long long expires_seconds = 0;  // of a presigned request
};

// Nothing when the request is not signed. Throws Fault (IncompleteSignature, MissingAuthenticationToken...) when it is malformed.
std::optional<SignedAs> read_signature(const http::Request& request);

// Checks signature, body hash (or UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD[-TRAILER],
// STREAMING-UNSIGNED-PAYLOAD-TRAILER), clock skew (15 min) and expiry. An aws-chunked body is replaced by its decoded content,
// its trailing checksum checked. Throws Fault with AWS's codes: SignatureDoesNotMatch, RequestTimeTooSkewed / RequestExpired,
// InvalidClientTokenId...
void verify_signature(http::Request& request, const SignedAs& signature, std::string_view secret, base::Timestamp now);

struct SigningKey {
  std::string access_key_id, secret_access_key, session_token;
};
// Adds X-Amz-Date, X-Amz-Security-Token, X-Amz-Content-Sha256 (s3) and Authorization. Host must be set.
void sign(http::Request& request, const SigningKey& key, std::string_view region, std::string_view service, base::Timestamp now);
// Only the steps, for tests and for those who sign in other ways.
std::string canonical_request(const http::Request& request, const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, bool normalize_path, bool double_encode);

}  // namespace lambari::wire
