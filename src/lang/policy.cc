#include "lang/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/json.h"
#include "base/text.h"
#include "lang/policy_condition.h"
#include "lang/policy_pattern.h"

namespace lambari::lang {

namespace json = base::json;

namespace {

constexpr std::size_t kMaxDocument = 256 << 10;
constexpr std::size_t kMaxStatements = 1000;

[[noreturn]] void syntax_error() { throw PolicyError("Syntax errors in policy."); }

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

struct Action {
  std::string vendor;  // "s3"; empty for "*"
  std::string name;    // with wildcards
  bool matches(std::string_view wanted_vendor, std::string_view wanted_name) const {
    if (vendor.empty()) return true;
    return vendor.size() == wanted_vendor.size() && base::iequals(vendor, wanted_vendor) &&
           wildcard_match(name, wanted_name, Case::insensitive);
  }
};

struct PrincipalName {
  enum class Kind { everybody, account, arn, id, service, federated, other } kind;
  std::string text;
};

struct Statement {
  std::string sid;
  bool allow = false;
  bool not_action = false, not_resource = false, not_principal = false;
  std::vector<Action> actions;
  bool any_resource = false;  // the element is missing
  std::vector<PolicyPattern> resources;
  bool has_principal = false;
  std::vector<PrincipalName> principals;
  std::vector<PolicyCondition> conditions;
};

std::vector<std::string> strings(const json::value& value) {
  std::vector<std::string> out;
  auto add = [&](const json::value& item) {
    if (!item.is_string()) syntax_error();
    out.emplace_back(view(item.as_string()));
  };
  if (value.is_array()) {
    for (const auto& item : value.as_array()) add(item);
  } else {
    add(value);
  }
  return out;
}

std::vector<std::string> scalars(const json::value& value) {
  std::vector<std::string> out;
  auto add = [&](const json::value& item) {
    if (item.is_string()) {
      out.emplace_back(view(item.as_string()));
    } else if (item.is_bool() || item.is_number()) {
      out.push_back(base::to_json(item));
    } else {
      syntax_error();
    }
  };
  if (value.is_array()) {
    for (const auto& item : value.as_array()) add(item);
  } else {
    add(value);
  }
  return out;
}

Action read_action(const std::string& text) {
  if (text == "*") return {};
  const auto colons = std::ranges::count(text, ':');
  if (colons == 0) throw PolicyError("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
  if (colons > 1) throw PolicyError("Actions/Condition can contain only one colon.");
  const auto [vendor, name] = base::cut(text, ':');
  if (vendor == "*" && name == "*") return {};
  for (const char c : vendor) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.')
      throw PolicyError(fmt::format("Vendor {} is not valid", vendor));
  }
  if (vendor.empty()) throw PolicyError("Vendor  is not valid");
  return {std::string(vendor), std::string(name)};
}

void check_resource(const std::string& text) {
  if (text == "*") return;
  const auto parts = base::split(text, ':');
  if (parts.size() < 2) throw PolicyError(fmt::format("Resource {} must be in ARN format or \"*\".", text));
  const auto partition = parts[1];
  auto part = [&](std::size_t i) { return i < parts.size() ? std::string(parts[i]) : std::string("*"); };
  if (partition != "*" && partition != "aws" && !partition.starts_with("aws-") && !partition.starts_with("${")) {
    const auto rest = parts.size() > 5 ? text.substr(static_cast<std::size_t>(parts[5].data() - text.data())) : std::string("*");
    throw PolicyError(fmt::format("Partition \"{}\" is not valid for resource \"arn:{}:{}:{}:{}:{}\".", partition, partition,
                                  part(2), part(3), part(4), rest));
  }
  if (parts.size() < 3) throw PolicyError("Resource vendor must be fully qualified and cannot contain regexes.");
  if (parts[2].empty() || (parts.size() < 6 && text.find("::") != text.npos))
    throw PolicyError("The policy failed legacy parsing");
}

bool is_account(std::string_view text) { return text.size() == 12 && text.find_first_not_of("0123456789") == text.npos; }

// "arn:aws:iam::123456789012:root" -> the account
std::optional<std::string_view> root_account(std::string_view arn) {
  const auto parts = base::split(arn, ':');
  if (parts.size() == 6 && parts[0] == "arn" && parts[2] == "iam" && is_account(parts[4]) && parts[5] == "root") return parts[4];
  return std::nullopt;
}

PrincipalName read_principal(std::string_view type, const std::string& text) {
  using Kind = PrincipalName::Kind;
  auto invalid = [&] { throw PolicyError(fmt::format("Invalid principal in policy: \"{}\":\"{}\"", type, text)); };
  if (type == "Service") {
    if (text.find('.') == text.npos) invalid();
    return {Kind::service, text};
  }
  if (type == "Federated") return {Kind::federated, text};
  if (type == "CanonicalUser") return {Kind::other, text};
  if (type != "AWS") syntax_error();
  if (text == "*") return {Kind::everybody, {}};
  if (is_account(text)) return {Kind::account, text};
  if (const auto account = root_account(text)) return {Kind::account, std::string(*account)};
  if (text.starts_with("arn:")) {
    const auto parts = base::split(text, ':');
    const bool iam = parts.size() == 6 && (parts[2] == "iam" || parts[2] == "sts") && is_account(parts[4]);
    const auto name = iam ? parts[5] : std::string_view{};
    if (!iam || text.find('*') != text.npos ||
        !(name.starts_with("user/") || name.starts_with("role/") || name.starts_with("assumed-role/") ||
          name.starts_with("federated-user/"))) {
      invalid();
    }
    return {Kind::arn, text};
  }
  if (text.size() >= 16 && text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == text.npos) return {Kind::id, text};
  invalid();
  return {Kind::other, {}};
}

std::vector<PrincipalName> read_principals(const json::value& value) {
  if (value.is_string()) {
    if (view(value.as_string()) != "*") syntax_error();
    return {{PrincipalName::Kind::everybody, {}}};
  }
  if (!value.is_object() || value.as_object().empty()) syntax_error();
  std::vector<PrincipalName> out;
  for (const auto& [type, names] : value.as_object()) {
    for (const auto& name : strings(names)) out.push_back(read_principal(type, name));
  }
  return out;
}

void read_conditions(const json::value& value, bool variables, std::vector<PolicyCondition>& out) {
  if (!value.is_object()) syntax_error();
  for (const auto& [op, keys] : value.as_object()) {
    if (!keys.is_object()) syntax_error();
    for (const auto& [key, values] : keys.as_object()) out.emplace_back(op, key, scalars(values), variables);
  }
}

PolicyGrant match_one(const PrincipalName& name, const PolicyRequester& who) {
  using Kind = PrincipalName::Kind;
  switch (name.kind) {
    case Kind::everybody: return PolicyGrant::direct;
    case Kind::account:
      if (name.text != who.account || !who.service.empty()) return PolicyGrant::none;
      return who.root ? PolicyGrant::direct : PolicyGrant::account;
    case Kind::arn:
      if (!who.arn.empty() && name.text == who.arn) return PolicyGrant::direct;
      return !who.role_arn.empty() && name.text == who.role_arn ? PolicyGrant::role : PolicyGrant::none;
    case Kind::id: {
      const auto [id, session] = base::cut(who.user_id, ':');
      if (id != name.text) return PolicyGrant::none;
      return who.role_arn.empty() ? PolicyGrant::direct : PolicyGrant::role;
    }
    case Kind::service:
      return !who.service.empty() && base::iequals(name.text, who.service) ? PolicyGrant::direct : PolicyGrant::none;
    case Kind::federated:
    case Kind::other: return PolicyGrant::none;
  }
  return PolicyGrant::none;
}

PolicyGrant match_principal(const Statement& statement, const PolicyRequester& who) {
  if (!statement.has_principal) return PolicyGrant::direct;
  auto grant = PolicyGrant::none;
  for (const auto& name : statement.principals) grant = std::max(grant, match_one(name, who));
  if (!statement.not_principal) return grant;
  // To name an account excepts its root only: its users and roles are named themselves.
  return grant == PolicyGrant::role || grant == PolicyGrant::direct ? PolicyGrant::none : PolicyGrant::direct;
}

}  // namespace

struct Policy::Program {
  std::vector<Statement> statements;
};

namespace {

Statement read_statement(const json::value& value, PolicyKind kind, bool variables) {
  if (!value.is_object()) syntax_error();
  Statement out;
  std::optional<std::vector<std::string>> actions, resources;
  bool has_effect = false, proper_effect = false;
  const json::value* condition = nullptr;
  const json::value* principal = nullptr;
  for (const auto& [name, element] : value.as_object()) {
    if (name == "Sid") {
      if (!element.is_string()) syntax_error();
      out.sid = std::string(view(element.as_string()));
    } else if (name == "Effect") {
      if (!element.is_string()) syntax_error();
      const auto effect = view(element.as_string());
      if (!base::iequals(effect, "Allow") && !base::iequals(effect, "Deny")) syntax_error();
      has_effect = true;
      proper_effect = effect == "Allow" || effect == "Deny";
      out.allow = effect == "Allow";
    } else if (name == "Action" || name == "NotAction") {
      if (actions) syntax_error();
      actions = strings(element);
      out.not_action = name == "NotAction";
    } else if (name == "Resource" || name == "NotResource") {
      if (resources) syntax_error();
      resources = strings(element);
      out.not_resource = name == "NotResource";
    } else if (name == "Principal" || name == "NotPrincipal") {
      if (principal) syntax_error();
      principal = &element;
      out.not_principal = name == "NotPrincipal";
    } else if (name == "Condition") {
      condition = &element;
    } else {
      syntax_error();
    }
  }
  if (!has_effect) syntax_error();
  if (kind == PolicyKind::identity && principal) throw PolicyError("Policy document should not specify a principal.");
  if (kind != PolicyKind::identity && !principal) throw PolicyError("Missing required field Principal");
  if (kind == PolicyKind::trust && resources) throw PolicyError("Has prohibited field Resource");
  if (principal) {
    out.has_principal = true;
    out.principals = read_principals(*principal);
  }
  if (condition) read_conditions(*condition, variables, out.conditions);
  if (!proper_effect) throw PolicyError("The policy failed legacy parsing");
  if (kind == PolicyKind::identity &&
      out.sid.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != out.sid.npos) {
    throw PolicyError(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*");
  }
  if (!actions || actions->empty()) throw PolicyError("Policy statement must contain actions.");
  if (kind == PolicyKind::identity && (!resources || resources->empty()))
    throw PolicyError("Policy statement must contain resources.");
  if (resources) {
    for (const auto& text : *resources) {
      if (kind == PolicyKind::identity) check_resource(text);
      out.resources.emplace_back(text, PolicyPattern::Wildcards::yes, variables);
    }
  } else {
    out.any_resource = true;
  }
  for (const auto& text : *actions) {
    auto action = read_action(text);
    if (kind == PolicyKind::trust && !base::iequals(action.vendor, "sts")) {
      throw PolicyError("AssumeRole policy may only specify STS AssumeRole actions.");
    }
    out.actions.push_back(std::move(action));
  }
  return out;
}

bool matches_action(const Statement& statement, std::string_view vendor, std::string_view name) {
  const bool found = std::ranges::any_of(statement.actions, [&](const Action& action) { return action.matches(vendor, name); });
  return found != statement.not_action;
}

bool matches_resource(const Statement& statement, std::string_view resource, const PolicyContext& context) {
  if (statement.any_resource) return true;
  const bool found = std::ranges::any_of(
      statement.resources, [&](const PolicyPattern& pattern) { return pattern.matches(resource, context, Case::sensitive); });
  return found != statement.not_resource;
}

}  // namespace

Policy Policy::parse(std::string_view document, PolicyKind kind) {
  if (document.size() > kMaxDocument) syntax_error();
  const auto value = base::parse_json(document, 16);
  if (!value || !value->is_object()) {
    if (kind == PolicyKind::trust) throw PolicyError("This policy contains invalid Json");
    syntax_error();
  }
  const auto& root = value->as_object();
  std::string_view version;
  const json::value* statements = nullptr;
  for (const auto& [name, element] : root) {
    if (name == "Version") {
      if (!element.is_string()) syntax_error();
      version = view(element.as_string());
      if (version != "2012-10-17" && version != "2008-10-17") syntax_error();
    } else if (name == "Id") {
      if (!element.is_string()) syntax_error();
    } else if (name == "Statement") {
      statements = &element;
    } else {
      syntax_error();
    }
  }
  if (!statements) syntax_error();
  if (kind == PolicyKind::identity && version != "2012-10-17") {
    throw PolicyError("Policy document must be version 2012-10-17 or greater.");
  }
  const bool variables = version == "2012-10-17";
  auto program = std::make_shared<Program>();
  if (statements->is_array()) {
    if (statements->as_array().empty() || statements->as_array().size() > kMaxStatements) syntax_error();
    for (const auto& statement : statements->as_array())
      program->statements.push_back(read_statement(statement, kind, variables));
  } else {
    program->statements.push_back(read_statement(*statements, kind, variables));
  }
  std::vector<std::string_view> sids;
  for (const auto& statement : program->statements) {
    if (!statement.sid.empty()) sids.push_back(statement.sid);
  }
  std::ranges::sort(sids);
  if (std::ranges::adjacent_find(sids) != sids.end()) throw PolicyError("Statement IDs (SID) in a single policy must be unique.");
  return Policy(std::move(program));
}

PolicyVerdict Policy::evaluate(const PolicyQuery& query) const {
  PolicyVerdict out;
  const auto [vendor, name] = base::cut(query.action, ':');
  for (std::size_t i = 0; i < program_->statements.size(); ++i) {
    const auto& statement = program_->statements[i];
    if (!matches_action(statement, vendor, name)) continue;
    const auto grant = match_principal(statement, query.requester);
    if (grant == PolicyGrant::none || (statement.allow && out.allowed() && grant <= out.grant)) continue;
    if (!matches_resource(statement, query.resource, query.context)) continue;
    if (!std::ranges::all_of(statement.conditions, [&](const PolicyCondition& c) { return c.holds(query.context); })) continue;
    if (!statement.allow) {
      out.denied_by = static_cast<int>(i);
      return out;
    }
    out.allowed_by = static_cast<int>(i);
    out.grant = grant;
  }
  return out;
}

std::size_t Policy::statements() const { return program_->statements.size(); }
std::string_view Policy::sid(std::size_t statement) const { return program_->statements.at(statement).sid; }

std::vector<std::string> Policy::condition_keys() const {
  std::vector<std::string> out;
  for (const auto& statement : program_->statements) {
    for (const auto& condition : statement.conditions) {
      if (std::ranges::find(out, condition.key()) == out.end()) out.push_back(condition.key());
    }
  }
  return out;
}

std::vector<std::string> Policy::aws_principals() const {
  std::vector<std::string> out;
  for (const auto& statement : program_->statements) {
    for (const auto& name : statement.principals) {
      using Kind = PrincipalName::Kind;
      if (name.kind == Kind::account || name.kind == Kind::arn || name.kind == Kind::id) out.push_back(name.text);
    }
  }
  return out;
}

}  // namespace lambari::lang
