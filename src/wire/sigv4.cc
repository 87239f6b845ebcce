#include "wire/sigv4.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/text.h"
#include "wire/aws_chunked.h"
#include "wire/canonical.h"
#include "wire/fault.h"
#include "wire/scope.h"
#include "wire/signing_key.h"

namespace lambari::wire {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::int64_t kSkewMs = 15 * 60 * 1000;
constexpr long long kMaxPresignedSeconds = 7 * 24 * 3600;
constexpr std::size_t kMaxSignedHeaders = 200;

[[noreturn]] void incomplete(const std::string& why) { throw Fault("IncompleteSignature", why, 400); }

bool is_s3(std::string_view service) {
  return service == "s3" || service == "s3express" || service == "s3-outposts" || service == "s3-object-lambda";
}

std::vector<std::string> header_names(std::string_view list) {
  std::vector<std::string> names;
  for (auto name : base::split(list, ';'))
    if (!name.empty() && names.size() < kMaxSignedHeaders) names.push_back(base::lower(name));
  return names;
}

void set_scope(SignedAs& out, std::string_view credential) {
  auto scope = parse_scope(credential);
  if (!scope)
    incomplete(
        std::string("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '") +
        std::string(credential) + "'");
  out.access_key_id = std::move(scope->access_key_id);
  out.date = std::move(scope->date);
  out.region = std::move(scope->region);
  out.service = std::move(scope->service);
}

SignedAs from_header(const http::Request& request, std::string_view header) {
  SignedAs out;
  std::string_view credential, headers, signature;
  for (auto part : base::split(header.substr(kAlgorithm.size()), ',')) {
    part = base::trim(part);
    auto [name, value] = base::cut(part, '=');
    if (name == "Credential")
      credential = value;
    else if (name == "SignedHeaders")
      headers = value;
    else if (name == "Signature")
      signature = value;
  }
  std::string lacks;
  if (credential.empty()) lacks += "Authorization header requires 'Credential' parameter. ";
  if (signature.empty()) lacks += "Authorization header requires 'Signature' parameter. ";
  if (headers.empty()) lacks += "Authorization header requires 'SignedHeaders' parameter. ";
  std::string_view time = request.headers.get("X-Amz-Date");
  if (time.empty() && !request.headers.has("Date"))
    lacks += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  if (!lacks.empty()) incomplete(lacks + "Authorization=" + std::string(header.substr(0, kAlgorithm.size())));
  set_scope(out, credential);
  out.signed_headers = header_names(headers);
  out.signature = signature;
  auto date = request.headers.get("Date");
  bool known = !time.empty() ? base::parse_basic_iso8601(time, out.time)
                             : base::parse_http_date(date, out.time) || base::parse_basic_iso8601(date, out.time);
  if (!known) incomplete("Date must be in ISO-8601 'basic format'. Got '" + std::string(time.empty() ? date : time) + "'.");
  out.security_token = request.headers.get("X-Amz-Security-Token");
  return out;
}

SignedAs from_query(const http::Request& request) {
  SignedAs out;
  out.presigned = true;
  std::string credential, time, expires;
  for (auto& [name, value] : base::parse_query(request.query())) {
    if (name == "X-Amz-Credential")
      credential = value;
    else if (name == "X-Amz-SignedHeaders")
      out.signed_headers = header_names(value);
    else if (name == "X-Amz-Signature")
      out.signature = value;
    else if (name == "X-Amz-Date")
      time = value;
    else if (name == "X-Amz-Expires")
      expires = value;
    else if (name == "X-Amz-Security-Token")
      out.security_token = value;
  }
  if (credential.empty() || out.signature.empty() || out.signed_headers.empty() || time.empty())
    incomplete(
        "AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature', "
        "'X-Amz-SignedHeaders' and 'X-Amz-Date'.");
  set_scope(out, credential);
  if (!base::parse_basic_iso8601(time, out.time)) incomplete("Date must be in ISO-8601 'basic format'. Got '" + time + "'.");
  auto seconds = expires.empty() ? std::optional<long long>(kSkewMs / 1000) : base::parse_int(expires);
  if (!seconds || *seconds < 0 || *seconds > kMaxPresignedSeconds)
    throw Fault("AuthorizationQueryParametersError", "X-Amz-Expires must be a number between 0 and 604800 seconds", 400);
  out.expires_seconds = *seconds;
  return out;
}

void check_time(const SignedAs& as, base::Timestamp now) {
  auto mismatch = [&](const std::string& message) {
    throw is_s3(as.service)
        ? Fault("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", 403)
        : Fault("SignatureDoesNotMatch", message, 403);
  };
  std::string signed_at = base::basic_iso8601(as.time), current = base::basic_iso8601(now);
  if (as.time.ms - now.ms > kSkewMs)
    mismatch("Signature not yet current: " + signed_at + " is still later than " + base::basic_iso8601({now.ms + kSkewMs}) +
             " (" + current + " + 15 min.)");
  if (as.presigned) {
    if (now.ms <= as.time.ms + as.expires_seconds * 1000) return;
    if (is_s3(as.service)) throw Fault("AccessDenied", "Request has expired", 403);
    throw Fault(
        "SignatureDoesNotMatch",
        "Signature expired: " + base::basic_iso8601({as.time.ms + as.expires_seconds * 1000}) + " is now earlier than " + current,
        403);
  }
  if (now.ms - as.time.ms > kSkewMs)
    mismatch("Signature expired: " + signed_at + " is now earlier than " + base::basic_iso8601({now.ms - kSkewMs}) + " (" +
             current + " - 15 min.)");
}

std::string body_hash(std::string_view body) {
  return body.empty() ? "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" : base::hex(base::sha256(body));
}

// What stands for the body in the canonical request.
std::string payload_hash(const http::Request& request, const SignedAs& as) {
  std::string_view declared = request.headers.get("X-Amz-Content-Sha256");
  if (declared.empty()) return as.presigned && is_s3(as.service) ? "UNSIGNED-PAYLOAD" : body_hash(request.body);
  if (declared == "UNSIGNED-PAYLOAD" || declared.starts_with("STREAMING-")) return std::string(declared);
  std::string actual = body_hash(request.body);
  if (!base::equal_in_constant_time(base::lower(declared), actual)) {
    if (is_s3(as.service))
      throw Fault("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.",
                  400);
    throw Fault("SignatureDoesNotMatch", "The value of the X-Amz-Content-Sha256 header does not match the body.", 403);
  }
  return std::string(declared);
}

bool has_signed(const SignedAs& as, std::string_view name) {
  return std::find(as.signed_headers.begin(), as.signed_headers.end(), name) != as.signed_headers.end();
}

}  // namespace

