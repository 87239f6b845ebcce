#include "services/lambda/model.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace lambari::lambda {
namespace {

TEST(Model, VersionRoundTrip) {
  Version v;
  v.configuration.runtime = "python3.12";
  v.configuration.handler = "index.handler";
  v.configuration.role = "arn:aws:iam::000000000000:role/r";
  v.configuration.description = "olá \"quoted\"\n";
  v.configuration.timeout_s = 900;
  v.configuration.memory_mb = 10'240;
  v.configuration.tmp_mb = 1'024;
  v.configuration.environment = {{"A", "1"}, {"B", ""}};
  v.configuration.layers = {{"arn:aws:lambda:us-east-1:000000000000:layer:l:1", {"ab", 7, 9}}, {"x", {"cd", 1, 2}}};
  v.configuration.log_group = "/mine";
  v.configuration.log_format = "JSON";
  v.configuration.application_log_level = "DEBUG";
  v.configuration.system_log_level = "WARN";
  v.configuration.update_runtime_on = "Manual";
  v.code = {"ff00", 52'428'800, 262'144'000};
  v.modified = {1'769'817'600'123};
  v.revision = "r";
  v.generation = "g";
  v.state = "Active";
  v.state_reason = "because";
  v.state_reason_code = "Idle";
  v.update_status = "InProgress";
  v.update_reason = "The function is being created.";
  v.update_reason_code = "Creating";
  EXPECT_EQ(decode_version(encode(v)), v);
  v.configuration.environment.reset();
  EXPECT_EQ(decode_version(encode(v)), v);
  v.configuration.environment.emplace();
  EXPECT_EQ(decode_version(encode(v)), v);
}

TEST(Model, OtherRoundTrips) {
  const Function f{{}, {{"team", "peixe"}}, 41};
  EXPECT_EQ(decode_function(encode(f)), f);
  const Alias a{"", "3", "d", "r", {{"4", 0.25}}};
  EXPECT_EQ(decode_alias(encode(a)), a);
  const Policy p{{R"({"Sid":"a"})", R"({"Sid":"b"})"}, "r"};
  EXPECT_EQ(decode_policy(encode(p)), p);
  EXPECT_EQ(decode_layer(encode(Layer{7})), Layer{7});
  LayerVersion l;
  l.description = "d";
  l.license = "MIT";
  l.runtimes = {"python3.12"};
  l.code = {"aa", 1, 2};
  l.created = {5};
  EXPECT_EQ(decode_layer_version(encode(l)), l);
  l.runtimes.reset();
  l.architectures = std::vector<std::string>{};
  EXPECT_EQ(decode_layer_version(encode(l)), l);
}

TEST(Model, RefusesWhatItDoesNotKnow) {
  EXPECT_THROW(decode_version("junk"), std::runtime_error);
  EXPECT_THROW(decode_version("{}"), std::runtime_error);
  EXPECT_THROW(decode_function(R"({"format":2,"tags":{}})"), std::runtime_error);
  EXPECT_NO_THROW(decode_function(R"({"format":1,"of a later release":true})"));
}

}  // namespace
}  // namespace lambari::lambda
