// Functions, versions, aliases, tags, policies and concurrency, through the room's own API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/lambda/fakes.h"
#include "services/lambda/rules.h"

namespace lambari::lambda {
namespace {

using namespace aws::lambda;
using ::testing::HasSubstr;
using testing::hello_zip;
using testing::kRole;
using testing::make_zip;
using ::testing::StartsWith;
using testing::World;

TEST(Functions, CreateAnswersWithAwsDefaults) {
  World w;
  const auto made = w.create("f");
  EXPECT_EQ(made.FunctionName, "f");
  EXPECT_EQ(made.FunctionArn, "arn:aws:lambda:us-east-1:000000000000:function:f");
  EXPECT_EQ(made.Runtime, "python3.12");
  EXPECT_EQ(made.Timeout, 3);
  EXPECT_EQ(made.MemorySize, 128);
  EXPECT_EQ(made.EphemeralStorage->Size, 512);
  EXPECT_EQ(made.Description, "");
  EXPECT_EQ(made.Version, "$LATEST");
  EXPECT_EQ(made.State, "Pending");
  EXPECT_EQ(made.StateReason, "The function is being created.");
  EXPECT_EQ(made.StateReasonCode, "Creating");
  EXPECT_FALSE(made.LastUpdateStatus);
  EXPECT_FALSE(made.Environment);
  EXPECT_EQ(made.PackageType, "Zip");
  EXPECT_EQ(made.TracingConfig->Mode, "PassThrough");
  EXPECT_EQ(made.SnapStart->OptimizationStatus, "Off");
  EXPECT_EQ(made.LoggingConfig->LogGroup, "/aws/lambda/f");
  EXPECT_EQ(made.CodeSha256, base::base64(base::sha256(hello_zip())));
  EXPECT_EQ(made.CodeSize, static_cast<std::int64_t>(hello_zip().size()));
  EXPECT_THAT(*made.LastModified, ::testing::MatchesRegex(R"(....-..-..T..:..:......\+0000)"));

  const auto active = w.wait("f");
  EXPECT_EQ(active.State, "Active");
  EXPECT_FALSE(active.StateReason);
  EXPECT_EQ(active.LastUpdateStatus, "Successful");
  // The change of state is a revision too.
  EXPECT_NE(active.RevisionId, made.RevisionId);
  EXPECT_EQ(w.code_directories(), 1u);

  EXPECT_EQ(w.fault_of([&] { w.create("f"); }), "ResourceConflictException: Function already exist: f");
}

TEST(Functions, GetShowsCodeTagsAndConcurrency) {
  World w;
  auto request = w.create_request("f");
  request.Tags.emplace()["team"] = "peixe";
  request.Environment.emplace().Variables = std::map<std::string, std::string>{{"A", "1"}};
  w.call_api(&Lambda::CreateFunction, request);
  w.call_api(&Lambda::PutFunctionConcurrency, PutFunctionConcurrencyRequest{"f", 5});
  const auto got = w.call_api(&Lambda::GetFunction, GetFunctionRequest{"f", "$LATEST"});
  EXPECT_EQ(got.Configuration->FunctionArn, "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST");
  EXPECT_EQ(got.Configuration->Environment->Variables->at("A"), "1");
  EXPECT_EQ(got.Tags->at("team"), "peixe");
  EXPECT_EQ(got.Concurrency->ReservedConcurrentExecutions, 5);
  const std::string prefix = "http://localhost:4566/_lambari/packages/";
  ASSERT_THAT(*got.Code->Location, StartsWith(prefix));
  EXPECT_EQ(w.run(w.room->package(got.Code->Location->substr(prefix.size()))), hello_zip());
  EXPECT_EQ(w.run(w.room->package("x")), std::nullopt);
}

TEST(Functions, MissingOnesAreNamed) {
  World w;
  const std::string arn = "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope";
  EXPECT_EQ(w.fault_of([&] { w.get("nope"); }), arn);
  EXPECT_EQ(w.fault_of([&] { w.get("nope", "7"); }), arn + ":7");
  EXPECT_EQ(w.fault_of([&] { w.invoke("nope"); }), arn);
  EXPECT_EQ(w.fault_of([&] { w.update_code("nope", "x"); }), arn);
  EXPECT_EQ(w.fault_of([&] { w.publish("nope"); }), arn);
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::DeleteFunction, DeleteFunctionRequest{"nope", {}}); }), arn);
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::ListVersionsByFunction, ListVersionsByFunctionRequest{"nope", {}, {}}); }), arn);
  w.create("f");
  EXPECT_EQ(w.fault_of([&] { w.get("f", "live"); }),
            "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:f:live");
}

