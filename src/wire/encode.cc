// Results and faults, in each protocol's envelope.
#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "wire/cbor.h"
#include "wire/codec.h"
#include "wire/event_stream.h"
#include "wire/fault_names.h"
#include "wire/json.h"
#include "wire/rest.h"
#include "wire/scope.h"
#include "wire/xml.h"

namespace lambari::wire {
namespace {

constexpr std::string_view kXmlHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

std::string_view content_type(Protocol protocol) {
  switch (protocol) {
    case Protocol::json_1_0: return "application/x-amz-json-1.0";
    case Protocol::json_1_1: return "application/x-amz-json-1.1";
    case Protocol::rest_json: return "application/json";
    case Protocol::query: return "text/xml";
    case Protocol::ec2: return "text/xml;charset=UTF-8";
    case Protocol::rest_xml: return "application/xml";
    case Protocol::rpc_v2_cbor: return "application/cbor";
  }
  return {};
}

http::Response start(Protocol protocol, int status, const std::string& request_id) {
  http::Response response;
  response.status = status;
  response.headers.add("x-amzn-RequestId", request_id);
  if (protocol == Protocol::rpc_v2_cbor) response.headers.add("smithy-protocol", "rpc-v2-cbor");
  return response;
}

void set_type(http::Response& response, std::string_view type) {
  if (!response.headers.has("Content-Type")) response.headers.set("Content-Type", std::string(type));
}

void open_root(std::string& out, std::string_view name, std::string_view suffix, std::string_view xml_namespace) {
  ((out += '<') += name) += suffix;
  append_xml_namespace(out, xml_namespace);
  out += '>';
}

void close_element(std::string& out, std::string_view name, std::string_view suffix = {}) {
  ((out += "</") += name) += suffix;
  out += '>';
}

void encode_query(const Match& match, const void* result, const std::string& request_id, std::string& out) {
  const Operation& operation = *match.operation;
  open_root(out, operation.name, "Response", match.model->xml_namespace);
  if (match.protocol == Protocol::ec2) {
    append_xml_element(out, "requestId", request_id);
    if (operation.output) append_xml_members(out, *operation.output, result);
  } else {
    if (operation.output) {
      std::string wrapper =
          operation.result_wrapper.empty() ? std::string(operation.name) + "Result" : std::string(operation.result_wrapper);
      open_root(out, wrapper, {}, {});
      append_xml_members(out, *operation.output, result);
      close_element(out, wrapper);
    }
    out += "<ResponseMetadata>";
    append_xml_element(out, "RequestId", request_id);
    out += "</ResponseMetadata>";
  }
  close_element(out, operation.name, "Response");
}

const Member* event_stream_member(const Shape& shape) {
  for (const auto& member : shape.members)
    if (member.shape()->event_stream) return &member;
  return nullptr;
}

// Protocols without bindings have no place beside the events: what else the result holds is the first message.
std::string initial_response(const Shape& shape, Protocol protocol, const void* result) {
  std::string document;
  std::string_view type = "application/json";
  std::size_t members = 0;
  if (protocol == Protocol::rpc_v2_cbor) {
    type = "application/cbor";
    for (const auto& member : shape.members) members += !member.shape()->event_stream && member.read(result, member);
    append_cbor_map(document, members);
  } else {
    document += '{';
  }
  bool comma = false;
  for (const auto& member : shape.members) {
    const void* value = member.shape()->event_stream ? nullptr : member.read(result, member);
    if (!value) continue;
    if (protocol == Protocol::rpc_v2_cbor) {
      append_cbor_text(document, member.wire_name);
      append_cbor(document, member, value);
      continue;
    }
    if (std::exchange(comma, true)) document += ',';
    base::append_json_string(document, member.wire_name);
    document += ':';
    append_json(document, member, value);
  }
  if (protocol != Protocol::rpc_v2_cbor) document += '}';
  return typed_message("initial-response", type, document);
}

// The events make the body, whatever else the result has said of its type.
void encode_events(const Member& member, Protocol protocol, const void* result, http::Response& response, std::string initial) {
  const auto* stream = static_cast<const AnyEventStream*>(member.read(result, member));
  response.headers.set("Content-Type", std::string(kEventStreamType));
  response.stream = event_body(stream ? stream->source : nullptr, *member.shape(), protocol, std::move(initial));
}

void encode_payload(const Member& member, Protocol protocol, const void* result, http::Response& response) {
  const Shape& shape = *member.shape();
  const void* value = member.read(result, member);
  if (shape.kind == Kind::blob || shape.kind == Kind::string) {
    if (!value) return;
    response.body = *static_cast<const std::string*>(value);
    return set_type(response, shape.kind == Kind::blob ? "application/octet-stream" : "text/plain");
  }
  set_type(response, content_type(protocol));
  if (protocol == Protocol::rest_json) {
    if (value)
      append_json(response.body, member, value);
    else if (shape.kind == Kind::structure)
      response.body = "{}";
    return;
  }
  if (!value || shape.kind != Kind::structure) return;
  // The root is the member's name when it was given one, else the structure's.
  std::string_view root = member.has_location_name && member.wire_name != member.name ? member.wire_name
                          : !shape.location_name.empty()                              ? shape.location_name
                                                                                      : shape.name;
  (response.body += kXmlHead) += '<';
  response.body += root;
  if (!member.xml_namespace.empty())
    append_xml_namespace(response.body, member.xml_namespace, member.xml_prefix);
  else
    append_xml_namespace(response.body, shape.xml_namespace, shape.xml_prefix);
  append_xml_attributes(response.body, shape, value);
  response.body += '>';
  append_xml_members(response.body, shape, value, false);
  close_element(response.body, root);
}

void encode_rest(const Match& match, const void* result, http::Response& response) {
  const Operation& operation = *match.operation;
  if (!operation.output) return;
  const Shape& shape = *operation.output;
  write_bindings(shape, result, response);
  if (const Member* events = event_stream_member(shape)) return encode_events(*events, match.protocol, result, response, {});
  if (const Member* payload = payload_member(shape)) return encode_payload(*payload, match.protocol, result, response);
  if (response.status == 204 || response.status == 304) return;
  set_type(response, content_type(match.protocol));
  if (match.protocol == Protocol::rest_json) {
    bool comma = false;
    response.body += '{';
    append_json_members(response.body, shape, result, comma);
    response.body += '}';
  } else if (std::any_of(shape.members.begin(), shape.members.end(), in_response_body)) {
    std::string_view root = !shape.location_name.empty() ? shape.location_name : shape.name;
    std::string_view ns = shape.xml_namespace.empty() ? match.model->xml_namespace : shape.xml_namespace;
    response.body += kXmlHead;
    (response.body += '<') += root;
    append_xml_namespace(response.body, ns);
    append_xml_attributes(response.body, shape, result);
    response.body += '>';
    append_xml_members(response.body, shape, result);
    close_element(response.body, root);
  }
}

// The protocol that a request seems to be of, when no service claims it.
Protocol guess(const http::Request& request) {
  auto type = request.headers.get("Content-Type");
  if (request.headers.has("smithy-protocol") || type.starts_with("application/cbor")) return Protocol::rpc_v2_cbor;
  if (type.starts_with("application/x-amz-json-1.0")) return Protocol::json_1_0;
  if (request.headers.has("X-Amz-Target") || type.starts_with("application/x-amz-json")) return Protocol::json_1_1;
  if (type.starts_with("application/x-www-form-urlencoded") || request.query().find("Action=") != std::string_view::npos)
    return Protocol::query;
  if (auto scope = credential_scope(request); scope && scope->service == "s3") return Protocol::rest_xml;
  return Protocol::rest_json;
}

const Member* message_member(const Shape& shape) {
  for (const auto& member : shape.members)
    if (base::iequals(member.name, "message")) return &member;
  return nullptr;
}

bool tells_message(const Fault& fault) {
  const Member* member = fault.shape() ? message_member(*fault.shape()) : nullptr;
  return member && member->read(fault.value(), *member);
}

// The members of a typed fault, and the message, spelled as the fault's shape spells it.
void append_fault_json(std::string& out, const Match* match, const Fault& fault, std::string_view code) {
  bool comma = out.back() != '{';
  if (fault.shape() && fault.value()) append_json_members(out, *fault.shape(), fault.value(), comma);
  if (tells_message(fault) || (fault.shape() && fault.message().empty())) return;
  std::string_view name = "message";
  if (match && match->operation)
    for (const Shape* error : match->operation->errors)
      if (error->name == code)
        if (const Member* member = message_member(*error)) name = member->wire_name;
  if (comma) out += ',';
  ((out += '"') += name) += "\":";
  base::append_json_string(out, fault.message());
}

// Whatever the model calls it, the message is <Message>.
void append_fault_xml(std::string& out, const Fault& fault, std::string_view code, bool with_type) {
  if (with_type) append_xml_element(out, "Type", fault.senders() ? "Sender" : "Receiver");
  append_xml_element(out, "Code", code);
  const Shape* shape = fault.shape();
  const Member* message = shape ? message_member(*shape) : nullptr;
  const void* told = message && message->shape()->kind == Kind::string ? message->read(fault.value(), *message) : nullptr;
  std::string_view text = told ? std::string_view(*static_cast<const std::string*>(told)) : std::string_view(fault.message());
  if (told || !shape || !text.empty()) append_xml_element(out, "Message", text);
  if (!shape || !fault.value()) return;
  for (const auto& member : shape->members) {
    if (&member == message || !in_response_body(member)) continue;
    if (const void* item = member.read(fault.value(), member)) append_xml(out, member, item);
  }
}

// `bare`: S3 wraps its errors in nothing.
std::string fault_xml(Protocol protocol, std::string_view xml_namespace, const Fault& fault, std::string_view code,
                      const std::string& request_id, bool bare) {
  std::string out;
  if (protocol == Protocol::ec2) {
    out += kXmlHead;
    out += "<Response><Errors><Error>";
    append_fault_xml(out, fault, code, false);
    out += "</Error></Errors>";
    append_xml_element(out, "RequestID", request_id);
    return out += "</Response>";
  }
  if (protocol == Protocol::rest_xml) out += kXmlHead;
  if (protocol == Protocol::rest_xml && bare) {
    out += "<Error>";
    append_fault_xml(out, fault, code, false);
    append_xml_element(out, "RequestId", request_id);
    return out += "</Error>";
  }
  open_root(out, "ErrorResponse", {}, xml_namespace);
  out += "<Error>";
  append_fault_xml(out, fault, code, true);
  out += "</Error>";
  append_xml_element(out, "RequestId", request_id);
  return out += "</ErrorResponse>";
}

std::string fault_cbor(const Fault& fault, std::string_view code) {
  std::string out;
  bool typed = fault.shape() && fault.value();
  bool message = !tells_message(fault) && !(typed && fault.message().empty());
  append_cbor_map(out, 1 + (typed ? count_cbor_members(*fault.shape(), fault.value()) : 0) + message);
  append_cbor_text(out, "__type");
  append_cbor_text(out, code);
  if (typed) append_cbor_members(out, *fault.shape(), fault.value());
  if (message) {
    append_cbor_text(out, "message");
    append_cbor_text(out, fault.message());
  }
  return out;
}

}  // namespace

http::Response encode_result(const Match& match, const void* result, const std::string& request_id) {
  const Operation& operation = *match.operation;
  http::Response response = start(match.protocol, operation.status, request_id);
  if (operation.output) {
    const Member* events = event_stream_member(*operation.output);
    if (events && match.protocol != Protocol::rest_json && match.protocol != Protocol::rest_xml) {
      encode_events(*events, match.protocol, result, response, initial_response(*operation.output, match.protocol, result));
      return response;
    }
  }
  switch (match.protocol) {
    case Protocol::json_1_0:
    case Protocol::json_1_1: {
      set_type(response, content_type(match.protocol));
      if (!operation.output) break;
      bool comma = false;
      response.body += '{';
      append_json_members(response.body, *operation.output, result, comma, json_style(*match.model));
      response.body += '}';
      break;
    }
    case Protocol::query:
    case Protocol::ec2:
      set_type(response, content_type(match.protocol));
      encode_query(match, result, request_id, response.body);
      break;
    case Protocol::rest_json:
    case Protocol::rest_xml: encode_rest(match, result, response); break;
    case Protocol::rpc_v2_cbor:
      if (!operation.output) break;
      set_type(response, content_type(match.protocol));
      append_cbor_map(response.body, count_cbor_members(*operation.output, result));
      append_cbor_members(response.body, *operation.output, result);
      break;
  }
  return response;
}

http::Response encode_fault(const Match* match, const http::Request& request, const Fault& fault, const std::string& request_id) {
  Protocol protocol = match ? match->protocol : guess(request);
  std::string_view code = fault.shape() ? std::string_view(fault.code()) : common_code(fault.code(), protocol);
  if (protocol == Protocol::query && !fault.query_code().empty()) code = fault.query_code();
  http::Response response = start(protocol, fault.status(), request_id);
  set_type(response, content_type(protocol));
  switch (protocol) {
    case Protocol::json_1_0:
    case Protocol::json_1_1:
      response.body = "{\"__type\":";
      base::append_json_string(response.body, code);
      append_fault_json(response.body, match, fault, code);
      response.body += '}';
      break;
    case Protocol::rest_json:
      response.headers.set("x-amzn-ErrorType", std::string(code));
      if (fault.shape() && fault.value()) write_bindings(*fault.shape(), fault.value(), response);
      response.body = "{";
      append_fault_json(response.body, match, fault, code);
      response.body += '}';
      break;
    case Protocol::rest_xml:
      if (fault.shape() && fault.value()) write_bindings(*fault.shape(), fault.value(), response);
      [[fallthrough]];
    case Protocol::query:
    case Protocol::ec2:
      response.body = fault_xml(protocol, match ? match->model->xml_namespace : "", fault, code, request_id, !match);
      break;
    case Protocol::rpc_v2_cbor: response.body = fault_cbor(fault, code); break;
  }
  if (match && match->model->query_compatible && protocol != Protocol::query) {
    std::string_view old = fault.query_code().empty() ? common_code(fault.code(), Protocol::query) : fault.query_code();
    response.headers.set("x-amzn-query-error", std::string(old) + (fault.senders() ? ";Sender" : ";Receiver"));
  }
  return response;
}

}  // namespace lambari::wire
