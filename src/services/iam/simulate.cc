// SimulateCustomPolicy and SimulatePrincipalPolicy: the same decision, told in detail.
#include <fmt/format.h>

#include <algorithm>

#include "services/iam/context.h"
#include "services/iam/iam_api.h"
#include "services/iam/managed.h"
#include "services/iam/rows.h"
#include "services/iam/statement_places.h"

namespace lambari::iam {

using namespace aws::iam;

namespace {

constexpr std::size_t kMaxResults = 1000;

// A policy with the text that it was read from, for the places of its statements.
struct Source {
  NamedPolicy policy;
  std::vector<StatementPlace> places;
};

Source read_source(std::string name, std::string_view type, const std::string& document, lang::PolicyKind kind) {
  try {
    return {{std::move(name), std::string(type), lang::Policy::parse(document, kind)}, statement_places(document)};
  } catch (const lang::PolicyError& error) {
    throw InvalidInputException(error.what());
  }
}

struct Simulation {
  std::vector<Source> identity, boundary, resource;
  contracts::Principal principal;
  RequestContext::Keys keys;
  std::vector<std::string> actions, resources;
  base::Timestamp now;
};

void read_context(Simulation& s, const std::optional<std::vector<ContextEntry>>& entries) {
  if (!entries) return;
  for (const auto& entry : *entries) {
    if (entry.ContextKeyName && entry.ContextKeyValues) s.keys[*entry.ContextKeyName] = *entry.ContextKeyValues;
  }
}

contracts::Principal principal_of(const std::string& arn) {
  contracts::Principal out;
  out.account = std::string(account_of(arn));
  out.arn = arn;
  const auto parsed = parse_iam_arn(arn);
  if (arn.ends_with(":root")) {
    out.kind = contracts::Principal::Kind::root;
  } else if (parsed && parsed->kind == "role") {
    out.kind = contracts::Principal::Kind::assumed_role;
    out.role_arn = arn;
  } else {
    out.kind = contracts::Principal::Kind::user;
  }
  return out;
}

std::vector<NamedPolicy> policies_of(const std::vector<Source>& sources) {
  std::vector<NamedPolicy> out;
  for (const auto& source : sources) out.push_back(source.policy);
  return out;
}

// Of the sources, by the name that a match carries.
const Source* source_of(const Simulation& s, const std::string& name) {
  for (const auto* list : {&s.identity, &s.boundary, &s.resource}) {
    for (const auto& source : *list) {
      if (source.policy.source == name) return &source;
    }
  }
  return nullptr;
}

std::vector<Statement> statements_of(const Simulation& s, const Outcome& outcome) {
  std::vector<Statement> out;
  for (const auto& match : outcome.matches) {
    Statement statement;
    statement.SourcePolicyId = match.policy->source;
    statement.SourcePolicyType = match.policy->type;
    if (const auto* source = source_of(s, match.policy->source);
        source && static_cast<std::size_t>(match.statement) < source->places.size()) {
      const auto& place = source->places[static_cast<std::size_t>(match.statement)];
      statement.StartPosition = Position{place.begin_line, place.begin_column};
      statement.EndPosition = Position{place.end_line, place.end_column};
    }
    out.push_back(std::move(statement));
  }
  return out;
}

std::vector<EvaluationResult> run(const Simulation& s) {
  const auto identity = policies_of(s.identity);
  // Several boundaries given at once bound together: what all of them allow. One is what a principal has.
  const auto boundary = policies_of(s.boundary);
  const auto resource_policies = policies_of(s.resource);
  const auto requester = requester_of(s.principal);

  std::vector<EvaluationResult> out;
  for (const auto& action : s.actions) {
    for (const auto& resource : s.resources) {
      if (out.size() == kMaxResults) return out;
      const RequestContext context(s.principal, s.keys, {}, s.now, resource);
      Policies policies;
      policies.identity = &identity;
      policies.boundary = boundary.empty() ? nullptr : &boundary.front();
      policies.resource = resource_policies.empty() ? nullptr : &resource_policies.front();
      const auto account = account_of(resource);
      policies.same_account = account.empty() || s.principal.account.empty() || account == s.principal.account || resource == "*";
      const auto outcome = decide(policies, {action, resource, context, requester});

      EvaluationResult result;
      result.EvalActionName = action;
      result.EvalResourceName = resource;
      result.EvalDecision = outcome.allowed() ? "allowed" : outcome.denied() ? "explicitDeny" : "implicitDeny";
      result.MatchedStatements = statements_of(s, outcome);
      auto& missing = result.MissingContextValues.emplace();
      for (const auto* list : {&s.identity, &s.boundary, &s.resource}) {
        for (const auto& source : *list) {
          for (const auto& key : source.policy.policy.condition_keys()) {
            std::vector<std::string_view> values;
            if (!context.find(key, values) && std::ranges::find(missing, key) == missing.end()) missing.push_back(key);
          }
        }
      }
      if (!s.boundary.empty())
        result.PermissionsBoundaryDecisionDetail.emplace().AllowedByPermissionsBoundary = outcome.boundary_allows;
      out.push_back(std::move(result));
    }
  }
  return out;
}

template <class Request>
void read_common(Simulation& s, const Request& request) {
  s.actions = request.ActionNames;
  s.resources = request.ResourceArns.value_or(std::vector<std::string>{"*"});
  if (s.resources.empty()) s.resources = {"*"};
  read_context(s, request.ContextEntries);
  for (const auto& action : s.actions) {
    if (action.find(':') == std::string::npos) throw InvalidInputException(fmt::format("Invalid Action: {}", action));
  }
  const auto boundaries = request.PermissionsBoundaryPolicyInputList.value_or(std::vector<std::string>{});
  for (std::size_t i = 0; i < boundaries.size(); ++i) {
    s.boundary.push_back(read_source(fmt::format("PermissionsBoundaryPolicyInputList.{}", i + 1),
                                     "IAM Permissions Boundary Policy", boundaries[i], lang::PolicyKind::identity));
  }
  if (s.boundary.size() > 1) throw InvalidInputException("Only one permissions boundary policy can be specified.");
  if (request.ResourcePolicy && !request.ResourcePolicy->empty()) {
    if (!request.CallerArn && s.principal.arn.empty())
      throw InvalidInputException("CallerArn must be specified with a ResourcePolicy.");
    s.resource.push_back(read_source("ResourcePolicy", "Resource Policy", *request.ResourcePolicy, lang::PolicyKind::resource));
  }
}

template <class Request>
SimulatePolicyResponse answer(const Simulation& s, const Request& request) {
  SimulatePolicyResponse out;
  out.EvaluationResults = page_of(run(s), request.Marker, request.MaxItems, out);
  return out;
}

}  // namespace

async::Task<SimulatePolicyResponse> IamApi::SimulateCustomPolicy(const wire::Call& call, SimulateCustomPolicyRequest request) {
  if (request.OrderedOrganizationPolicyInputList && !request.OrderedOrganizationPolicyInputList->empty()) {
    throw InvalidInputException("OrderedOrganizationPolicyInputList is not supported by lambari.");
  }
  Simulation s;
  s.now = call.time;
  s.principal = principal_of(request.CallerArn.value_or(fmt::format("arn:aws:iam::{}:user/simulated", call.account)));
  for (std::size_t i = 0; i < request.PolicyInputList.size(); ++i) {
    s.identity.push_back(read_source(fmt::format("PolicyInputList.{}", i + 1), "IAM Policy", request.PolicyInputList[i],
                                     lang::PolicyKind::identity));
  }
  read_common(s, request);
  co_return answer(s, request);
}

async::Task<SimulatePolicyResponse> IamApi::SimulatePrincipalPolicy(const wire::Call& call,
                                                                    SimulatePrincipalPolicyRequest request) {
  auto reader = state_.store.read();
  const auto arn = parse_iam_arn(request.PolicySourceArn);
  if (!arn || (arn->kind != "role" && arn->kind != "user" && arn->kind != "group")) {
    throw InvalidInputException(
        fmt::format("Invalid Entity Arn: {} does not clearly define entity type and name.", request.PolicySourceArn));
  }
  const auto kind = arn->kind == "role" ? Kind::role : arn->kind == "user" ? Kind::user : Kind::group;
  const auto entity = require_entity(*reader, call.account, kind, arn->name);

  Simulation s;
  s.now = call.time;
  s.principal = principal_of(request.CallerArn.value_or(request.PolicySourceArn));
  s.principal.user_id = entity.id;
  for (const auto& [key, value] : entity.tags) s.principal.session_tags[key] = value;

  auto excluded = [&](const std::string& arn_or_name) {
    if (!request.PolicyExclusionList) return false;
    return std::ranges::any_of(*request.PolicyExclusionList, [&](const PolicyIdentifier& id) {
      return id.PolicyArn == arn_or_name || (id.InlinePolicyIdentifier && id.InlinePolicyIdentifier->PolicyName == arn_or_name);
    });
  };
  auto add = [&](const Entity& from) {
    for (const auto& [name, document] : from.inline_policies) {
      if (!excluded(name))
        s.identity.push_back(read_source(fmt::format("{}_{}_{}", word(from.kind), from.name, name), "IAM Policy", document,
                                         lang::PolicyKind::identity));
    }
    for (const auto& policy : from.attached) {
      const auto document = managed_document(*reader, policy);
      if (document && !excluded(policy))
        s.identity.push_back(read_source(policy, "IAM Policy", *document, lang::PolicyKind::identity));
    }
  };
  add(entity);
  for (const auto& name : entity.groups) {
    if (auto group = find_entity(*reader, call.account, Kind::group, name)) add(*group);
  }
  if (request.PolicyInputList) {
    for (std::size_t i = 0; i < request.PolicyInputList->size(); ++i) {
      s.identity.push_back(read_source(fmt::format("PolicyInputList.{}", i + 1), "IAM Policy", (*request.PolicyInputList)[i],
                                       lang::PolicyKind::identity));
    }
  }
  read_common(s, request);
  if (s.boundary.empty() && !entity.boundary.empty()) {
    if (auto document = managed_document(*reader, entity.boundary)) {
      s.boundary.push_back(
          read_source(entity.boundary, "IAM Permissions Boundary Policy", *document, lang::PolicyKind::identity));
    }
  }
  co_return answer(s, request);
}

}  // namespace lambari::iam
