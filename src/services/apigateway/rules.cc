#include "services/apigateway/rules.h"

#include <algorithm>
#include <array>
#include <set>

#include "aws/apigatewayv2/types.h"
#include "base/text.h"
#include "services/apigateway/mapping.h"

namespace lambari::apigateway {
namespace {

constexpr std::array<std::string_view, 8> kMethods = {"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"};

bool is_name(std::string_view text, std::string_view extra) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || extra.find(c) != extra.npos;
  });
}

bool is_variable(std::string_view segment) { return segment.size() > 2 && segment.front() == '{' && segment.back() == '}'; }

bool path_is_well_formed(std::string_view path) {
  if (path.empty() || path.front() != '/' || path.size() > 2048) return false;
  if (path == "/") return true;
  const auto segments = base::split(path.substr(1), '/');
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    std::string_view segment = segments[i];
    const bool last = i + 1 == segments.size();
    if (segment.empty()) {
      if (!last) return false;
      continue;
    }
    if (is_variable(segment)) {
      std::string_view name = segment.substr(1, segment.size() - 2);
      if (name.back() == '+') {
        if (!last) return false;
        name.remove_suffix(1);
      }
      if (!is_name(name, "._-:") || !names.insert(name).second) return false;
      continue;
    }
    for (unsigned char c : segment)
      if (c <= ' ' || c == 0x7f || c == '{' || c == '}' || c == '?' || c == '#' || c == '\\') return false;
  }
  return names.size() <= kMaxPathVariables;
}

bool is_http_url(std::string_view uri) {
  for (std::string_view scheme : {"http://", "https://"})
    if (uri.starts_with(scheme) && uri.size() > scheme.size() && uri[scheme.size()] != '/') return true;
  return false;
}

void check_token_list(const std::vector<std::string>& list, std::string_view what) {
  if (list.size() > 100) bad_request(fmt::format("{} has more than 100 entries", what));
  for (const auto& item : list)
    if (item.empty() || item.size() > 2048 ||
        std::any_of(item.begin(), item.end(), [](unsigned char c) { return c <= ' ' || c == ',' || c == 0x7f; }))
      bad_request(fmt::format("Invalid value for {}: {}", what, item));
}

}  // namespace

void bad_request(std::string message) { throw aws::apigatewayv2::BadRequestException(std::move(message)); }
void conflict(std::string message) { throw aws::apigatewayv2::ConflictException(std::move(message)); }
void not_found(std::string message) { throw aws::apigatewayv2::NotFoundException(std::move(message)); }
void too_many(std::string_view what) {
  aws::apigatewayv2::TooManyRequestsException fault(
      fmt::format("Maximum number of {0} has been reached. Please contact AWS if you need additional {0}.", what));
  fault.fields.LimitType = std::string(what);
  throw fault;
}

std::optional<RouteKey> parse_route_key(std::string_view key) {
  if (key == kDefaultRoute) return RouteKey{};
  auto [method, path] = base::cut(key, ' ');
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end() || !path_is_well_formed(path)) return {};
  return RouteKey{std::string(method), std::string(path)};
}

std::vector<std::string> path_variables(std::string_view path) {
  std::vector<std::string> names;
  for (std::string_view segment : base::split(path, '/'))
    if (is_variable(segment)) {
      std::string_view name = segment.substr(1, segment.size() - 2);
      if (name.back() == '+') name.remove_suffix(1);
      names.emplace_back(name);
    }
  return names;
}

std::string route_shape(std::string_view key) {
  std::string shape;
  for (std::string_view segment : base::split(key, '/')) {
    if (!shape.empty()) shape += '/';
    if (is_variable(segment))
      shape += segment[segment.size() - 2] == '+' ? "{+}" : "{}";
    else
      shape += segment;
  }
  return shape;
}