TEST(Functions, BadPackages) {
  World w;
  const auto create = [&](std::string zip) {
    return w.fault_of([&] {
      auto request = w.create_request("f");
      request.Code.ZipFile = std::move(zip);
      w.call_api(&Lambda::CreateFunction, request);
    });
  };
  EXPECT_EQ(create("not a zip"),
            "InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to upload again.");
  EXPECT_EQ(create(make_zip({})), "InvalidParameterValueException: Uploaded file must be a non-empty zip");
  EXPECT_EQ(create(std::string(52'428'801, 'x')),
            "RequestEntityTooLargeException: Zipped size must be smaller than 52428800 bytes");
  EXPECT_EQ(create(make_zip({{"huge", "x", 0100644, 0x0800, 262'144'001}})),
            "InvalidParameterValueException: Unzipped size must be smaller than 262144000 bytes");
  EXPECT_THAT(create(""), HasSubstr("Please provide a source for function code."));
}

TEST(Functions, WhatIsNotHereIsRefusedByName) {
  World w;
  const auto create = [&](auto change) {
    return w.fault_of([&] {
      auto request = w.create_request("f");
      change(request);
      w.call_api(&Lambda::CreateFunction, request);
    });
  };
  using R = CreateFunctionRequest;
  EXPECT_THAT(create([](R& r) { r.VpcConfig.emplace().SubnetIds = {"subnet-1"}; }), HasSubstr("VpcConfig"));
  EXPECT_THAT(create([](R& r) { r.DeadLetterConfig.emplace().TargetArn = "arn:aws:sns:us-east-1:000000000000:t"; }),
              HasSubstr("SNS as a dead-letter target"));
  EXPECT_THAT(create([](R& r) { r.KMSKeyArn = "arn:aws:kms:us-east-1:000000000000:key/x"; }), HasSubstr("KMSKeyArn"));
  EXPECT_THAT(create([](R& r) { r.TracingConfig.emplace().Mode = "Active"; }), HasSubstr("TracingConfig"));
  EXPECT_THAT(create([](R& r) { r.FileSystemConfigs.emplace().push_back({"arn", "/mnt/x", {}}); }),
              HasSubstr("FileSystemConfigs"));
  EXPECT_THAT(create([](R& r) { r.SnapStart.emplace().ApplyOn = "PublishedVersions"; }), HasSubstr("SnapStart"));
  EXPECT_THAT(create([](R& r) { r.EphemeralStorage.emplace().Size = 10'241; }), HasSubstr("less than or equal to 10240"));
  EXPECT_THAT(create([](R& r) { r.CodeSigningConfigArn = "arn:csc"; }), HasSubstr("CodeSigningConfigArn"));
  EXPECT_THAT(create([](R& r) { r.PackageType = "Image"; }), HasSubstr("packageType Image"));
  EXPECT_THAT(create([](R& r) { r.Code.S3Bucket = "b"; }), HasSubstr("S3Bucket"));
  EXPECT_THAT(create([](R& r) { r.Architectures = {host_architecture() == "arm64" ? "x86_64" : "arm64"}; }),
              HasSubstr("cannot run here"));
  EXPECT_THAT(create([](R& r) { r.Runtime = "python2.8"; }),
              StartsWith("InvalidParameterValueException: Value python2.8 at 'runtime'"));
  w.sandbox.missing_runtimes = {"java21"};
  EXPECT_EQ(create([](R& r) { r.Runtime = "java21"; }),
            "InvalidParameterValueException: The runtime java21 is not available on this host: no interpreter was found");
  // What changes nothing is taken.
  EXPECT_EQ(create([](R& r) {
              r.VpcConfig.emplace().SubnetIds.emplace();
              r.DeadLetterConfig.emplace();
              r.TracingConfig.emplace().Mode = "PassThrough";
              r.SnapStart.emplace().ApplyOn = "None";
              r.LoggingConfig.emplace().LogGroup = "/my/group";
              r.KMSKeyArn = "";
            }),
            "none");
  EXPECT_EQ(w.get("f").LoggingConfig->LogGroup, "/my/group");
}

TEST(Functions, TheRoleMustBeUsable) {
  World w;
  w.credentials.unusable_roles = {kRole};
  EXPECT_EQ(w.fault_of([&] { w.create("f"); }),
            "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.");
  w.credentials.unusable_roles.clear();
  w.authorizer.denied_actions = {"iam:PassRole"};
  EXPECT_EQ(w.fault_of([&] { w.create("f"); }), "AccessDeniedException: not authorized to perform: iam:PassRole");
}

TEST(Functions, UpdateCodeAndConfiguration) {
  World w;
  const auto before = w.create_active("f");
  UpdateFunctionCodeRequest code;
  code.FunctionName = "f";
  code.ZipFile = hello_zip("2");
  code.DryRun = true;
  const auto dry = w.call_api(&Lambda::UpdateFunctionCode, code);
  EXPECT_NE(dry.CodeSha256, before.CodeSha256);
  EXPECT_EQ(w.get("f").CodeSha256, before.CodeSha256);

  code.DryRun = false;
  code.RevisionId = "wrong";
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::UpdateFunctionCode, code); }),
            "PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to "
            "retrieve the latest Revision Id");
  code.RevisionId = before.RevisionId;
  const auto updated = w.call_api(&Lambda::UpdateFunctionCode, code);
  EXPECT_EQ(updated.LastUpdateStatus, "InProgress");
  EXPECT_EQ(updated.LastUpdateStatusReasonCode, "Creating");
  EXPECT_EQ(updated.State, "Active");
  EXPECT_EQ(w.wait("f").CodeSha256, base::base64(base::sha256(hello_zip("2"))));

  UpdateFunctionConfigurationRequest configuration;
  configuration.FunctionName = "f";
  configuration.Timeout = 30;
  configuration.MemorySize = 512;
  configuration.Environment.emplace().Variables = std::map<std::string, std::string>{{"K", "V"}};
  w.call_api(&Lambda::UpdateFunctionConfiguration, configuration);
  const auto now = w.wait("f");
  EXPECT_EQ(now.Timeout, 30);
  EXPECT_EQ(now.MemorySize, 512);
  EXPECT_EQ(now.Handler, "index.handler");
  EXPECT_EQ(now.Environment->Variables->at("K"), "V");
}

