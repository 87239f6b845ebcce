// What REST protocols bind outside the body: path labels, query string, headers, status.
// https://smithy.io/2.0/spec/http-bindings.html
#pragma once

#include "http/message.h"
#include "wire/reading.h"
#include "wire/router.h"
#include "wire/shape.h"

namespace lambari::wire {

void read_bindings(const Match& match, const http::Request& request, const Shape& input, void* value, Presence& presence);
// Headers, and the status when a member is the status.
void write_bindings(const Shape& output, const void* value, http::Response& response);

const Member* payload_member(const Shape& shape);  // nullptr when the body holds the members that are bound nowhere else
bool has_body_members(const Shape& shape);         // of a request
// A response has no path and no query string: what is bound there goes into its body.
inline bool in_response_body(const Member& member) {
  return member.location == Location::body || member.location == Location::uri || member.location == Location::query;
}

}  // namespace lambari::wire