std::string lambda_arn(std::string_view uri) {
  constexpr std::string_view kPath = ":lambda:path/2015-03-31/functions/", kTail = "/invocations";
  if (uri.starts_with("arn:aws:apigateway:")) {
    const auto at = uri.find(kPath);
    if (at == uri.npos || !uri.ends_with(kTail)) return {};
    uri.remove_prefix(at + kPath.size());
    uri.remove_suffix(kTail.size());
  }
  const auto parts = base::split(uri, ':');
  const bool right = (parts.size() == 7 || parts.size() == 8) && parts[0] == "arn" && parts[1].starts_with("aws") &&
                     parts[2] == "lambda" && is_name(parts[3], "-") && parts[4].size() == 12 && is_name(parts[4], "") &&
                     parts[5] == "function" && is_name(parts[6], "-_") && (parts.size() == 7 || is_name(parts[7], "-_$"));
  return right ? std::string(uri) : std::string();
}

std::string substitute_stage_variables(std::string_view text, const Strings& variables) {
  constexpr std::string_view kOpen = "${stageVariables.";
  std::string out;
  for (std::size_t at = 0;;) {
    const auto open = text.find(kOpen, at);
    const auto close = open == text.npos ? text.npos : text.find('}', open);
    if (close == text.npos) return out.append(text.substr(at));
    out.append(text.substr(at, open - at));
    const auto found = variables.find(std::string(text.substr(open + kOpen.size(), close - open - kOpen.size())));
    if (found != variables.end()) out += found->second;
    at = close + 1;
  }
}

std::string log_group_of(std::string_view arn) {
  const auto parts = base::split(arn, ':');
  if (parts.size() < 7 || parts.size() > 8 || parts[0] != "arn" || parts[2] != "logs" || parts[5] != "log-group" ||
      parts[6].empty())
    return {};
  if (parts.size() == 8 && parts[7] != "*") return {};
  return std::string(parts[6]);
}

void check_name(std::string_view name) {
  if (name.empty() || name.size() > 128) bad_request("Name must be between 1 and 128 characters long");
}

void check_description(const std::optional<std::string>& description) {
  if (description && description->size() > 1024) bad_request("Description must not be longer than 1024 characters");
}

void check_route_key(std::string_view key) {
  if (!parse_route_key(key))
    bad_request(
        "The provided route key is not formatted properly for HTTP protocol. Format should be \"<HTTP METHOD> /<RESOURCE PATH>\" "
        "or \"$default\"");
}

void check_cors(const Cors& cors) {
  check_token_list(cors.allow_headers, "allowHeaders");
  check_token_list(cors.expose_headers, "exposeHeaders");
  check_token_list(cors.allow_origins, "allowOrigins");
  for (const auto& method : cors.allow_methods)
    if (method != "*" && (method == "ANY" || std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()))
      bad_request(fmt::format("Invalid value for allowMethods: {}", method));
  for (const auto& origin : cors.allow_origins)
    if (origin != "*" && origin.find("://") == origin.npos) bad_request(fmt::format("Invalid format for origin {}", origin));
  if (cors.allow_credentials && std::find(cors.allow_origins.begin(), cors.allow_origins.end(), "*") != cors.allow_origins.end())
    bad_request("Cannot set allowCredentials to true when allowOrigins is *");
  if (cors.max_age && (*cors.max_age < -1 || *cors.max_age > 86'400)) bad_request("maxAge must be between -1 and 86400");
}

void check_stage_name(std::string_view name) {
  if (name == kDefaultStage) return;
  if (name.size() > 128 || !is_name(name, "-_"))
    bad_request("Stage name only allows a-zA-Z0-9_- with length between 1 and 128, or $default");
}

void check_stage_variables(const Strings& variables) {
  for (const auto& [name, value] : variables) {
    if (name.size() > 64 || !is_name(name, "_"))
      bad_request("Stage variable name can only have alphanumeric characters and underscores, up to 64");
    if (value.size() > 512 || !(value.empty() || is_name(value, "-._~:/?#&=,")))
      bad_request(
          "Invalid stage variable value: " + value +
          ". Please use values with alphanumeric characters and the symbols ' ', -', '.', '_', ':', '/', '?', '&', '=', and ','");
  }
}

void check_route_settings(const RouteSettings& settings) {
  if (settings.burst && *settings.burst < 0) bad_request("Throttling burst limit must not be negative");
  if (settings.rate && !(*settings.rate >= 0)) bad_request("Throttling rate limit must not be negative");
}

void check_access_log(const AccessLog& log) {
  if (log.destination_arn.starts_with("arn:aws:firehose:"))
    bad_request("Access logs to Amazon Data Firehose are not served by this version; name a log group");
  if (log_group_of(log.destination_arn).empty())
    bad_request("Invalid ARN specified in the request for access log destination: " + log.destination_arn);
  if (log.format.empty() || log.format.size() > 3072) bad_request("Access Log format must be between 1 and 3072 characters long");
  const auto newline = log.format.find('\n');
  if (newline != log.format.npos && newline + 1 != log.format.size())
    bad_request("Access Log format must be single line, new line character is allowed only at end of the format");
  if (log.format.find("$context.requestId") == log.format.npos &&
      log.format.find("$context.extendedRequestId") == log.format.npos)
    bad_request("AccessLogSettings format should contain at least $context.requestId or $context.extendedRequestId");
}

void check_tags(const Strings& tags) {
  if (tags.size() > kMaxTags) bad_request("Number of tags for a resource exceeds the limit of 50");
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > 128 || value.size() > 256)
      bad_request("Tag key must be 1 to 128 characters, tag value at most 256");
    if (key.starts_with("aws:")) bad_request("Tag keys starting with 'aws:' are reserved for system use");
  }
}