TEST(Functions, AnUpdateInProgressIsAConflict) {
  World w;
  // Created, but not settled yet: the second call comes in the same loop turn often enough; Pending rows conflict the same way.
  w.create("f");
  const auto answer = w.fault_of([&] { w.update_code("f", "2"); });
  if (answer != "none") {
    EXPECT_EQ(answer,
              "ResourceConflictException: The operation cannot be performed at this time. An update is in progress for resource: "
              "arn:aws:lambda:us-east-1:000000000000:function:f");
  }
}

TEST(Functions, AreExpectedAfterARestart) {
  World w;
  const auto runtime = w.create_active("f").Runtime.value();
  w.create_active("g");
  w.create_active("h");
  w.call_api(&Lambda::UpdateFunctionConfiguration, UpdateFunctionConfigurationRequest{.FunctionName = "h", .MemorySize = 512});
  w.wait("h");
  w.sandbox.expected.clear();
  w.restart();
  w.tear_down();  // waits for what goes on in the background
  EXPECT_THAT(w.sandbox.expected, ::testing::ElementsAre(::testing::Pair(runtime, 512), ::testing::Pair(runtime, 128)));
}

TEST(Functions, UnusedPackagesAreRemoved) {
  World w;
  w.create_active("f");
  w.update_code("f", "2");
  w.create_active("g");  // uses the first zip again
  w.update_code("f", "3");
  w.invoke("f");
  w.call_api(&Lambda::DeleteFunction, DeleteFunctionRequest{"f", {}});
  w.restart();  // sweeps at once
  EXPECT_EQ(w.code_directories(), 1u);
  EXPECT_TRUE(w.blobs.has(base::hex(base::sha256(hello_zip()))));
  EXPECT_FALSE(w.blobs.has(base::hex(base::sha256(hello_zip("2")))));
  EXPECT_FALSE(w.blobs.has(base::hex(base::sha256(hello_zip("3")))));
  EXPECT_EQ(w.invoke("g").StatusCode, 200);
}

