#include "wire/fault_names.h"

#include <array>

namespace lambari::wire {
namespace {

struct Names {
  std::string_view query, json;
};

// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and the CommonErrors pages of JSON services.
constexpr std::array kCommon = {
    Names{"SignatureDoesNotMatch", "InvalidSignatureException"},
    Names{"IncompleteSignature", "IncompleteSignatureException"},
    Names{"MissingAuthenticationToken", "MissingAuthenticationTokenException"},
    Names{"InvalidClientTokenId", "UnrecognizedClientException"},
    Names{"ExpiredToken", "ExpiredTokenException"},
    Names{"AccessDenied", "AccessDeniedException"},
    Names{"InvalidAction", "UnknownOperationException"},
    Names{"MalformedInput", "SerializationException"},
    Names{"ValidationError", "ValidationException"},
    Names{"Throttling", "ThrottlingException"},
    Names{"ServiceUnavailable", "ServiceUnavailableException"},
    Names{"InvalidParameterValue", "InvalidParameterValueException"},
    Names{"MissingParameter", "MissingRequiredParameterException"},
};

struct ValidationName {
  std::string_view service, code;  // service: our room's name
};

// Where a constraint of the model is not reported as ValidationException (json, rest) or ValidationError (query).
constexpr std::array kValidation = {
    ValidationName{"logs", "InvalidParameterException"}, ValidationName{"apigatewayv2", "BadRequestException"},
    ValidationName{"apigateway", "BadRequestException"},
    ValidationName{"sqs", "MissingParameter"},  // its model has no constraint but what is required
};

bool xml_family(Protocol protocol) {
  return protocol == Protocol::query || protocol == Protocol::ec2 || protocol == Protocol::rest_xml;
}

}  // namespace

std::string_view common_code(std::string_view code, Protocol protocol) {
  for (const auto& names : kCommon)
    if (names.query == code || names.json == code) return xml_family(protocol) ? names.query : names.json;
  return code;
}

std::string_view validation_code(const ServiceModel& model) {
  for (const auto& name : kValidation)
    if (name.service == model.name) return name.code;
  return !model.protocols.empty() && xml_family(model.protocols[0]) ? "ValidationError" : "ValidationException";
}

}  // namespace lambari::wire
