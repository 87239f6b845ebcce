#include <set>

#include "base/json.h"
#include "services/lambda/describe.h"
#include "services/lambda/faults.h"
#include "services/lambda/operations.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {
namespace {

using aws::lambda::InvalidParameterValueException;
using aws::lambda::ResourceNotFoundException;

template <class Response>
Response shown(const LayerVersion& v, std::string location) {
  Response out;
  out.Content.emplace();
  out.Content->Location = std::move(location);
  out.Content->CodeSha256 = code_sha256(v.code);
  out.Content->CodeSize = static_cast<std::int64_t>(v.code.size);
  out.LayerArn = layer_arn(v.account, v.region, v.name);
  out.LayerVersionArn = layer_version_arn(v.account, v.region, v.name, v.number);
  out.Description = v.description;
  out.CreatedDate = lambda_time(v.created);
  out.Version = static_cast<std::int64_t>(v.number);
  out.CompatibleArchitectures = v.architectures;
  out.CompatibleRuntimes = v.runtimes;
  if (!v.license.empty()) out.LicenseInfo = v.license;
  return out;
}

std::uint64_t checked_number(std::int64_t number) {
  if (number < 1) invalid("Layer Version Cannot be less than 1");
  return static_cast<std::uint64_t>(number);
}

LayerVersion existing(store::Reader& reader, const LayerRef& ref, std::uint64_t number) {
  auto v = rows::layer_version(reader, ref.account, ref.region, ref.name, number);
  if (!v) refuse<ResourceNotFoundException>("The resource you requested does not exist.");
  return std::move(*v);
}

void need_version(store::Reader& reader, const LayerRef& ref, std::uint64_t number) {
  if (rows::layer_version(reader, ref.account, ref.region, ref.name, number)) return;
  refuse<ResourceNotFoundException>("Layer version " + layer_version_arn(ref.account, ref.region, ref.name, number) +
                                    " does not exist.");
}

bool among(const std::optional<std::vector<std::string>>& list, const std::optional<std::string>& wanted) {
  if (!wanted) return true;
  if (!list) return false;
  return std::find(list->begin(), list->end(), *wanted) != list->end();
}

void check_layer_revision(const std::optional<std::string>& asked, const std::optional<Policy>& policy) {
  if (!asked || asked->empty() || (policy && policy->revision == *asked)) return;
  refuse<aws::lambda::PreconditionFailedException>(
      "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest "
      "Revision Id");
}

}  // namespace

async::Task<ResolvedLayers> resolve_layers(House& house, const wire::Call& call, std::vector<std::string> arns) {
  ResolvedLayers out;
  if (arns.size() > kMaxLayers) invalid("Cannot reference more than 5 layers.");
  std::map<std::string, std::string> seen;  // layer -> version ARN
  for (const auto& arn : arns) {
    const auto ref = parse_layer_arn(arn);
    if (!ref || ref->number == 0) {
      violates(
          "[" + arn + "]", "layers",
          R"(Member must satisfy constraint: [Member must have length less than or equal to 2048, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+), Member must not be null])");
    }
    if (ref->region != call.region) {
      invalid("Layers are not in the same region as the function. Layers are expected to be in region " + call.region + ".");
    }
    const auto [it, fresh] = seen.emplace(layer_arn(ref->account, ref->region, ref->name), arn);
    if (!fresh) {
      invalid("Two different versions of the same layer are not allowed to be referenced in the same function. " + it->second +
              " and " + arn + " are versions of the same layer.");
    }
    std::optional<LayerVersion> version;
    contracts::AccessRequest access;
    {
      const auto reader = house.d.store.read();
      version = rows::layer_version(*reader, ref->account, ref->region, ref->name, ref->number);
      access.resource_policy = policy_document(rows::layer_policy(*reader, ref->account, ref->region, ref->name, ref->number));
    }
    access.action = "lambda:GetLayerVersion";
    access.resources = {arn};
    if (version || ref->account != call.account) {
      const auto decision = co_await house.d.authorizer.authorize(call.principal, access);
      if (!decision.allowed) throw wire::Fault("AccessDeniedException", decision.reason, 403);
    }
    if (!version) invalid("Layer version " + arn + " does not exist.");
    out.pins.push_back(co_await house.packages.pin(version->code.zip));
    out.uses.push_back({arn, version->code});
  }
  co_return out;
}

