#include "front/refusals.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "wire/fault_names.h"
#include "wire/scope.h"

namespace lambari::front {
namespace {

enum class Family { query, rest_json, json };

Family family(wire::Protocol protocol) {
  switch (protocol) {
    case wire::Protocol::query:
    case wire::Protocol::ec2:
    case wire::Protocol::rest_xml: return Family::query;
    case wire::Protocol::rest_json: return Family::rest_json;
    default: return Family::json;
  }
}

wire::Fault spelled(const wire::Match& match, std::string_view code, std::string message, int status = 403) {
  // Outside S3 a signature that is too old or too new is one that does not match.
  if ((code == "RequestTimeTooSkewed" || code == "RequestExpired") && match.protocol != wire::Protocol::rest_xml)
    code = "SignatureDoesNotMatch";
  if (family(match.protocol) == Family::json && status == 403) status = 400;
  return wire::Fault(std::string(wire::common_code(code, match.protocol)), std::move(message), status);
}

}  // namespace

wire::Fault unknown_key(const wire::Match& match) {
  return spelled(match, "InvalidClientTokenId", "The security token included in the request is invalid.");
}

wire::Fault not_for_functions(const wire::Match& match) {
  return spelled(
      match, "InvalidClientTokenId",
      "The security token included in the request is invalid. A function has the credentials of its role, which every SDK "
      "finds by itself; lambari's key test is for the host, unless lambari was started with --auth=open.");
}

wire::Fault not_signed(const wire::Match& match) {
  return spelled(
      match, "MissingAuthenticationToken",
      family(match.protocol) == Family::rest_json ? "Missing Authentication Token" : "Request is missing Authentication Token");
}

wire::Fault expired_token(const wire::Match& match) {
  return spelled(match, "ExpiredToken", "The security token included in the request is expired");
}

wire::Fault wrong_scope(const wire::Match& match) {
  return spelled(match, "SignatureDoesNotMatch",
                 fmt::format("Credential should be scoped to correct service: '{}'. ", match.model->signing_name));
}

wire::Fault access_denied(const wire::Match& match, const std::string& reason) {
  // SNS models a name of its own for it.
  if (match.operation != nullptr && std::ranges::any_of(match.operation->errors, [](const wire::Shape* error) {
        return error->name == "AuthorizationErrorException";
      }))
    return wire::Fault("AuthorizationError", reason, 403);
  return spelled(match, "AccessDenied", reason);
}

wire::Fault spelled_for(const wire::Match& match, const wire::Fault& fault) {
  return spelled(match, fault.code(), fault.message(), fault.status());
}

// A service that is none of ours yet says so as an operation does, as far as the request names it.
wire::Fault no_service(const http::Request& request) {
  auto named = [](std::string_view text) {
    return !text.empty() && text.size() <= 100 && std::ranges::all_of(text, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
  };
  if (auto scope = wire::credential_scope(request); scope && named(scope->service)) {
    auto operation = request.headers.get("X-Amz-Target");
    operation = operation.substr(operation.rfind('.') + 1);
    for (auto form : {std::string_view(request.body), request.query()})
      for (auto field : base::split(form.substr(0, 1'000), '&'))
        if (operation.empty() && field.starts_with("Action=")) operation = field.substr(7);
    return wire::Fault("NotImplementedException",
                       fmt::format("lambari does not serve {}{} yet", scope->service,
                                   named(operation) ? fmt::format(":{}", operation) : fmt::format(" ({})", request.method)),
                       501);
  }
  return wire::Fault("UnknownOperationException",
                     "lambari found no AWS service in this request: its path, host, X-Amz-Target and credential scope name none.",
                     404);
}

wire::Fault unknown_operation(const wire::Match& match) {
  switch (family(match.protocol)) {
    case Family::query:
      return wire::Fault("InvalidAction", fmt::format("Could not find operation for version {}", match.model->api_version), 400);
    case Family::rest_json: return wire::Fault("UnknownOperationException", "Unknown operation", 404);
    case Family::json: break;
  }
  return wire::Fault("UnknownOperationException", "Unknown operation", 400);
}

wire::Fault not_served(const wire::Match& match) {
  return wire::Fault("NotImplementedException",
                     fmt::format("lambari does not serve {}:{} yet", match.model->name, match.operation->name), 501);
}

wire::Fault internal_failure() {
  return wire::Fault("InternalFailure", "The request processing has failed because of an unknown error, exception or failure.",
                     500);
}

}  // namespace lambari::front
