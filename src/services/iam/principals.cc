// What was read from the store, compiled, and kept until the next write.
#include <mutex>

#include "base/log.h"
#include "services/iam/keys.h"
#include "services/iam/managed.h"
#include "services/iam/state.h"

namespace lambari::iam {

namespace {

constexpr std::size_t kMaxCached = 10'000;

// Stands for a policy that cannot be read: it might have said no.
constexpr std::string_view kDenyAll = R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}})";

std::optional<NamedPolicy> compile(std::string source, std::string_view type, std::string_view document, lang::PolicyKind kind) {
  try {
    auto policy = lang::Policy::parse(document, kind);
    return NamedPolicy{std::move(source), std::string(type), std::move(policy)};
  } catch (const lang::PolicyError& error) {
    // Written policies were checked; only a stricter reader can come to this.
    base::log_warn("policy does not parse", {{"policy", source}, {"error", error.what()}});
    return std::nullopt;
  }
}

NamedPolicy compile_or_deny(std::string source, std::string_view type, std::string_view document) {
  if (auto policy = compile(source, type, document, lang::PolicyKind::identity)) return std::move(*policy);
  return NamedPolicy{std::move(source), std::string(type), lang::Policy::parse(kDenyAll, lang::PolicyKind::identity)};
}

void add_policies(State& state, store::Reader& reader, const Entity& entity, std::vector<NamedPolicy>& out) {
  for (const auto& [name, document] : entity.inline_policies)
    out.push_back(compile_or_deny(entity.name + "/" + name, "IAM Policy", document));
  for (const auto& arn : entity.attached) {
    const auto document = managed_document(reader, arn);
    if (!document) continue;
    // AWS's own are large and shared by many: compiled once.
    const auto shared = find_aws_policy(arn) ? compiled(state, lang::PolicyKind::identity, *document, "IAM Policy") : nullptr;
    out.push_back(shared ? *shared : compile_or_deny(arn, "IAM Policy", *document));
    out.back().source = arn;
  }
}

}  // namespace

void invalidate(State& state) {
  std::unique_lock lock(state.mutex);
  ++state.epoch;
  state.grants.clear();
  state.keys.clear();
}

std::optional<std::string> managed_document(store::Reader& reader, std::string_view arn) {
  if (const auto* policy = find_aws_policy(arn)) return std::string(policy->document);
  const auto parsed = parse_iam_arn(arn);
  if (!parsed || parsed->kind != "policy") return std::nullopt;
  const auto row = reader.get(keys::policy(parsed->account, parsed->name));
  if (!row) return std::nullopt;
  const auto policy = decode_policy(*row);
  const auto* version = policy.version(policy.default_version);
  if (policy.arn() != arn || !version) return std::nullopt;
  return version->document;
}

std::shared_ptr<const NamedPolicy> compiled(State& state, lang::PolicyKind kind, std::string_view document,
                                            std::string_view type) {
  std::string key(1, static_cast<char>('0' + static_cast<int>(kind)));
  key += document;
  {
    std::shared_lock lock(state.mutex);
    if (auto found = state.documents.find(key); found != state.documents.end()) return found->second;
  }
  auto policy = compile({}, type, document, kind);
  auto shared = policy ? std::make_shared<const NamedPolicy>(std::move(*policy)) : nullptr;
  std::unique_lock lock(state.mutex);
  if (state.documents.size() >= kMaxCached) state.documents.clear();
  state.documents.emplace(std::move(key), shared);
  return shared;
}

std::shared_ptr<const Grants> load_grants(State& state, store::Reader& reader, const Entity& entity) {
  auto out = std::make_shared<Grants>();
  out->entity = entity;
  add_policies(state, reader, entity, out->identity);
  for (const auto& name : entity.groups) {
    if (auto row = reader.get(keys::entity(entity.account, Kind::group, name)))
      add_policies(state, reader, decode_entity(*row), out->identity);
  }
  if (!entity.boundary.empty()) {
    // A boundary whose policy is gone allows nothing.
    out->boundary = compile_or_deny(entity.boundary, "Permissions Boundary",
                                    managed_document(reader, entity.boundary).value_or(std::string(kDenyAll)));
  }
  if (entity.kind == Kind::role) out->trust = compile(entity.arn(), "Resource Policy", entity.trust, lang::PolicyKind::trust);
  return out;
}

std::shared_ptr<const Grants> find_grants(State& state, std::string_view arn) {
  std::uint64_t epoch = 0;
  {
    std::shared_lock lock(state.mutex);
    if (auto found = state.grants.find(arn); found != state.grants.end()) return found->second;
    epoch = state.epoch;
  }
  std::shared_ptr<const Grants> out;
  const auto parsed = parse_iam_arn(arn);
  if (parsed && (parsed->kind == "role" || parsed->kind == "user")) {
    auto reader = state.store.read();
    const auto kind = parsed->kind == "role" ? Kind::role : Kind::user;
    if (auto row = reader->get(keys::entity(parsed->account, kind, parsed->name))) {
      const auto entity = decode_entity(*row);
      if (entity.arn() == arn) out = load_grants(state, *reader, entity);
    }
  }
  std::unique_lock lock(state.mutex);
  if (epoch != state.epoch) return out;
  if (state.grants.size() >= kMaxCached) state.grants.clear();
  state.grants.emplace(std::string(arn), out);
  return out;
}

}  // namespace lambari::iam
