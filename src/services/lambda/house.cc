#include "services/lambda/house.h"

#include <algorithm>
#include <map>
#include <ranges>

#include "base/log.h"
#include "services/lambda/faults.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {

using namespace std::chrono_literals;

House::House(Dependencies dependencies, Settings given)
    : d(dependencies),
      settings(given),
      targets(d.store),
      packages(d.loops, d.store, d.blobs, d.directory, d.images),
      environments(d, settings, packages),
      roles(d.clock, d.credentials),
      background(d.loops),
      provisioning(d.store, environments, background, d.meter) {}

void House::changed(const FunctionKey& key, const std::vector<std::string>& zips) {
  targets.forget(key);
  packages.suspect(zips);
  provisioning.refresh(key);
}

async::Task<> House::expect_functions() {
  constexpr std::size_t kLookedAt = 200, kKinds = 4;
  if (!d.sandbox) co_return;
  std::map<std::pair<std::string, int>, int> count;
  for (const auto& version : rows::first_versions(*d.store.read(), kLookedAt))
    ++count[{runtime_of(version.configuration), version.configuration.memory_mb}];
  std::vector<std::pair<int, std::pair<std::string, int>>> kinds;
  for (const auto& [kind, functions] : count) kinds.emplace_back(-functions, kind);
  std::ranges::sort(kinds);
  if (kinds.size() > kKinds) kinds.resize(kKinds);
  // The most usual one last: of those that cannot all wait, what was expected last does.
  for (const auto& [_, kind] : kinds | std::views::reverse) d.sandbox->expect(kind.first, kind.second);
}

void House::settle_later(const Version& version) {
  background.spawn("settle function version", settle(version.function, version.number, version.generation));
}

async::Task<> House::settle(FunctionKey key, std::uint64_t number, std::string generation) {
  const auto row = rows::version(*d.store.read(), key, number);
  if (!row || row->generation != generation) co_return;
  std::string failure, failure_code = "InternalError";
  try {
    // The first call finds its interpreter warm.
    if (d.sandbox) d.sandbox->expect(runtime_of(row->configuration), row->configuration.memory_mb);
    co_await packages.unpacked(row->code);
    for (const auto& layer : row->configuration.layers) co_await packages.unpacked(layer.code);
  } catch (const ImageFault& fault) {
    base::log_warn("container image not unpacked", {{"image", row->code.image->uri}, {"reason", fault.what()}});
    failure = "The image cannot be unpacked: " + std::string(fault.what()) + ".";
    failure_code = "InvalidImage";
  } catch (const std::exception& e) {
    base::log_error("function version not prepared", {{"function", function_arn(key, row->label())}, {"error", e.what()}});
    failure = "The function's code could not be prepared.";
  }
  // The store may refuse for a while (a full disk); the row stays pending, and a restart tries again too.
  for (auto wait = 100ms; !background.stopping(); wait = std::min(wait * 2, 10'000ms)) {
    bool written = false;
    try {
      co_await d.store.commit([&](store::Transaction& t) {
        auto now = rows::version(t, key, number);
        if (!now || now->generation != generation) return;
        const bool first = now->state == "Pending";
        auto& status = first ? now->state : now->update_status;
        auto& reason = first ? now->state_reason : now->update_reason;
        auto& code = first ? now->state_reason_code : now->update_reason_code;
        status = failure.empty() ? (first ? "Active" : "Successful") : "Failed";
        reason = failure;
        code = failure.empty() ? "" : failure_code;
        if (first) now->update_status = failure.empty() ? "Successful" : "Failed";
        now->revision = base::uuid();
        std::vector<std::string> none;
        rows::put(t, *now, none);
      });
      written = true;
    } catch (const std::exception& e) {
      base::log_warn("function version not settled", {{"function", function_arn(key, row->label())}, {"error", e.what()}});
    }
    if (written) break;
    co_await background.pause(wait);
  }
  targets.forget(key);
  settled.notify_all();
}

async::Task<> House::check_role_usable(const wire::Call& call, const std::string& role) {
  contracts::AccessRequest request;
  request.action = "iam:PassRole";
  request.resources = {role};
  request.context["iam:PassedToService"] = {"lambda.amazonaws.com"};
  const auto decision = co_await d.authorizer.authorize(call.principal, request);
  if (!decision.allowed) throw wire::Fault("AccessDeniedException", decision.reason, 403);
  if (!co_await d.credentials.assume_for_service(role, "lambda.amazonaws.com", "lambda-check")) {
    invalid("The role defined for the function cannot be assumed by Lambda.");
  }
}

void House::check_runtime_present(const std::string& runtime) const {
  if (!d.sandbox) return;
  const auto info = d.sandbox->runtime(runtime);
  if (!info.actual.empty()) return;
  invalid("The runtime " + runtime + " is not available on this host" + (info.detail.empty() ? "." : ": " + info.detail));
}

void House::refuse_s3() { not_here("Code from S3 (S3Bucket, S3Key)"); }

void check_revision(const std::optional<std::string>& asked, const std::string& actual) {
  if (!asked || asked->empty() || *asked == actual) return;
  refuse<aws::lambda::PreconditionFailedException>(
      "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest "
      "Revision "
      "Id");
}

}  // namespace lambari::lambda
