#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/lambda/fakes.h"
#include "services/lambda/rules.h"

namespace lambari::lambda {
namespace {

using namespace aws::lambda;
using ::testing::HasSubstr;
using testing::hello_zip;
using testing::make_zip;
using ::testing::StartsWith;
using testing::World;

const std::string kArn = "arn:aws:lambda:us-east-1:000000000000:layer:";

PublishLayerVersionResponse publish(World& w, const std::string& name, const std::string& content,
                                    std::optional<std::vector<std::string>> runtimes = {}) {
  PublishLayerVersionRequest request;
  request.LayerName = name;
  request.Content.ZipFile = make_zip({{"python/" + name + ".py", content}});
  request.CompatibleRuntimes = std::move(runtimes);
  request.Description = content;
  return w.call_api(&Lambda::PublishLayerVersion, request);
}

std::string with_layers(World& w, std::vector<std::string> arns) {
  return w.fault_of([&] {
    UpdateFunctionConfigurationRequest request;
    request.FunctionName = "f";
    request.Layers = std::move(arns);
    w.call_api(&Lambda::UpdateFunctionConfiguration, request);
    w.wait("f");
  });
}

TEST(Layers, Life) {
  World w;
  const auto one = publish(w, "tools", "one", std::vector<std::string>{"python3.12"});
  EXPECT_EQ(one.LayerArn, kArn + "tools");
  EXPECT_EQ(one.LayerVersionArn, kArn + "tools:1");
  EXPECT_EQ(one.Version, 1);
  EXPECT_EQ(publish(w, "tools", "two", std::vector<std::string>{"nodejs20.x"}).Version, 2);
  publish(w, "other", "x");

  const auto got = w.call_api(&Lambda::GetLayerVersion, GetLayerVersionRequest{"tools", 1});
  EXPECT_EQ(got.Description, "one");
  EXPECT_EQ(got.Content->CodeSha256, one.Content->CodeSha256);
  EXPECT_EQ(w.call_api(&Lambda::GetLayerVersionByArn, GetLayerVersionByArnRequest{kArn + "tools:2"}).Description, "two");
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::GetLayerVersion, GetLayerVersionRequest{"tools", 0}); }),
            "InvalidParameterValueException: Layer Version Cannot be less than 1");
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::GetLayerVersion, GetLayerVersionRequest{"tools", 9}); }),
            "ResourceNotFoundException: The resource you requested does not exist.");
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::GetLayerVersionByArn, GetLayerVersionByArnRequest{kArn + "tools"}); }),
              StartsWith("ValidationException"));

  ListLayerVersionsRequest versions;
  versions.LayerName = "tools";
  versions.MaxItems = 1;
  const auto first = w.call_api(&Lambda::ListLayerVersions, versions);
  EXPECT_EQ(first.LayerVersions->at(0).Version, 2);
  ASSERT_TRUE(first.NextMarker);
  versions.Marker = first.NextMarker;
  const auto second = w.call_api(&Lambda::ListLayerVersions, versions);
  EXPECT_EQ(second.LayerVersions->at(0).Version, 1);
  EXPECT_FALSE(second.NextMarker);

  ListLayersRequest layers;
  layers.CompatibleRuntime = "python3.12";
  const auto listed = w.call_api(&Lambda::ListLayers, layers);
  ASSERT_EQ(listed.Layers->size(), 1u);
  EXPECT_EQ(listed.Layers->at(0).LatestMatchingVersion->Version, 1);
  EXPECT_EQ(w.call_api(&Lambda::ListLayers, ListLayersRequest{}).Layers->size(), 2u);

  w.call_api(&Lambda::DeleteLayerVersion, DeleteLayerVersionRequest{"tools", 2});
  w.call_api(&Lambda::DeleteLayerVersion, DeleteLayerVersionRequest{"tools", 2});
  EXPECT_EQ(publish(w, "tools", "three").Version, 3) << "numbers are never used again";
}

