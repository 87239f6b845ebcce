// Each response that a client would read, made from its result; compared as a client sees it: status, headers, and the body's
// tree.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/text.h"
#include "suite.h"
#include "tree.h"
#include "wire/codec.h"

namespace lambari::protocol {
namespace {

class VectorFault final : public wire::Fault {
 public:
  VectorFault(const wire::Shape* shape, dynamic::Structure fields, const std::string& code, std::string_view query_code,
              const std::string& message, int status)
      : Fault(code, message, status), shape_(shape), fields_(std::move(fields)) {
    if (!query_code.empty()) set_query_code(query_code);
  }
  const wire::Shape* shape() const override { return shape_; }
  const void* value() const override { return &fields_; }

 private:
  const wire::Shape* shape_;
  dynamic::Structure fields_;
};

// As the generator gives a fault its code and status.
VectorFault fault_of(dynamic::Model& model, const json::object& one, wire::Protocol protocol) {
  std::string name(one.at("given").at("errors").at(0).at("shape").as_string());
  const json::object& shape = model.shape_json(name);
  const json::object* error = shape.contains("error") ? &shape.at("error").as_object() : nullptr;
  int status = shape.contains("fault") ? 500 : 400;
  if (error && error->contains("httpStatusCode")) status = error->at("httpStatusCode").to_number<int>();
  bool xml = protocol == wire::Protocol::query || protocol == wire::Protocol::ec2 || protocol == wire::Protocol::rest_xml;
  std::string_view code =
      error && error->contains("code") ? model.keep(std::string(error->at("code").as_string())) : std::string_view();
  // Some cases tell the message only in the response.
  std::string message, body;
  if (auto* sent = one.at("response").as_object().if_contains("body"); sent && sent->is_string())
    body = std::string(sent->as_string());
  if (one.contains("errorMessage"))
    message = std::string(one.at("errorMessage").as_string());
  else if (auto at = body.find("<Message>"); at != std::string::npos)
    message = body.substr(at + 9, body.find('<', at + 9) - at - 9);
  return VectorFault(model.shape(name), dynamic::Model::make_structure(*model.shape(name), one.at("error")),
                     xml && !code.empty() ? std::string(code) : name, xml ? std::string_view() : code, message, status);
}

// Only its name: services put namespaces before it and addresses after it.
std::string bare(std::string_view code) {
  if (auto hash = code.find('#'); hash != std::string_view::npos) code.remove_prefix(hash + 1);
  return std::string(code.substr(0, code.find(':')));
}

std::string header_difference(const http::Response& got, const json::object& expected, bool fault) {
  auto* headers = expected.if_contains("headers");
  if (!headers || !headers->is_object()) return {};
  for (const auto& [name, value] : headers->as_object()) {
    std::string_view wanted = value.as_string(), have = got.headers.get(name);
    if (fault && base::iequals(name, "x-amzn-errortype")) continue;  // compared with the body, below
    if (base::iequals(name, "Content-Length")) continue;             // the server's business
    if (base::iequals(name, "Content-Type")) {
      if (base::cut(have, ';').first != base::cut(wanted, ';').first) return "content type " + std::string(have);
    } else if (base::iequals(name, "x-amzn-requestid") || base::iequals(name, "x-amz-request-id")) {
      if (have.empty()) return "no request id";
    } else if (have != wanted) {
      return "header " + std::string(name) + ": got " + std::string(have) + ", expected " + std::string(wanted);
    }
  }
  return {};
}

Tree tree_of(std::string_view body, wire::Protocol protocol) {
  switch (protocol) {
    case wire::Protocol::query:
    case wire::Protocol::ec2:
    case wire::Protocol::rest_xml: return xml_tree(body);
    case wire::Protocol::rpc_v2_cbor: return cbor_tree(body);
    default: return json_tree(body);
  }
}

// A fault's name is looked for in the header and in two members of the body: what a client finds is compared, not where.
std::string json_fault_code(const http::Response* got, const json::object* response, Tree& body) {
  std::string code;
  if (got) code = got->headers.get("x-amzn-errortype");
  if (response && response->contains("headers") && response->at("headers").is_object())
    for (const auto& [name, value] : response->at("headers").as_object())
      if (base::iequals(name, "x-amzn-errortype")) code = std::string(value.as_string());
  for (const char* name : {"__type", "code"}) {
    auto found = body.children.find(name);
    if (found == body.children.end()) continue;
    code = found->second.front().text;
    body.children.erase(found);
  }
  return bare(code);
}

bool is_payload(const wire::Operation& operation) { return operation.output && !operation.output->payload.empty(); }

bool is_raw(const wire::Operation& operation) {
  if (!is_payload(operation)) return false;
  auto kind = wire::find_member(*operation.output, operation.output->payload)->shape()->kind;
  return kind == wire::Kind::blob || kind == wire::Kind::string;
}

std::string body_difference(const http::Response& got, const json::object& response, const wire::Match& match, bool fault) {
  std::string expected;
  if (!response.contains("body") || response.at("body").is_null()) return {};  // the case does not say
  if (auto* body = response.if_contains("body"); body && body->is_string()) expected = std::string(body->as_string());
  if (match.protocol == wire::Protocol::rpc_v2_cbor) expected = base::unbase64(expected).value();
  if (!fault && is_raw(*match.operation)) return got.body == expected ? "" : "body: got " + got.body;
  Tree ours = tree_of(got.body, match.protocol), theirs = tree_of(expected, match.protocol);
  bool json_fault = fault && match.protocol != wire::Protocol::query && match.protocol != wire::Protocol::ec2 &&
                    match.protocol != wire::Protocol::rest_xml;
  if (json_fault) {
    std::string a = json_fault_code(&got, nullptr, ours), b = json_fault_code(nullptr, &response, theirs);
    if (a != b) return "fault " + a + ", expected " + b;
  }
  // The cases' models lack the namespace that the envelopes of their documents have.
  if (match.protocol == wire::Protocol::query || match.protocol == wire::Protocol::ec2) theirs.children.erase("@xmlns");
  return difference(ours, theirs);
}

std::string check(dynamic::Model& model, const json::object&, const json::object& one) {
  Suite suite(model, one.at("given").as_object());
  wire::Match match = suite.match();
  const json::object& response = one.at("response").as_object();
  bool fault = one.contains("error");
  http::Response got;
  if (fault) {
    VectorFault thrown = fault_of(model, one, match.protocol);
    got = wire::encode_fault(&match, {}, thrown, "foo-id");
  } else {
    dynamic::Structure result;
    if (suite.operation().output) result = dynamic::Model::make_structure(*suite.operation().output, one.at("result"));
    got = wire::encode_result(match, &result, "foo-id");
  }
  if (got.status != response.at("status_code").to_number<int>()) return "status " + std::to_string(got.status);
  if (auto wrong = header_difference(got, response, fault); !wrong.empty()) return wrong;
  return body_difference(got, response, match, fault);
}

class Output : public testing::TestWithParam<const char*> {};
TEST_P(Output, IsMade) { run_cases("output", GetParam(), check); }
INSTANTIATE_TEST_SUITE_P(Protocols, Output,
                         testing::Values("ec2", "json", "json_1_0", "json_1_0-query-compatible", "query", "rest-json", "rest-xml",
                                         "smithy-rpc-v2-cbor", "smithy-rpc-v2-cbor-query-compatible",
                                         "smithy-rpc-v2-cbor-non-query-compatible"));

}  // namespace
}  // namespace lambari::protocol
