// IAM policy documents: read once, strictly, into a form that is evaluated without reading JSON again.
//   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
//   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
//
// A policy says of one request: denied, allowed, or nothing. How several policies make one decision is services/iam's matter.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace lambari::lang {

// what() is AWS's message of MalformedPolicyDocument.
struct PolicyError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// What a document is for decides which elements it must and must not have.
enum class PolicyKind {
  identity,  // attached to users, groups, roles and sessions: Resource, no Principal
  resource,  // of a queue, a function...: Principal; Resource may be missing (it is the resource it belongs to)
  trust,     // of a role: Principal, no Resource, only sts: actions
};

// Condition keys and policy variables of one request. Keys are compared without regard to case.
class PolicyContext {
 public:
  virtual ~PolicyContext() = default;
  // Appends the values of `key`; false when the request does not carry it. The views live as long as the context.
  virtual bool find(std::string_view key, std::vector<std::string_view>& values) const = 0;
};

// Who asks, for the Principal element. Empty parts do not apply.
struct PolicyRequester {
  std::string_view account;   // 12 digits
  std::string_view arn;       // of the user, the session, or root
  std::string_view role_arn;  // of an assumed role
  std::string_view user_id;   // "AIDA...", "AROA...:session"
  std::string_view service;   // "lambda.amazonaws.com"
  bool root = false;          // of the account
};

struct PolicyQuery {
  std::string_view action;    // "s3:GetObject"
  std::string_view resource;  // an ARN, or "*"
  const PolicyContext& context;
  const PolicyRequester& requester;
};

// How closely the Principal of an allowing statement names the requester; more is closer. It decides which other policies
// still limit the request.
enum class PolicyGrant {
  none,
  account,  // the account as a whole: its own identity policies must allow, too
  role,     // the role behind a session
  direct,   // the user, the session, the service, or everybody
};

struct PolicyVerdict {
  static constexpr int kNone = -1;
  int denied_by = kNone;                  // index of a statement
  int allowed_by = kNone;                 // index of a statement, the one with the closest grant
  PolicyGrant grant = PolicyGrant::none;  // of resource and trust policies; direct for identity policies
  bool denied() const { return denied_by != kNone; }
  bool allowed() const { return allowed_by != kNone; }
};

// Immutable; copies share. Thread-safe.
class Policy {
 public:
  // Throws PolicyError. The document is at most 256 KiB.
  static Policy parse(std::string_view document, PolicyKind kind);

  // Allocates nothing but for conditions and policy variables.
  PolicyVerdict evaluate(const PolicyQuery& query) const;

  std::size_t statements() const;
  std::string_view sid(std::size_t statement) const;
  // Condition keys that the document reads, as written, in order of appearance.
  std::vector<std::string> condition_keys() const;
  // The AWS principals that Principal names, without "*".
  std::vector<std::string> aws_principals() const;

 private:
  struct Program;
  explicit Policy(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

}  // namespace lambari::lang
