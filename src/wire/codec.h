// Requests in, results and faults out, for every protocol; all walk the shape tables.
//   json 1.0/1.1, query, ec2, rest-json, rest-xml: https://smithy.io/2.0/aws/protocols/index.html ; rpc-v2-cbor:
//   https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
#pragma once

#include <string>

#include "http/message.h"
#include "wire/fault.h"
#include "wire/router.h"
#include "wire/service.h"

namespace lambari::wire {

// Reads the typed request and checks it against the model. Throws Fault: SerializationException for a body that is not of the
// protocol, ValidationException (or the service's own name for it) with AWS's words for what the model forbids.
// `request.body` may be moved from (a streaming payload is not copied).
Value decode_request(const Match& match, http::Request& request);

http::Response encode_result(const Match& match, const void* result, const std::string& request_id);
// `match` may be null (no service found): answers in the protocol that the request looks like.
http::Response encode_fault(const Match* match, const http::Request& request, const Fault& fault, const std::string& request_id);

// The same by plain JSON documents, for calls by name. Member names are the model's.
Value decode_document(const Operation& operation, std::string_view json);
std::string encode_document(const Operation& operation, const void* result);

// Constraints of the model on a decoded value. Throws Fault with `code`:
// "1 validation error detected: Value '…' at 'functionName' failed to satisfy constraint: Member must …"
void validate(const ServiceModel& model, const Shape& shape, const void* value);

}  // namespace lambari::wire