TEST(Functions, UnusedPackagesAreRemovedAfterACutOffToo) {
  World w;
  w.create_active("f");
  w.call_api(&Lambda::DeleteFunction, DeleteFunctionRequest{"f", {}});
  w.tear_down();
  std::filesystem::remove_all(w.scratch / "code");  // as a reboot does: only the row in lambda/loose tells
  EXPECT_TRUE(w.blobs.has(base::hex(base::sha256(hello_zip()))));
  w.build();
  EXPECT_FALSE(w.blobs.has(base::hex(base::sha256(hello_zip()))));
  EXPECT_TRUE(w.store->read()->scan(store::prefix_range("lambda/"), 10).empty());
}

TEST(Functions, Lists) {
  World w;
  for (int i = 0; i < 7; ++i) w.create_active("f" + std::to_string(i));
  w.publish("f1");
  std::vector<std::string> names;
  ListFunctionsRequest request;
  request.MaxItems = 3;
  int pages = 0;
  for (;;) {
    const auto page = w.call_api(&Lambda::ListFunctions, request);
    ++pages;
    for (const auto& f : *page.Functions) {
      names.push_back(*f.FunctionName);
      EXPECT_FALSE(f.State);
    }
    if (!page.NextMarker) break;
    request.Marker = page.NextMarker;
  }
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(names, ::testing::ElementsAre("f0", "f1", "f2", "f3", "f4", "f5", "f6"));

  for (const int size : {1, 2, 3, 50}) {
    ListFunctionsRequest all;
    all.FunctionVersion = "ALL";
    all.MaxItems = size;
    std::vector<std::string> arns;
    for (;;) {
      const auto page = w.call_api(&Lambda::ListFunctions, all);
      for (const auto& f : *page.Functions)
        arns.push_back(f.FunctionArn->substr(std::string("arn:aws:lambda:us-east-1:000000000000:function:").size()));
      if (!page.NextMarker) break;
      all.Marker = page.NextMarker;
    }
    EXPECT_THAT(arns, ::testing::ElementsAre("f0:$LATEST", "f1:$LATEST", "f1:1", "f2:$LATEST", "f3:$LATEST", "f4:$LATEST",
                                             "f5:$LATEST", "f6:$LATEST"));
  }
  w.call.region = "eu-west-1";
  EXPECT_TRUE(w.call_api(&Lambda::ListFunctions, ListFunctionsRequest{}).Functions->empty());
}

TEST(Versions, PublishKeepsWhatRunsAndCountsOnlyChanges) {
  World w;
  w.create_active("f");
  const auto one = w.publish("f");
  EXPECT_EQ(one.Version, "1");
  EXPECT_EQ(one.FunctionArn, "arn:aws:lambda:us-east-1:000000000000:function:f:1");
  EXPECT_EQ(one.State, "Active");
  EXPECT_EQ(w.publish("f").Version, "1");
  const auto sha = one.CodeSha256;
  w.update_code("f", "2");
  EXPECT_EQ(w.get("f", "1").CodeSha256, sha);

  PublishVersionRequest request;
  request.FunctionName = "f";
  request.CodeSha256 = "wrong";
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::PublishVersion, request); }),
              StartsWith("InvalidParameterValueException: CodeSHA256 (wrong) is different from current CodeSHA256 in $LATEST ("));
  request.CodeSha256.reset();
  request.RevisionId = "wrong";
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::PublishVersion, request); }), StartsWith("PreconditionFailedException"));
  request.RevisionId.reset();
  request.Description = "second";
  const auto two = w.call_api(&Lambda::PublishVersion, request);
  EXPECT_EQ(two.Version, "2");
  EXPECT_EQ(two.Description, "second");
  EXPECT_EQ(w.get("f").Description, "");

  // Numbers are never used again.
  w.call_api(&Lambda::DeleteFunction, DeleteFunctionRequest{"f", "2"});
  EXPECT_EQ(w.publish("f").Version, "3");
  const auto listed = w.call_api(&Lambda::ListVersionsByFunction, ListVersionsByFunctionRequest{"f", {}, {}});
  std::vector<std::string> labels;
  for (const auto& v : *listed.Versions) labels.push_back(*v.Version);
  EXPECT_THAT(labels, ::testing::ElementsAre("$LATEST", "1", "3"));
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::DeleteFunction, DeleteFunctionRequest{"f", "$LATEST"}); }),
            "InvalidParameterValueException: $LATEST version cannot be deleted without deleting the function.");
}