std::optional<SignedAs> read_signature(const http::Request& request) {
  if (auto header = request.headers.find("Authorization")) {
    if (header->starts_with(kAlgorithm)) return from_header(request, *header);
    if (header->starts_with("AWS4-"))
      incomplete("Unsupported AWS 'algorithm': '" + std::string(base::cut(*header, ' ').first) + "'");
    return std::nullopt;
  }
  for (const auto& [name, value] : base::parse_query(request.query()))
    if (name == "X-Amz-Algorithm") {
      if (value != kAlgorithm) incomplete("Unsupported AWS 'algorithm': '" + value + "'");
      return from_query(request);
    }
  return std::nullopt;
}

std::string string_to_sign(std::string_view canonical, std::string_view time, std::string_view scope) {
  std::string out(kAlgorithm);
  ((out += '\n') += time) += '\n';
  (out += scope) += '\n';
  return out += base::hex(base::sha256(canonical));
}

std::string scope_of(std::string_view date, std::string_view region, std::string_view service) {
  std::string out(date);
  ((out += '/') += region) += '/';
  return (out += service) += "/aws4_request";
}

void verify_signature(http::Request& request, const SignedAs& as, std::string_view secret, base::Timestamp now) {
  check_time(as, now);
  std::string time = base::basic_iso8601(as.time);
  if (as.date != std::string_view(time).substr(0, 8))
    throw Fault("SignatureDoesNotMatch",
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" + as.date +
                    "' != '" + time.substr(0, 8) + "', from '" + time + "'.",
                403);
  if (!has_signed(as, "host"))
    throw Fault("SignatureDoesNotMatch", "'Host' must be a 'SignedHeader' in the AWS Authorization.", 403);

  std::string scope = scope_of(as.date, as.region, as.service);
  std::string key = signing_key(secret, as.date, as.region, as.service);
  bool plain = is_s3(as.service);
  std::string hash = payload_hash(request, as);
  auto matches = [&](PlusSign plus, bool unsigned_token = false) {
    std::string canonical =
        canonical_request(request, as.signed_headers, hash,
                          {.normalize_path = !plain, .double_encode = !plain, .plus = plus, .unsigned_token = unsigned_token});
    return base::equal_in_constant_time(base::hex(base::hmac_sha256(key, string_to_sign(canonical, time, scope))), as.signature);
  };
  // A '+' in a query is a plus to some clients and a space to others; each signs what it means.
  bool plus = request.query().find('+') != std::string_view::npos;
  bool known = matches(PlusSign::literal) || (plus && (matches(PlusSign::space) || matches(PlusSign::raw)));
  // Some clients add the token to a URL that they have signed already.
  if (!known && as.presigned && !as.security_token.empty()) known = matches(PlusSign::literal, true);
  if (!known)
    throw Fault("SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
                "and signing "
                "method. Consult the service documentation for details.",
                403);

  if (hash.starts_with("STREAMING-")) decode_aws_chunked(request, hash, {key, time, scope, as.signature});
}

void sign(http::Request& request, const SigningKey& key, std::string_view region, std::string_view service, base::Timestamp now) {
  std::string time = base::basic_iso8601(now), date = time.substr(0, 8);
  bool plain = is_s3(service);
  request.headers.set("X-Amz-Date", time);
  if (!key.session_token.empty()) request.headers.set("X-Amz-Security-Token", key.session_token);
  std::string hash = body_hash(request.body);
  if (plain) request.headers.set("X-Amz-Content-Sha256", hash);
  std::vector<std::string> names = {"host", "x-amz-date"};
  if (plain) names.push_back("x-amz-content-sha256");
  if (request.headers.has("Content-Type")) names.push_back("content-type");
  if (request.headers.has("X-Amz-Target")) names.push_back("x-amz-target");
  if (!key.session_token.empty()) names.push_back("x-amz-security-token");
  std::sort(names.begin(), names.end());
  std::string scope = scope_of(date, region, service);
  std::string canonical = canonical_request(request, names, hash, {.normalize_path = !plain, .double_encode = !plain});
  std::string signature = base::hex(
      base::hmac_sha256(signing_key(key.secret_access_key, date, region, service), string_to_sign(canonical, time, scope)));
  std::string list;
  for (const auto& name : names) (list += list.empty() ? "" : ";") += name;
  request.headers.set("Authorization", std::string(kAlgorithm) + " Credential=" + key.access_key_id + "/" + scope +
                                           ", SignedHeaders=" + list + ", Signature=" + signature);
}

std::string canonical_request(const http::Request& request, const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, bool normalize_path, bool double_encode) {
  return canonical_request(request, signed_headers, payload_hash,
                           CanonicalStyle{normalize_path, double_encode, PlusSign::literal});
}

}  // namespace lambari::wire
