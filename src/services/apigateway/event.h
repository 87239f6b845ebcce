// The events that a Lambda integration receives; wire/http_event.h has what they are made of, and what the answers mean.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
#pragma once

#include <string>

#include "services/apigateway/exchange.h"
#include "wire/http_event.h"

namespace lambari::apigateway {

using wire::JsonObject;

std::string event_v1(const Exchange& exchange);
std::string event_v2(const Exchange& exchange);

// What both formats share.
void append_path_parameters(JsonObject& object, const Exchange& exchange, bool null_when_none);

}  // namespace lambari::apigateway