TEST(Versions, PublishWithCreateAndUpdate) {
  World w;
  auto request = w.create_request("f");
  request.Publish = true;
  const auto made = w.call_api(&Lambda::CreateFunction, request);
  EXPECT_EQ(made.Version, "1");
  EXPECT_EQ(made.FunctionArn, "arn:aws:lambda:us-east-1:000000000000:function:f");
  EXPECT_EQ(w.wait("f", "1").State, "Active");
  w.wait("f");
  UpdateFunctionCodeRequest code;
  code.FunctionName = "f";
  code.ZipFile = hello_zip("2");
  code.Publish = true;
  EXPECT_EQ(w.call_api(&Lambda::UpdateFunctionCode, code).Version, "2");
  EXPECT_EQ(w.wait("f", "2").State, "Active");
  EXPECT_EQ(w.wait("f").LastUpdateStatus, "Successful");
}

TEST(Aliases, Life) {
  World w;
  w.create_active("f");
  w.publish("f");
  w.update_code("f", "2");
  w.publish("f");
  CreateAliasRequest create{"f", "live", "1", "d", {}};
  const auto made = w.call_api(&Lambda::CreateAlias, create);
  EXPECT_EQ(made.AliasArn, "arn:aws:lambda:us-east-1:000000000000:function:f:live");
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::CreateAlias, create); }),
            "ResourceConflictException: Alias already exists: arn:aws:lambda:us-east-1:000000000000:function:f:live");
  create.Name = "123";
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::CreateAlias, create); }), StartsWith("ValidationException"));
  create.Name = "other";
  create.FunctionVersion = "9";
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::CreateAlias, create); }),
            "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:f:9");

  EXPECT_EQ(w.get("f", "live").FunctionArn, "arn:aws:lambda:us-east-1:000000000000:function:f:live");
  EXPECT_EQ(w.get("f", "live").Version, "1");

  UpdateAliasRequest update;
  update.FunctionName = "f";
  update.Name = "live";
  update.RevisionId = "wrong";
  update.FunctionVersion = "2";
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::UpdateAlias, update); }), StartsWith("PreconditionFailedException"));
  update.RevisionId = made.RevisionId;
  EXPECT_EQ(w.call_api(&Lambda::UpdateAlias, update).FunctionVersion, "2");
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::DeleteFunction, DeleteFunctionRequest{"f", "2"}); }),
            "ResourceConflictException: Unable to delete version because the following aliases reference it: [live]");
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::DeleteFunction, DeleteFunctionRequest{"f", "live"}); }),
              HasSubstr("Deletion of aliases"));

  w.call_api(&Lambda::CreateAlias, CreateAliasRequest{"f", "beta", "1", {}, {}});
  ListAliasesRequest list;
  list.FunctionName = "f";
  list.MaxItems = 1;
  const auto first = w.call_api(&Lambda::ListAliases, list);
  EXPECT_EQ(first.Aliases->at(0).Name, "beta");
  ASSERT_TRUE(first.NextMarker);
  list.Marker = first.NextMarker;
  const auto second = w.call_api(&Lambda::ListAliases, list);
  EXPECT_EQ(second.Aliases->at(0).Name, "live");
  EXPECT_FALSE(second.NextMarker);

  w.call_api(&Lambda::DeleteAlias, DeleteAliasRequest{"f", "live"});
  w.call_api(&Lambda::DeleteAlias, DeleteAliasRequest{"f", "live"});
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::GetAlias, GetAliasRequest{"f", "live"}); }),
            "ResourceNotFoundException: Cannot find alias arn: arn:aws:lambda:us-east-1:000000000000:function:f:live");
}

