// Each request that a client would send, found by the router and read back to the parameters it was made from.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "suite.h"
#include "wire/codec.h"

namespace lambari::protocol {
namespace {

http::Request request_of(const json::object& serialized, const wire::Match& expected) {
  wire::Protocol protocol = expected.protocol;
  http::Request request;
  request.method = std::string(serialized.at("method").as_string());
  request.target = std::string(serialized.at("uri").as_string());
  if (auto* body = serialized.if_contains("body")) request.body = std::string(body->as_string());
  if (protocol == wire::Protocol::rpc_v2_cbor) request.body = base::unbase64(request.body).value();
  if (auto* headers = serialized.if_contains("headers"))
    for (const auto& [name, value] : headers->as_object()) request.headers.add(std::string(name), std::string(value.as_string()));
  // Some cases list only the headers that they are about.
  bool form = protocol == wire::Protocol::query || protocol == wire::Protocol::ec2;
  if (form && !request.headers.has("Content-Type"))
    request.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  bool json = protocol == wire::Protocol::json_1_0 || protocol == wire::Protocol::json_1_1;
  if (json && !request.headers.has("X-Amz-Target"))
    request.headers.add("X-Amz-Target", std::string(expected.model->target_prefix) + "." + std::string(expected.operation->name));
  // A path of the endpoint itself never reaches us.
  if (auto* host = serialized.if_contains("host")) {
    std::string_view name = host->as_string();
    auto slash = name.find('/');
    if (slash != std::string_view::npos && request.target.starts_with(name.substr(slash)))
      request.target.erase(0, name.size() - slash);
  }
  return request;
}

std::string check(dynamic::Model& model, const json::object&, const json::object& one) {
  Suite suite(model, one.at("given").as_object());
  wire::Router router({&suite});
  http::Request request = request_of(one.at("serialized").as_object(), suite.match());
  auto match = router.match(request);
  if (!match) return "no service found";
  if (!match->operation) return "no operation found";
  if (match->protocol != suite.match().protocol) return "another protocol";
  wire::Value value = wire::decode_request(*match, request);
  if (!suite.operation().input) return {};
  return dynamic::difference(*suite.operation().input, *static_cast<dynamic::Structure*>(value.get()), one.at("params"));
}

class Input : public testing::TestWithParam<const char*> {};
TEST_P(Input, IsReadBack) { run_cases("input", GetParam(), check); }
INSTANTIATE_TEST_SUITE_P(Protocols, Input,
                         testing::Values("ec2", "json", "json_1_0", "json_1_0-query-compatible", "query", "rest-json", "rest-xml",
                                         "smithy-rpc-v2-cbor", "smithy-rpc-v2-cbor-query-compatible",
                                         "smithy-rpc-v2-cbor-non-query-compatible"));

}  // namespace
}  // namespace lambari::protocol
