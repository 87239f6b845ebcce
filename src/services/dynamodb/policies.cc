// PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy.
#include "services/dynamodb/policies.h"

#include <algorithm>

#include "base/json.h"
#include "lang/policy.h"
#include "services/dynamodb/control.h"
#include "services/dynamodb/convert.h"
#include "services/dynamodb/keys.h"
#include "store/json_row.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;

constexpr std::size_t kMaxPolicy = 20 * 1024;        // bytes, white space included
constexpr std::string_view kNoPolicy = "NO_POLICY";  // as an expected revision

// The row of the policy of a table or stream. Throws ResourceNotFoundException and ValidationException.
struct Place {
  TableKey table;
  std::string key;
  std::optional<Policy> policy;
};
Place place_of(State& state, store::Reader& reader, const wire::Call& call, const std::string& arn) {
  const auto name = parse_arn(arn);
  const auto label = stream_label(arn);
  if (!name || (label.empty() && std::count(arn.begin(), arn.end(), '/') != 1)) invalid("Invalid ResourceArn: " + arn);
  const auto missing = [&] { throw api::ResourceNotFoundException("Requested resource not found: " + arn); };
  const auto table = name->region == call.region ? state.tables.find(reader, *name) : nullptr;
  if (!table) missing();
  const auto is_it = [&](const Stream& stream) { return stream.label == label; };
  if (!label.empty() && std::none_of(table->streams.begin(), table->streams.end(), is_it)) missing();
  Place place{*name, keys::policy(table->id, label), {}};
  place.policy = reader.get(place.key).transform(decode_policy);
  return place;
}

[[noreturn]] void no_policy(const std::string& arn) {
  throw api::PolicyNotFoundException("Resource-based policy not found for the provided ResourceArn: " + arn);
}

void check_revision(const Place& place, const std::optional<std::string>& expected, const std::string& arn) {
  if (!expected) return;
  if (*expected == kNoPolicy ? place.policy.has_value() : !place.policy || place.policy->revision != *expected) no_policy(arn);
}

}  // namespace

std::string encode(const Policy& policy) {
  return base::to_json(base::json::object{{"document", policy.document}, {"revision", policy.revision}});
}

Policy decode_policy(std::string_view row) {
  const auto object = store::json_row::parse(row);
  return {store::json_row::text(object, "document"), store::json_row::text(object, "revision")};
}

void check_policy(const std::string& document) {
  if (document.size() > kMaxPolicy) invalid("Resource-based policy exceeds the maximum size of 20 KB");
  try {
    lang::Policy::parse(document, lang::PolicyKind::resource);
  } catch (const lang::PolicyError& error) {
    invalid("Resource-based policy is not valid: " + std::string(error.what()));
  }
}

std::string new_revision(State& state) {
  // No two are drawn in the same ms: the later one waits in number.
  auto last = state.last_revision.load();
  std::int64_t next = 0;
  do {
    next = std::max(last + 1, state.now().ms);
  } while (!state.last_revision.compare_exchange_weak(last, next));
  return std::to_string(next);
}

async::Task<api::PutResourcePolicyOutput> put_policy(Shared state, wire::Call call, api::PutResourcePolicyInput request) {
  check_policy(request.Policy);
  if (!request.ConfirmRemoveSelfResourceAccess.value_or(false)) {
    contracts::AccessRequest question;
    question.action = "dynamodb:PutResourcePolicy";
    question.resources = {request.ResourceArn};
    question.resource_policy = request.Policy;
    if (!(co_await state->authorizer.authorize(call.principal, question)).allowed) {
      invalid(
          "The new policy would not let you change the policy of this resource in the future. Set "
          "ConfirmRemoveSelfResourceAccess to confirm");
    }
  }
  auto revision = new_revision(*state);
  TableKey name;
  api::PutResourcePolicyOutput out;
  out.RevisionId = co_await state->store.transact([&](store::Transaction& t) {
    const auto place = place_of(*state, t, call, request.ResourceArn);
    name = place.table;
    check_revision(place, request.ExpectedRevisionId, request.ResourceArn);
    if (place.policy && place.policy->document == request.Policy) return place.policy->revision;
    t.put(place.key, encode(Policy{request.Policy, revision}));
    return revision;
  });
  state->guards.forget(name);
  co_return out;
}

async::Task<api::GetResourcePolicyOutput> get_policy(Shared state, wire::Call call, api::GetResourcePolicyInput request) {
  const auto place = place_of(*state, *state->store.read(), call, request.ResourceArn);
  if (!place.policy) no_policy(request.ResourceArn);
  api::GetResourcePolicyOutput out;
  out.Policy = place.policy->document;
  out.RevisionId = place.policy->revision;
  co_return out;
}

async::Task<api::DeleteResourcePolicyOutput> delete_policy(Shared state, wire::Call call,
                                                           api::DeleteResourcePolicyInput request) {
  const auto place = co_await state->store.transact([&](store::Transaction& t) {
    auto found = place_of(*state, t, call, request.ResourceArn);
    check_revision(found, request.ExpectedRevisionId, request.ResourceArn);
    if (found.policy) t.erase(found.key);
    return found;
  });
  state->guards.forget(place.table);
  api::DeleteResourcePolicyOutput out;
  if (place.policy) out.RevisionId = place.policy->revision;
  co_return out;
}

}  // namespace lambari::dynamodb