void check_integration(const Integration& it) {
  if (it.type != "AWS_PROXY" && it.type != "HTTP_PROXY")
    bad_request(fmt::format("IntegrationType {} is not supported for HTTP protocol Apis", it.type.empty() ? "(none)" : it.type));
  if (it.connection_type != "INTERNET")
    bad_request(fmt::format("ConnectionType {} is not served by this version; use INTERNET", it.connection_type));
  if (it.payload_format_version.empty()) bad_request("PayloadFormatVersion is a required parameter for integration");
  if (it.payload_format_version != "1.0" && (it.payload_format_version != "2.0" || it.type != "AWS_PROXY"))
    bad_request(fmt::format("Invalid PayloadFormatVersion {} for integration type {}", it.payload_format_version, it.type));
  if (it.uri.empty()) bad_request("IntegrationUri is a required parameter for integration");
  if (it.uri.size() > 2048) bad_request("IntegrationUri must not be longer than 2048 characters");
  const bool has_variables = it.uri.find("${stageVariables.") != it.uri.npos;
  if (it.type == "AWS_PROXY") {
    const std::string uri = has_variables ? it.uri : std::string();
    const bool may_be_lambda = has_variables && (uri.starts_with("arn:") || uri.starts_with("${"));
    if (!may_be_lambda && lambda_arn(it.uri).empty()) bad_request("Invalid function ARN or invalid uri");
  } else {
    if (!(has_variables && it.uri.starts_with("${")) && !is_http_url(it.uri))
      bad_request("Invalid HTTP endpoint specified for URI");
    if (it.method.empty()) bad_request("IntegrationMethod is a required parameter for HTTP_PROXY integrations");
  }
  // A function is always called with POST, whatever method the integration names.
  if (std::find(kMethods.begin(), kMethods.end(), it.method) == kMethods.end())
    bad_request(fmt::format("Invalid HttpMethod specified: {}", it.method));
  if (it.timeout_ms < 50 || it.timeout_ms > 30'000) bad_request("Timeout should be between 50 ms and 30000 ms");
  if (it.credentials_arn && it.credentials_arn->find(":iam:") == std::string::npos &&
      it.credentials_arn->find("${") == std::string::npos)
    bad_request("Invalid ARN specified in the request for CredentialsArn");
  if (it.credentials_arn && it.credentials_arn->ends_with(":user/*"))
    bad_request("Calling an integration as the caller needs AuthorizationType AWS_IAM, which is not served by this version");
  for (const auto& [key, value] : it.request_parameters)
    if (auto wrong = mapping_error(MappingSide::request, key, value); !wrong.empty()) bad_request(std::move(wrong));
  for (const auto& [status, parameters] : it.response_parameters) {
    const auto number = base::parse_int(status);
    if (!number || *number < 200 || *number > 599)
      bad_request(fmt::format("Invalid status code for response parameters: {}", status));
    for (const auto& [key, value] : parameters)
      if (auto wrong = mapping_error(MappingSide::response, key, value); !wrong.empty()) bad_request(std::move(wrong));
  }
}

}  // namespace lambari::apigateway