TEST(Layers, FunctionsUseThemInOrderAndKeepThemAfterDeletion) {
  World w;
  w.create_active("f");
  publish(w, "a", "1");
  publish(w, "b", "2");
  EXPECT_EQ(with_layers(w, {kArn + "b:1", kArn + "a:1"}), "none");
  const auto shown = w.get("f").Layers;
  ASSERT_EQ(shown->size(), 2u);
  EXPECT_EQ(shown->at(0).Arn, kArn + "b:1");
  w.call_api(&Lambda::DeleteLayerVersion, DeleteLayerVersionRequest{"a", 1});
  w.restart();
  w.invoke("f");
  const auto& spec = w.sandbox.specs.back();
  ASSERT_EQ(spec.layers.size(), 2u);
  EXPECT_TRUE(std::filesystem::exists(spec.layers[0] / "python/b.py"));
  EXPECT_TRUE(std::filesystem::exists(spec.layers[1] / "python/a.py"));
  // But nobody else can start to use it.
  EXPECT_EQ(with_layers(w, {kArn + "a:1"}), "InvalidParameterValueException: Layer version " + kArn + "a:1 does not exist.");
  // What is set to none is gone.
  EXPECT_EQ(with_layers(w, {}), "none");
  EXPECT_FALSE(w.get("f").Layers);
}

TEST(Layers, Refusals) {
  World w;
  w.create_active("f");
  std::vector<std::string> six;
  for (int i = 0; i < 6; ++i) {
    const auto name = "l" + std::to_string(i);
    publish(w, name, "x");
    six.push_back(kArn + name + ":1");
  }
  EXPECT_EQ(with_layers(w, six), "InvalidParameterValueException: Cannot reference more than 5 layers.");
  six.pop_back();
  EXPECT_EQ(with_layers(w, six), "none");
  publish(w, "l0", "y");
  EXPECT_EQ(with_layers(w, {kArn + "l0:1", kArn + "l0:2"}),
            "InvalidParameterValueException: Two different versions of the same layer are not allowed to be referenced in the "
            "same function. " +
                kArn + "l0:1 and " + kArn + "l0:2 are versions of the same layer.");
  EXPECT_EQ(with_layers(w, {"arn:aws:lambda:eu-west-1:000000000000:layer:l0:1"}),
            "InvalidParameterValueException: Layers are not in the same region as the function. Layers are expected to be in "
            "region us-east-1.");
  EXPECT_THAT(with_layers(w, {kArn + "l0"}), StartsWith("ValidationException"));
  w.authorizer.denied_actions = {"lambda:GetLayerVersion"};
  EXPECT_EQ(with_layers(w, {kArn + "l0:1"}), "AccessDeniedException: not authorized to perform: lambda:GetLayerVersion");
}

TEST(Layers, Permissions) {
  World w;
  publish(w, "tools", "x");
  AddLayerVersionPermissionRequest add;
  add.LayerName = "tools";
  add.VersionNumber = 1;
  add.StatementId = "s1";
  add.Action = "lambda:GetLayerVersion";
  add.Principal = "*";
  const auto added = w.call_api(&Lambda::AddLayerVersionPermission, add);
  EXPECT_EQ(*added.Statement, R"({"Sid":"s1","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":")" +
                                  kArn + R"(tools:1"})");
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::AddLayerVersionPermission, add); }),
              StartsWith("ResourceConflictException: The statement id (s1) provided already exists."));
  add.StatementId = "s2";
  add.RevisionId = "wrong";
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::AddLayerVersionPermission, add); }), HasSubstr("Call the GetLayerPolicy API"));
  add.RevisionId = added.RevisionId;
  add.Principal = "123456789012";
  w.call_api(&Lambda::AddLayerVersionPermission, add);
  const auto policy = w.call_api(&Lambda::GetLayerVersionPolicy, GetLayerVersionPolicyRequest{"tools", 1});
  EXPECT_THAT(*policy.Policy, HasSubstr(R"({"AWS":"arn:aws:iam::123456789012:root"})"));
  EXPECT_EQ(w.fault_of([&] {
    w.call_api(&Lambda::RemoveLayerVersionPermission, RemoveLayerVersionPermissionRequest{"tools", 1, "nope", {}});
  }),
            "ResourceNotFoundException: Statement nope is not found in resource policy.");
  w.call_api(&Lambda::RemoveLayerVersionPermission, RemoveLayerVersionPermissionRequest{"tools", 1, "s1", {}});
  w.call_api(&Lambda::RemoveLayerVersionPermission, RemoveLayerVersionPermissionRequest{"tools", 1, "s2", {}});
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::GetLayerVersionPolicy, GetLayerVersionPolicyRequest{"tools", 1}); }),
              StartsWith("ResourceNotFoundException"));
  add.VersionNumber = 2;
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::AddLayerVersionPermission, add); }),
            "ResourceNotFoundException: Layer version " + kArn + "tools:2 does not exist.");
}

}  // namespace
}  // namespace lambari::lambda
