// Identity: users, groups, roles and policies (IAM), temporary credentials (STS), and the decision whether a call may run.
// One room, because a decision needs the rows of the one and the sessions of the other.
//   https://docs.aws.amazon.com/IAM/latest/APIReference/  https://docs.aws.amazon.com/STS/latest/APIReference/
//   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
#pragma once

#include <memory>

#include "aws/iam/api.h"
#include "aws/sts/api.h"
#include "base/clock.h"
#include "contracts/authorizer.h"
#include "contracts/credentials.h"
#include "contracts/room.h"
#include "store/store.h"

namespace lambari::iam {

struct Dependencies {
  base::Clock& clock;
  store::Store& store;
};

struct State;

// Thread-safe. References given out live as long as the Iam.
class Iam final : public contracts::Authorizer, public contracts::Credentials, public contracts::Room {
 public:
  explicit Iam(Dependencies dependencies);
  ~Iam() override;
  Iam(const Iam&) = delete;

  aws::iam::AbstractService& iam_api();
  aws::sts::AbstractService& sts_api();

  // Reads no store for root and for a principal it has met since the last IAM write of this process.
  async::Task<contracts::Decision> authorize(const contracts::Principal& principal,
                                             const contracts::AccessRequest& request) override;

  async::Task<std::optional<contracts::Secret>> find(const std::string& access_key_id) override;
  async::Task<std::optional<contracts::Secret>> find(const std::string& access_key_id, const std::string& session_token) override;
  async::Task<std::optional<contracts::TemporaryCredentials>> assume_for_service(const std::string& role_arn,
                                                                                 const std::string& service,
                                                                                 const std::string& session_name) override;

  std::string_view name() const override { return "iam"; }
  async::Task<> start() override;  // makes or reads the key that seals session tokens
  async::Task<> nuke() override;

 private:
  std::unique_ptr<State> state_;
  std::unique_ptr<aws::iam::AbstractService> iam_;
  std::unique_ptr<aws::sts::AbstractService> sts_;
};

}  // namespace lambari::iam
