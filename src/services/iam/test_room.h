// A room on a memory store, for the tests of this folder.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "async/loops.h"
#include "async/run.h"
#include "services/iam/service.h"
#include "store/engines.h"

namespace lambari::iam {

constexpr auto kLambdaTrust =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]})";
constexpr auto kAllowAll = R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";

class RoomTest : public testing::Test {
 protected:
  RoomTest() { call_ = call_as(root()); }
  ~RoomTest() override { clock_.reset(); }

  static contracts::Principal root() {
    contracts::Principal p;
    p.kind = contracts::Principal::Kind::root;
    p.account = "000000000000";
    p.arn = "arn:aws:iam::000000000000:root";
    p.user_id = "000000000000";
    return p;
  }
  wire::Call call_as(contracts::Principal principal) const {
    wire::Call call;
    call.account = principal.account;
    call.region = "us-east-1";
    call.principal = std::move(principal);
    call.time = clock_.now();
    return call;
  }
  const wire::Call& call() {
    call_.time = clock_.now();
    return call_;
  }

  template <class T>
  T run(async::Task<T> task) {
    return async::run(loops_, std::move(task));
  }
  void run(async::Task<> task) { loops_.run(std::move(task)); }
  template <class Run>
  static void expect_fault(Run run, const std::string& code, const std::string& message) {
    try {
      run();
      ADD_FAILURE() << "no fault; expected: " << message;
    } catch (const wire::Fault& fault) {
      EXPECT_EQ(fault.code(), code);
      EXPECT_EQ(fault.message(), message);
    }
  }

  aws::iam::AbstractService& iam() { return room_->iam_api(); }
  aws::sts::AbstractService& sts() { return room_->sts_api(); }
  void restart() { room_ = std::make_unique<Iam>(Dependencies{clock_, *store_}); }

  aws::iam::Role create_role(const std::string& name, const std::string& trust = kLambdaTrust) {
    aws::iam::CreateRoleRequest r;
    r.RoleName = name;
    r.AssumeRolePolicyDocument = trust;
    return run(iam().CreateRole(call(), r)).Role;
  }
  void create_user(const std::string& name) {
    aws::iam::CreateUserRequest r;
    r.UserName = name;
    run(iam().CreateUser(call(), r));
  }
  std::string create_policy(const std::string& name, const std::string& document) {
    aws::iam::CreatePolicyRequest r;
    r.PolicyName = name;
    r.PolicyDocument = document;
    return *run(iam().CreatePolicy(call(), r)).Policy->Arn;
  }
  contracts::Principal user_principal(const std::string& name) {
    aws::iam::CreateAccessKeyRequest r;
    r.UserName = name;
    return run(room_->find(run(iam().CreateAccessKey(call(), r)).AccessKey.AccessKeyId))->principal;
  }
  contracts::Principal role_principal(const std::string& arn) {
    const auto made = run(room_->assume_for_service(arn, "lambda.amazonaws.com", "s"));
    return run(room_->find(made->access_key_id, made->session_token))->principal;
  }
  contracts::Decision ask(const contracts::Principal& who, const std::string& action, const std::string& resource,
                          const std::string& resource_policy = {}) {
    contracts::AccessRequest request;
    request.action = action;
    request.resources = {resource};
    request.resource_policy = resource_policy;
    return run(room_->authorize(who, request));
  }

  base::Clock clock_;
  async::Loops loops_{1, 1};
  std::unique_ptr<store::Store> store_ = store::open_memory();
  std::unique_ptr<Iam> room_ = std::make_unique<Iam>(Dependencies{clock_, *store_});
  wire::Call call_;
};

}  // namespace lambari::iam