async::Task<aws::lambda::PublishLayerVersionResponse> Layers::publish(const wire::Call& call,
                                                                      aws::lambda::PublishLayerVersionRequest request) {
  const auto ref = parse_layer_name(request.LayerName, House::scope(call));
  if (ref.account != call.account || ref.region != call.region) {
    throw wire::Fault("AccessDeniedException", "Layers are published in the caller's own account and region.", 403);
  }
  if (request.CompatibleRuntimes && request.CompatibleRuntimes->size() > 15) {
    violates("compatibleRuntimes", "compatibleRuntimes", "Member must have length less than or equal to 15");
  }
  auto zip = House::zip_of(request.Content);
  if (zip.empty()) invalid("Please provide a source for layer content.");
  const auto kept = co_await house_.packages.keep(std::move(zip));
  const auto now = house_.d.clock.now();
  const auto made = co_await house_.d.store.transact([&](store::Transaction& t) {
    auto layer = rows::layer(t, ref.account, ref.region, ref.name).value_or(Layer{});
    LayerVersion v;
    v.account = ref.account;
    v.region = ref.region;
    v.name = ref.name;
    v.number = ++layer.last_version;
    v.description = request.Description.value_or("");
    v.license = request.LicenseInfo.value_or("");
    v.runtimes = request.CompatibleRuntimes;
    v.architectures = request.CompatibleArchitectures;
    v.code = kept.code;
    v.created = now;
    rows::put_layer(t, ref.account, ref.region, ref.name, layer);
    rows::put(t, v);
    check_code_storage(house_, t, ref.account, ref.region);
    return v;
  });
  co_return shown<aws::lambda::PublishLayerVersionResponse>(made, house_.links.url(call, made.code.zip));
}

async::Task<aws::lambda::GetLayerVersionResponse> Layers::get(const wire::Call& call,
                                                              aws::lambda::GetLayerVersionRequest request) {
  const auto ref = parse_layer_name(request.LayerName, House::scope(call));
  const auto v = existing(*house_.d.store.read(), ref, checked_number(request.VersionNumber));
  co_return shown<aws::lambda::GetLayerVersionResponse>(v, house_.links.url(call, v.code.zip));
}

async::Task<aws::lambda::GetLayerVersionResponse> Layers::get_by_arn(const wire::Call& call,
                                                                     aws::lambda::GetLayerVersionByArnRequest request) {
  const auto ref = parse_layer_arn(request.Arn);
  if (!ref || ref->number == 0) {
    violates(
        request.Arn, "arn",
        R"(Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+))");
  }
  const auto v = existing(*house_.d.store.read(), *ref, ref->number);
  co_return shown<aws::lambda::GetLayerVersionResponse>(v, house_.links.url(call, v.code.zip));
}

async::Task<> Layers::remove(const wire::Call& call, aws::lambda::DeleteLayerVersionRequest request) {
  const auto ref = parse_layer_name(request.LayerName, House::scope(call));
  const auto number = checked_number(request.VersionNumber);
  std::vector<std::string> loose;
  // A version that is not there is deleted already. The layer's row stays: numbers are never used again.
  co_await house_.d.store.commit([&](store::Transaction& t) {
    loose.clear();
    rows::erase_layer_version(t, ref.account, ref.region, ref.name, number, loose);
  });
  house_.packages.suspect(loose);
}

async::Task<aws::lambda::ListLayerVersionsResponse> Layers::list_versions(const wire::Call& call,
                                                                          aws::lambda::ListLayerVersionsRequest request) {
  const auto ref = parse_layer_name(request.LayerName, House::scope(call));
  const auto limit = page_size(request.MaxItems);
  const auto marker = from_marker(request.Marker);
  std::uint64_t before = marker.empty() ? 0 : version_number(marker);
  const auto reader = house_.d.store.read();
  aws::lambda::ListLayerVersionsResponse out;
  out.LayerVersions.emplace();
  for (;;) {
    const auto versions = rows::layer_versions(*reader, ref.account, ref.region, ref.name, before, limit + 1);
    for (const auto& v : versions) {
      const bool wanted = among(v.runtimes, request.CompatibleRuntime) && among(v.architectures, request.CompatibleArchitecture);
      if (wanted && out.LayerVersions->size() == limit) {
        out.NextMarker = to_marker(std::to_string(before));
        co_return out;
      }
      before = v.number;
      if (wanted) out.LayerVersions->push_back(describe(v));
    }
    if (versions.size() < limit + 1) co_return out;
  }
}

