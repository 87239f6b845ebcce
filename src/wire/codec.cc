#include "wire/codec.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "wire/cbor.h"
#include "wire/json.h"
#include "wire/query.h"
#include "wire/rest.h"
#include "wire/validate.h"
#include "wire/xml.h"

namespace lambari::wire {
namespace {

void read_form(const Match& match, const http::Request& request, void* value, Presence&, Reading& reading) {
  auto pairs = base::parse_query(request.query());
  for (auto& pair : base::parse_query(request.body)) pairs.push_back(std::move(pair));
  // Queues were first addressed by their URLs alone: the path stands for the parameter that it lacks.
  if (find_member(*match.operation->input, "QueueUrl") && request.path().size() > 1 &&
      std::ranges::none_of(pairs, [](const auto& pair) { return pair.first == "QueueUrl"; }))
    pairs.emplace_back("QueueUrl", base::percent_decode(request.path()));
  read_query(Form(std::move(pairs)), *match.operation->input, value, reading, match.protocol == Protocol::ec2);
}

// A member that is the whole body.
void read_payload(const Member& member, Protocol protocol, http::Request& request, void* value, Presence& presence,
                  Reading& reading) {
  const Shape& shape = *member.shape();
  if (shape.kind == Kind::blob || shape.kind == Kind::string) {
    if (request.body.empty() && !member.required) return;
    if (shape.kind == Kind::string && !base::is_utf8(request.body)) refuse("Text is not UTF-8");
    presence.mark(member);
    *static_cast<std::string*>(member.mutate(value, member)) = std::move(request.body);
    return;
  }
  if (request.body.empty()) return;
  presence.mark(member);
  void* target = member.mutate(value, member);
  if (protocol == Protocol::rest_json) return read_json(request.body, member, target, reading);
  if (shape.kind != Kind::structure) refuse("Unexpected field type");
  Presence inner(shape);
  read_xml(request.body, shape, target, inner, reading);
  inner.finish(target, Path{nullptr, member.name}, reading);
}

void read_rest(const Match& match, http::Request& request, void* value, Presence& presence, Reading& reading) {
  const Shape& shape = *match.operation->input;
  read_bindings(match, request, shape, value, presence);
  if (const Member* payload = payload_member(shape)) {
    read_payload(*payload, match.protocol, request, value, presence, reading);
  } else if (has_body_members(shape) && !request.body.empty()) {
    if (match.protocol == Protocol::rest_json)
      read_json(request.body, shape, value, presence, reading);
    else
      read_xml(request.body, shape, value, presence, reading);
  }
}

}  // namespace

Value decode_request(const Match& match, http::Request& request) {
  const Operation& operation = *match.operation;
  Value value = operation.make_request();
  if (!operation.input) return value;
  const Shape& shape = *operation.input;
  Reading reading;
  Presence presence(shape);
  switch (match.protocol) {
    case Protocol::json_1_0:
    case Protocol::json_1_1:
      if (!request.body.empty()) read_json(request.body, shape, value.get(), presence, reading, json_style(*match.model));
      break;
    case Protocol::query:
    case Protocol::ec2: read_form(match, request, value.get(), presence, reading); break;
    case Protocol::rest_json:
    case Protocol::rest_xml: read_rest(match, request, value.get(), presence, reading); break;
    case Protocol::rpc_v2_cbor:
      if (!request.body.empty()) read_cbor(request.body, shape, value.get(), presence, reading);
      break;
  }
  if (match.protocol != Protocol::query && match.protocol != Protocol::ec2) presence.finish(value.get(), Path{}, reading);
  check(match.model, shape, value.get(), reading.missing);
  return value;
}

Value decode_document(const Operation& operation, std::string_view json) {
  Value value = operation.make_request();
  if (!operation.input) return value;
  Reading reading;
  Presence presence(*operation.input);
  std::string text(json);
  read_json(text, *operation.input, value.get(), presence, reading,
            {.model_names = true, .every_location = true, .time = TimeFormat::iso8601});
  presence.finish(value.get(), Path{}, reading);
  check(nullptr, *operation.input, value.get(), reading.missing);
  return value;
}

std::string encode_document(const Operation& operation, const void* result) {
  std::string out = "{";
  bool comma = false;
  if (operation.output && result)
    append_json_members(out, *operation.output, result, comma,
                        {.model_names = true, .every_location = true, .time = TimeFormat::iso8601});
  return out += '}';
}

}  // namespace lambari::wire
