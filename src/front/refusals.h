// The faults that come from before the room: who you are, what you may, what is not there. AWS spells them by protocol:
// query and XML services "InvalidClientTokenId" (403), REST-JSON "UnrecognizedClientException" (403), JSON 1.x the same with 400.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
#pragma once

#include <string>
#include <string_view>

#include "wire/fault.h"
#include "wire/router.h"

namespace lambari::front {

wire::Fault unknown_key(const wire::Match& match);
wire::Fault not_for_functions(const wire::Match& match);  // the key is root's that everybody knows
wire::Fault not_signed(const wire::Match& match);
wire::Fault expired_token(const wire::Match& match);
wire::Fault wrong_scope(const wire::Match& match);
wire::Fault access_denied(const wire::Match& match, const std::string& reason);
// What read_signature and verify_signature threw, in the spelling of this service.
wire::Fault spelled_for(const wire::Match& match, const wire::Fault& fault);

wire::Fault no_service(const http::Request& request);
wire::Fault unknown_operation(const wire::Match& match);
wire::Fault not_served(const wire::Match& match);  // in the model, not built yet: 501

// Without detail: what happened is in the log.
wire::Fault internal_failure();

}  // namespace lambari::front
