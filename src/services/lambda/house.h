// What the operations of this room share, and the few steps that several of them take.
#pragma once

#include <string>
#include <vector>

#include "async/gate.h"
#include "base/ids.h"
#include "services/lambda/background.h"
#include "services/lambda/environments.h"
#include "services/lambda/links.h"
#include "services/lambda/packages.h"
#include "services/lambda/provisioning.h"
#include "services/lambda/roles.h"
#include "services/lambda/rules.h"
#include "services/lambda/service.h"
#include "services/lambda/targets.h"
#include "wire/call.h"

namespace lambari::lambda {

struct House {
  House(Dependencies dependencies, Settings given);

  Dependencies d;
  const Settings settings;
  Targets targets;
  Packages packages;
  Environments environments;
  Roles roles;
  Background background;
  Provisioning provisioning;
  Links links;
  async::Event settled;  // a version left Pending or InProgress

  static Scope scope(const wire::Call& call) { return {call.account, call.region}; }

  // After a commit that touched the function: caches and environments follow. `zips` may be without a user now.
  void changed(const FunctionKey& key, const std::vector<std::string>& zips = {});

  // Makes what a version needs (its code on disk), then turns Pending into Active and InProgress into Successful, or either
  // into Failed with the reason. Does nothing when the version is of another generation by now.
  async::Task<> settle(FunctionKey key, std::uint64_t number, std::string generation);
  void settle_later(const Version& version);

  // Has interpreters wait for the functions that are there, after a start; of very many only for the most usual kinds.
  async::Task<> expect_functions();

  // Throws InvalidParameterValueException when Lambda may not act as the role, AccessDeniedException when the caller may not
  // pass it.
  async::Task<> check_role_usable(const wire::Call& call, const std::string& role);
  // Throws in clear words when this host cannot run it.
  void check_runtime_present(const std::string& runtime) const;

  // The zip of a request; S3 is refused by name.
  template <class Source>
  static std::string zip_of(Source& code) {
    if (code.S3Bucket || code.S3Key) refuse_s3();
    if (!code.ZipFile) return {};
    return std::move(*code.ZipFile);
  }

 private:
  [[noreturn]] static void refuse_s3();
};

// Thrown when RevisionId is given and is not the row's.
void check_revision(const std::optional<std::string>& asked, const std::string& actual);

}  // namespace lambari::lambda