async::Task<aws::lambda::ListLayersResponse> Layers::list(const wire::Call& call, aws::lambda::ListLayersRequest request) {
  const auto limit = page_size(request.MaxItems);
  auto after = from_marker(request.Marker);
  const auto reader = house_.d.store.read();
  aws::lambda::ListLayersResponse out;
  out.Layers.emplace();
  for (;;) {
    const auto names = rows::layer_names(*reader, call.account, call.region, after, limit + 1);
    for (const auto& name : names) {
      std::optional<LayerVersion> latest;
      std::uint64_t before = 0;
      for (bool more = true; more && !latest;) {
        const auto versions = rows::layer_versions(*reader, call.account, call.region, name, before, 50);
        for (const auto& v : versions) {
          before = v.number;
          if (!latest && among(v.runtimes, request.CompatibleRuntime) && among(v.architectures, request.CompatibleArchitecture))
            latest = v;
        }
        more = versions.size() == 50;
      }
      // A layer whose versions are all gone is not listed.
      if (latest && out.Layers->size() == limit) {
        out.NextMarker = to_marker(after);
        co_return out;
      }
      after = name;
      if (!latest) continue;
      aws::lambda::LayersListItem item;
      item.LayerName = name;
      item.LayerArn = layer_arn(call.account, call.region, name);
      item.LatestMatchingVersion = describe(*latest);
      out.Layers->push_back(std::move(item));
    }
    if (names.size() < limit + 1) co_return out;
  }
}

async::Task<aws::lambda::AddLayerVersionPermissionResponse> Layers::add_permission(
    const wire::Call& call, aws::lambda::AddLayerVersionPermissionRequest request) {
  const auto ref = parse_layer_name(request.LayerName, House::scope(call));
  const auto number = checked_number(request.VersionNumber);
  if (request.Action != "lambda:GetLayerVersion") {
    violates(request.Action, "action", "Member must satisfy regular expression pattern: lambda:GetLayerVersion");
  }
  if (request.OrganizationId && request.Principal != "*") invalid("OrganizationId is only allowed with the principal *.");
  namespace json = base::json;
  json::object statement{{"Sid", request.StatementId},
                         {"Effect", "Allow"},
                         {"Principal", principal_element(request.Principal)},
                         {"Action", request.Action},
                         {"Resource", layer_version_arn(ref.account, ref.region, ref.name, number)}};
  if (request.OrganizationId) {
    statement["Condition"] = json::object{{"StringEquals", json::object{{"aws:PrincipalOrgID", *request.OrganizationId}}}};
  }
  const auto text = base::to_json(statement);
  const auto policy = co_await house_.d.store.transact([&](store::Transaction& t) {
    need_version(t, ref, number);
    const auto before = rows::layer_policy(t, ref.account, ref.region, ref.name, number);
    auto policy = before.value_or(Policy{});
    for (const auto& each : policy.statements) {
      if (statement_id(each) == request.StatementId) {
        refuse<aws::lambda::ResourceConflictException>(
            "The statement id (" + request.StatementId +
            ") provided already exists. Please provide a new statement id, or remove the existing "
            "statement.");
      }
    }
    check_layer_revision(request.RevisionId, before);
    policy.statements.push_back(text);
    policy.revision = base::uuid();
    if (policy_document(policy).size() > kMaxPolicy) {
      refuse<aws::lambda::PolicyLengthExceededException>("The final policy size is bigger than the limit (" +
                                                         std::to_string(kMaxPolicy) + ").");
    }
    rows::put_layer_policy(t, ref.account, ref.region, ref.name, number, policy);
    return policy;
  });
  co_return aws::lambda::AddLayerVersionPermissionResponse{text, policy.revision};
}

async::Task<> Layers::remove_permission(const wire::Call& call, aws::lambda::RemoveLayerVersionPermissionRequest request) {
  const auto ref = parse_layer_name(request.LayerName, House::scope(call));
  const auto number = checked_number(request.VersionNumber);
  co_await house_.d.store.commit([&](store::Transaction& t) {
    need_version(t, ref, number);
    auto policy = rows::layer_policy(t, ref.account, ref.region, ref.name, number);
    const auto count =
        policy ? std::erase_if(policy->statements, [&](const auto& s) { return statement_id(s) == request.StatementId; }) : 0;
    if (count == 0) refuse<ResourceNotFoundException>("Statement " + request.StatementId + " is not found in resource policy.");
    check_layer_revision(request.RevisionId, policy);
    policy->revision = base::uuid();
    rows::put_layer_policy(t, ref.account, ref.region, ref.name, number, *policy);
  });
}

async::Task<aws::lambda::GetLayerVersionPolicyResponse> Layers::get_policy(const wire::Call& call,
                                                                           aws::lambda::GetLayerVersionPolicyRequest request) {
  const auto ref = parse_layer_name(request.LayerName, House::scope(call));
  const auto number = checked_number(request.VersionNumber);
  const auto reader = house_.d.store.read();
  need_version(*reader, ref, number);
  const auto policy = rows::layer_policy(*reader, ref.account, ref.region, ref.name, number);
  if (!policy) refuse<ResourceNotFoundException>("No policy is associated with the given resource.");
  co_return aws::lambda::GetLayerVersionPolicyResponse{policy_document(policy), policy->revision};
}

}  // namespace lambari::lambda