TEST(Tags, Life) {
  World w;
  w.create_active("f");
  const std::string arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
  std::map<std::string, std::string> many;
  for (int i = 0; i < 50; ++i) many["k" + std::to_string(i)] = "v";
  w.call_api(&Lambda::TagResource, TagResourceRequest{arn, many});
  EXPECT_EQ(w.fault_of([&] {
    w.call_api(&Lambda::TagResource, TagResourceRequest{arn, std::map<std::string, std::string>{{"one", "more"}}});
  }),
            "InvalidParameterValueException: Number of tags exceeds resource tag limit.");
  w.call_api(&Lambda::UntagResource, UntagResourceRequest{arn, {"k0", "k1"}});
  w.call_api(&Lambda::TagResource, TagResourceRequest{arn, std::map<std::string, std::string>{{"one", "more"}}});
  EXPECT_EQ(w.call_api(&Lambda::ListTags, ListTagsRequest{arn}).Tags->size(), 49u);
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::ListTags, ListTagsRequest{arn + ":1"}); }),
              HasSubstr("Tags on function aliases and versions"));
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::ListTags, ListTagsRequest{"arn:aws:something"}); }),
              StartsWith("ValidationException"));
}

TEST(Permissions, Life) {
  World w;
  w.create_active("f");
  w.publish("f");
  AddPermissionRequest add;
  add.FunctionName = "f";
  add.StatementId = "apigw";
  add.Action = "lambda:InvokeFunction";
  add.Principal = "apigateway.amazonaws.com";
  add.SourceArn = "arn:aws:execute-api:us-east-1:000000000000:abc/*";
  add.SourceAccount = "000000000000";
  const auto added = w.call_api(&Lambda::AddPermission, add);
  EXPECT_EQ(
      *added.Statement,
      R"({"Sid":"apigw","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"lambda:InvokeFunction",)"
      R"("Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","Condition":{"StringEquals":{"AWS:SourceAccount":"000000000000"},)"
      R"("ArnLike":{"AWS:SourceArn":"arn:aws:execute-api:us-east-1:000000000000:abc/*"}}})");
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::AddPermission, add); }),
            "ResourceConflictException: The statement id (apigw) provided already exists. Please provide a new statement id, or "
            "remove the "
            "existing statement.");
  const auto policy = w.call_api(&Lambda::GetPolicy, GetPolicyRequest{"f", {}});
  EXPECT_EQ(*policy.Policy, R"({"Version":"2012-10-17","Id":"default","Statement":[)" + *added.Statement + "]}");

  add.StatementId = "other";
  add.RevisionId = "wrong";
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::AddPermission, add); }),
              ::testing::AllOf(StartsWith("PreconditionFailedException"), HasSubstr("Call the GetPolicy API")));
  add.RevisionId = policy.RevisionId;
  w.call_api(&Lambda::AddPermission, add);
  add.RevisionId.reset();

  // Each qualifier has a policy of its own.
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::GetPolicy, GetPolicyRequest{"f", "1"}); }),
            "ResourceNotFoundException: The resource you requested does not exist.");
  add.Qualifier = "1";
  EXPECT_THAT(*w.call_api(&Lambda::AddPermission, add).Statement, HasSubstr("function:f:1\""));
  add.Qualifier = "$LATEST";
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::AddPermission, add); }),
              HasSubstr("We currently do not support adding policies for $LATEST."));
  add.Qualifier = "nope";
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::AddPermission, add); }), HasSubstr("Cannot find alias arn: "));
  add.Qualifier = "42";
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::AddPermission, add); }), HasSubstr("Function not found: "));

  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::RemovePermission, RemovePermissionRequest{"f", "nope", {}, {}}); }),
            "ResourceNotFoundException: Statement nope is not found in resource policy.");
  w.call_api(&Lambda::RemovePermission, RemovePermissionRequest{"f", "apigw", {}, {}});
  w.call_api(&Lambda::RemovePermission, RemovePermissionRequest{"f", "other", {}, {}});
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::GetPolicy, GetPolicyRequest{"f", {}}); }),
              StartsWith("ResourceNotFoundException"));

  add.Qualifier.reset();
  add.StatementId = "s";
  add.SourceArn = "arn:aws:s3:::" + std::string(20'500, 'b');
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::AddPermission, add); }), StartsWith("PolicyLengthExceededException"));
}

TEST(Account, ReservedConcurrencyAndFigures) {
  World w;
  w.create_active("f");
  w.create_active("g");
  w.publish("g");
  EXPECT_EQ(w.call_api(&Lambda::GetFunctionConcurrency, GetFunctionConcurrencyRequest{"f"}).ReservedConcurrentExecutions,
            std::nullopt);
  w.call_api(&Lambda::PutFunctionConcurrency, PutFunctionConcurrencyRequest{"f", 400});
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::PutFunctionConcurrency, PutFunctionConcurrencyRequest{"g", 501}); }),
            "InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's "
            "UnreservedConcurrentExecution below its minimum value of [100].");
  w.call_api(&Lambda::PutFunctionConcurrency, PutFunctionConcurrencyRequest{"g", 500});
  auto settings = w.call_api(&Lambda::GetAccountSettings, GetAccountSettingsRequest{});
  EXPECT_EQ(settings.AccountLimit->ConcurrentExecutions, 1'000);
  EXPECT_EQ(settings.AccountLimit->UnreservedConcurrentExecutions, 100);
  EXPECT_EQ(settings.AccountUsage->FunctionCount, 2);
  EXPECT_EQ(settings.AccountUsage->TotalCodeSize, static_cast<std::int64_t>(3 * hello_zip().size()));
  w.call_api(&Lambda::DeleteFunctionConcurrency, DeleteFunctionConcurrencyRequest{"g"});
  settings = w.call_api(&Lambda::GetAccountSettings, GetAccountSettingsRequest{});
  EXPECT_EQ(settings.AccountLimit->UnreservedConcurrentExecutions, 600);
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::PutFunctionConcurrency, PutFunctionConcurrencyRequest{"f:1", 1}); }),
              HasSubstr("permitted on Lambda functions only"));
}

TEST(Room, ARestartFindsEverythingAndFinishesWhatWasPending) {
  World w;
  w.create("f");  // perhaps still Pending when the room goes down
  w.tear_down();
  std::filesystem::remove_all(w.scratch / "code");
  w.build();
  EXPECT_EQ(w.wait("f").State, "Active");
  EXPECT_EQ(w.invoke("f").StatusCode, 200);
  EXPECT_EQ(w.code_directories(), 1u);
}

TEST(Room, NukeLeavesNothing) {
  World w;
  w.create_active("f");
  w.publish("f");
  w.invoke("f");
  w.run(w.room->nuke());
  EXPECT_TRUE(w.call_api(&Lambda::ListFunctions, ListFunctionsRequest{}).Functions->empty());
  EXPECT_TRUE(w.store->read()->scan(store::prefix_range("lambda/"), 10).empty());
  EXPECT_EQ(w.sandbox.alive, 0);
  EXPECT_EQ(w.code_directories(), 0u);
  w.create_active("f");
  EXPECT_EQ(w.invoke("f").StatusCode, 200);
}

TEST(Room, AccessNamesActionAndResource) {
  World w;
  auto request = w.create_request("f");
  request.Tags.emplace()["team"] = "peixe";
  w.call_api(&Lambda::CreateFunction, request);
  const auto& model = w.room->model();
  const auto ask = [&](std::string_view name, const void* typed) {
    for (const auto& operation : model.operations) {
      if (operation.name == name) return w.run(w.room->access(w.call, operation, typed));
    }
    ADD_FAILURE() << name;
    return contracts::AccessRequest{};
  };
  InvocationRequest invoke;
  invoke.FunctionName = "f";
  invoke.Qualifier = "$LATEST";
  auto access = ask("Invoke", &invoke);
  EXPECT_EQ(access.action, "lambda:InvokeFunction");
  EXPECT_THAT(access.resources, ::testing::ElementsAre("arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST"));
  EXPECT_THAT(access.context.at("aws:ResourceTag/team"), ::testing::ElementsAre("peixe"));
  access = ask("CreateFunction", &request);
  EXPECT_EQ(access.action, "lambda:CreateFunction");
  EXPECT_THAT(access.context.at("aws:TagKeys"), ::testing::ElementsAre("team"));
  ListFunctionsRequest list;
  EXPECT_THAT(ask("ListFunctions", &list).resources, ::testing::ElementsAre("*"));
  GetLayerVersionRequest layer{"tools", 3};
  access = ask("GetLayerVersion", &layer);
  EXPECT_THAT(access.resources, ::testing::ElementsAre("arn:aws:lambda:us-east-1:000000000000:layer:tools:3"));
  DeleteAliasRequest alias{"f", "live"};
  EXPECT_THAT(ask("DeleteAlias", &alias).resources, ::testing::ElementsAre("arn:aws:lambda:us-east-1:000000000000:function:f"));
}

}  // namespace
}  // namespace lambari::lambda
