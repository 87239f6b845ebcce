#include "services/lambda/describe.h"
#include "services/lambda/faults.h"
#include "services/lambda/operations.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {
namespace {

void check_name(const std::string& name) {
  if (!is_alias(name) || name.size() > 128) {
    violates(name, "name", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)");
  }
}

// Every version that the alias names has to be there.
void check_versions(store::Reader& reader, const FunctionKey& key, const Alias& alias) {
  const auto check = [&](const std::string& label) {
    const bool well_formed = label == "$LATEST" || (is_version(label) && label.size() <= 18);
    if (!well_formed || !rows::version(reader, key, version_number(label))) function_not_found(key, label);
  };
  check(alias.version);
  check_routing(alias.version, alias.weights);
  for (const auto& [label, weight] : alias.weights) check(label);
}

std::map<std::string, double> weights_of(const std::optional<aws::lambda::AliasRoutingConfiguration>& routing) {
  if (!routing || !routing->AdditionalVersionWeights) return {};
  return *routing->AdditionalVersionWeights;
}

}  // namespace

async::Task<aws::lambda::AliasConfiguration> Aliases::create(const wire::Call& call, aws::lambda::CreateAliasRequest request) {
  const auto key = parse_function(request.FunctionName, std::nullopt, House::scope(call)).key;
  check_name(request.Name);
  const auto alias = co_await house_.d.store.transact([&](store::Transaction& t) {
    Alias alias{request.Name, request.FunctionVersion, request.Description.value_or(""), base::uuid(),
                weights_of(request.RoutingConfig)};
    if (!rows::function(t, key)) {
      // AWS names the version too when it finds no function.
      function_not_found(key, request.FunctionVersion);
    }
    if (rows::alias(t, key, request.Name)) {
      refuse<aws::lambda::ResourceConflictException>("Alias already exists: " + function_arn(key, request.Name));
    }
    check_versions(t, key, alias);
    rows::put(t, key, alias);
    return alias;
  });
  house_.changed(key);
  co_return describe(key, alias);
}

async::Task<aws::lambda::AliasConfiguration> Aliases::get(const wire::Call& call, aws::lambda::GetAliasRequest request) {
  const auto key = parse_function(request.FunctionName, std::nullopt, House::scope(call)).key;
  const auto alias = rows::alias(*house_.d.store.read(), key, request.Name);
  if (!alias) refuse<aws::lambda::ResourceNotFoundException>("Cannot find alias arn: " + function_arn(key, request.Name));
  co_return describe(key, *alias);
}

async::Task<aws::lambda::AliasConfiguration> Aliases::update(const wire::Call& call, aws::lambda::UpdateAliasRequest request) {
  const auto key = parse_function(request.FunctionName, std::nullopt, House::scope(call)).key;
  const auto alias = co_await house_.d.store.transact([&](store::Transaction& t) {
    if (!rows::function(t, key)) function_not_found(key);
    auto alias = rows::alias(t, key, request.Name);
    if (!alias) refuse<aws::lambda::ResourceNotFoundException>("Alias not found: " + function_arn(key, request.Name));
    check_revision(request.RevisionId, alias->revision);
    if (request.FunctionVersion) alias->version = *request.FunctionVersion;
    if (request.Description) alias->description = *request.Description;
    if (request.RoutingConfig) alias->weights = weights_of(request.RoutingConfig);
    check_versions(t, key, *alias);
    alias->revision = base::uuid();
    rows::put(t, key, *alias);
    return std::move(*alias);
  });
  house_.changed(key);
  co_return describe(key, alias);
}

async::Task<> Aliases::remove(const wire::Call& call, aws::lambda::DeleteAliasRequest request) {
  const auto key = parse_function(request.FunctionName, std::nullopt, House::scope(call)).key;
  co_await house_.d.store.commit([&](store::Transaction& t) {
    // An alias that is not there is deleted already.
    if (!rows::function(t, key)) function_not_found(key);
    rows::erase_alias(t, key, request.Name);
  });
  house_.changed(key);
}

async::Task<aws::lambda::ListAliasesResponse> Aliases::list(const wire::Call& call, aws::lambda::ListAliasesRequest request) {
  const auto key = parse_function(request.FunctionName, std::nullopt, House::scope(call)).key;
  const auto limit = page_size(request.MaxItems);
  auto after = from_marker(request.Marker);
  const auto reader = house_.d.store.read();
  if (!rows::function(*reader, key)) function_not_found(key);
  aws::lambda::ListAliasesResponse out;
  out.Aliases.emplace();
  for (;;) {
    const auto aliases = rows::aliases(*reader, key, after, limit + 1);
    for (const auto& alias : aliases) {
      const bool wanted = !request.FunctionVersion || alias.version == *request.FunctionVersion ||
                          alias.weights.contains(*request.FunctionVersion);
      if (wanted && out.Aliases->size() == limit) {
        out.NextMarker = to_marker(after);
        co_return out;
      }
      after = alias.name;
      if (wanted) out.Aliases->push_back(describe(key, alias));
    }
    if (aliases.size() < limit + 1) co_return out;
  }
}

}  // namespace lambari::lambda
