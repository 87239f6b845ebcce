#include "suite.h"

#include <gtest/gtest.h>

#include "exceptions.h"
#include "vectors.h"

namespace lambari::protocol {
namespace {

wire::Protocol protocol_of(const json::object& metadata) {
  std::string name(metadata.at("protocol").as_string());
  if (name == "json")
    return metadata.contains("jsonVersion") && metadata.at("jsonVersion").as_string() == "1.0" ? wire::Protocol::json_1_0
                                                                                               : wire::Protocol::json_1_1;
  if (name == "query") return wire::Protocol::query;
  if (name == "ec2") return wire::Protocol::ec2;
  if (name == "rest-json") return wire::Protocol::rest_json;
  if (name == "rest-xml") return wire::Protocol::rest_xml;
  return wire::Protocol::rpc_v2_cbor;
}

std::string_view text(dynamic::Model& model, const char* name) {
  auto* found = model.metadata().if_contains(name);
  if (!found) return {};
  if (found->is_object()) found = found->as_object().if_contains("uri");
  return found && found->is_string() ? model.keep(std::string(found->as_string())) : std::string_view();
}

}  // namespace

Suite::Suite(dynamic::Model& model, const json::object& given)
    : operation_(model.operation(given)), protocol_(protocol_of(model.metadata())) {
  service_ = {.name = "vectors",
              .id = "Vectors",
              .full_name = "Vectors",
              .endpoint_prefix = "vectors",
              .signing_name = "vectors",
              .api_version = text(model, "apiVersion"),
              .target_prefix = text(model, "targetPrefix"),
              .xml_namespace = text(model, "xmlNamespace"),
              .query_compatible = model.metadata().contains("awsQueryCompatible"),
              .protocols = {&protocol_, 1},
              .operations = {&operation_, 1}};
}

wire::Match Suite::match() const {
  wire::Match match;
  match.service = const_cast<Suite*>(this);
  match.model = &service_;
  match.operation = &operation_;
  match.protocol = protocol_;
  return match;
}

void run_cases(const std::string& side, const std::string& file, const Check& check) {
  auto folder = vectors::folder("protocols");
  if (!folder) GTEST_SKIP() << "skipped: no vectors";
  json::value suites = vectors::read_json(*folder / side / (file + ".json"));
  int count = 0;
  for (const auto& suite : suites.as_array()) {
    dynamic::Model model(suite.as_object());
    for (const auto& one : suite.at("cases").as_array()) {
      std::string name = side + "/" + file + "/" + std::string(one.at("id").as_string());
      std::string wrong;
      try {
        wrong = check(model, suite.as_object(), one.as_object());
      } catch (const std::exception& e) {
        wrong = std::string("threw: ") + e.what();
      }
      ++count;
      bool listed = kExceptions.contains(name);
      if (listed)
        EXPECT_NE(wrong, "") << name << " is listed in exceptions.h but passes";
      else
        EXPECT_EQ(wrong, "") << name;
    }
  }
  testing::Test::RecordProperty("cases", count);
}

}  // namespace lambari::protocol
