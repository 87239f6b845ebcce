#include "wire/router.h"

#include <algorithm>
#include <unordered_map>

#include "base/text.h"
#include "wire/scope.h"

namespace lambari::wire {
namespace {

constexpr std::size_t kMaxSegments = 64;

struct Candidate {
  Service* service;
  const ServiceModel* model;
  const Operation* operation;
  Protocol protocol;
  std::vector<std::string> label_names;                          // in path order
  std::vector<std::pair<std::string, std::string>> fixed_query;  // an empty value: only the name is asked
};

// Templates of several services, segment by segment.
class Trie {
 public:
  void add(Candidate candidate) {
    auto [path, query] = base::cut(candidate.operation->uri, '?');
    candidate.fixed_query = base::parse_query(query);
    Node* node = &root_;
    for (auto segment : segments_of(path)) {
      if (segment.starts_with('{')) {
        bool greedy = segment.ends_with("+}");
        candidate.label_names.emplace_back(segment.substr(1, segment.size() - (greedy ? 3 : 2)));
        auto& next = greedy ? node->greedy : node->label;
        if (!next) next = std::make_unique<Node>();
        node = next.get();
      } else {
        auto& next = node->literal[std::string(segment)];
        if (!next) next = std::make_unique<Node>();
        node = next.get();
      }
    }
    auto& list = node->methods[std::string(candidate.operation->method)];
    auto more_fixed = [](const Candidate& a, const Candidate& b) { return a.fixed_query.size() > b.fixed_query.size(); };
    list.insert(std::upper_bound(list.begin(), list.end(), candidate, more_fixed), std::move(candidate));
  }

  struct Found {
    const Candidate* candidate = nullptr;
    std::vector<std::string_view> labels;
  };

  Found find(std::string_view method, std::string_view path,
             const std::vector<std::pair<std::string, std::string>>& query) const {
    Walk walk{method, query, segments_of(path), path, {}};
    if (walk.segments.size() > kMaxSegments) return {};
    const Candidate* candidate = descend(root_, 0, walk);
    return {candidate, std::move(walk.labels)};
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Node {
    std::unordered_map<std::string, std::unique_ptr<Node>, Hash, std::equal_to<>> literal;
    std::unique_ptr<Node> label, greedy;
    std::unordered_map<std::string, std::vector<Candidate>, Hash, std::equal_to<>> methods;
  };
  struct Walk {
    std::string_view method;
    const std::vector<std::pair<std::string, std::string>>& query;
    std::vector<std::string_view> segments;
    std::string_view path;
    std::vector<std::string_view> labels;
  };

  static std::vector<std::string_view> segments_of(std::string_view path) {
    if (path.starts_with('/')) path.remove_prefix(1);
    if (path.ends_with('/')) path.remove_suffix(1);
    if (path.empty()) return {};
    return base::split(path, '/');
  }

  static bool has_fixed(const Candidate& candidate, const Walk& walk) {
    return std::all_of(candidate.fixed_query.begin(), candidate.fixed_query.end(), [&](const auto& fixed) {
      return std::any_of(walk.query.begin(), walk.query.end(), [&](const auto& given) {
        return given.first == fixed.first && (fixed.second.empty() || given.second == fixed.second);
      });
    });
  }

  static const Candidate* here(const Node& node, const Walk& walk) {
    auto found = node.methods.find(walk.method);
    if (found == node.methods.end()) return nullptr;
    for (const auto& candidate : found->second)
      if (has_fixed(candidate, walk)) return &candidate;
    return nullptr;
  }

  // Literal beats label beats greedy; what leads nowhere is left again.
  static const Candidate* descend(const Node& node, std::size_t at, Walk& walk) {
    if (at == walk.segments.size()) return here(node, walk);
    if (auto literal = node.literal.find(walk.segments[at]); literal != node.literal.end())
      if (auto* found = descend(*literal->second, at + 1, walk)) return found;
    if (node.label && !walk.segments[at].empty()) {
      walk.labels.push_back(walk.segments[at]);
      if (auto* found = descend(*node.label, at + 1, walk)) return found;
      walk.labels.pop_back();
    }
    if (!node.greedy) return nullptr;
    // A greedy label takes all but what the template has after it; longest first.
    const char* begin = walk.segments[at].data();
    for (std::size_t end = walk.segments.size(); end > at; --end) {
      const char* last = walk.segments[end - 1].data() + walk.segments[end - 1].size();
      if (end == walk.segments.size()) last = walk.path.data() + walk.path.size();
      walk.labels.emplace_back(begin, static_cast<std::size_t>(last - begin));
      if (auto* found = descend(*node.greedy, end, walk)) return found;
      walk.labels.pop_back();
    }
    return nullptr;
  }

  Node root_;
};

bool is_json(Protocol p) { return p == Protocol::json_1_0 || p == Protocol::json_1_1; }
bool is_form(Protocol p) { return p == Protocol::query || p == Protocol::ec2; }
bool is_rest(Protocol p) { return p == Protocol::rest_json || p == Protocol::rest_xml; }

template <class Is>
std::optional<Protocol> first_protocol(const ServiceModel& model, Is is) {
  for (Protocol p : model.protocols)
    if (is(p)) return p;
  return std::nullopt;
}

// "us-east-1", "us-gov-west-1".
bool looks_like_region(std::string_view label) {
  return std::count(label.begin(), label.end(), '-') >= 2 && !label.empty() && label.back() >= '0' && label.back() <= '9' &&
         label.size() <= 20;
}

// The value of a parameter of a form that is not decoded yet; names and values that matter here need no decoding.
std::string_view raw_parameter(std::string_view form, std::string_view name) {
  for (std::size_t at = 0; at < form.size();) {
    auto end = form.find('&', at);
    if (end == std::string_view::npos) end = form.size();
    auto part = form.substr(at, end - at);
    if (part.size() > name.size() && part.starts_with(name) && part[name.size()] == '=') return part.substr(name.size() + 1);
    at = end + 1;
  }
  return {};
}

using Operations = std::unordered_map<std::string_view, const Operation*>;

// Services that one name stands for: a signing name, or the first label of a host.
struct Group {
  std::vector<Service*> services;
  Trie rest;
};

void add_service(Group& group, Service* service) {
  group.services.push_back(service);
  const ServiceModel& model = service->model();
  if (auto protocol = first_protocol(model, is_rest))
    for (const auto& operation : model.operations) group.rest.add({service, &model, &operation, *protocol, {}, {}});
}

}  // namespace

struct Router::Table {
  std::vector<Service*> services;
  std::unordered_map<const ServiceModel*, Operations> operations;
  std::unordered_map<std::string_view, Service*> by_name, by_target;
  std::unordered_map<std::string_view, std::vector<Service*>> by_version;  // of the form protocols
  std::unordered_map<std::string_view, Group> by_signing_name, by_host;
  Group all;

  const Operation* find(const ServiceModel& model, std::string_view name) const {
    const auto& known = operations.at(&model);
    auto found = known.find(name);
    return found == known.end() ? nullptr : found->second;
  }

  Match named(Service* service, std::string_view operation, Protocol protocol) const {
    const ServiceModel& model = service->model();
    return {service, &model, find(model, operation), protocol, {}, {}};
  }

  std::optional<Match> by_target_header(const http::Request& request) const {
    auto target = request.headers.find("X-Amz-Target");
    if (!target) return std::nullopt;
    auto dot = target->rfind('.');
    if (dot == std::string_view::npos) return std::nullopt;
    auto found = by_target.find(target->substr(0, dot));
    if (found == by_target.end()) return std::nullopt;
    const ServiceModel& model = found->second->model();
    auto type = request.headers.get("Content-Type");
    Protocol asked = type.starts_with("application/x-amz-json-1.0") ? Protocol::json_1_0 : Protocol::json_1_1;
    auto protocol = first_protocol(model, [&](Protocol p) { return p == asked; });
    if (!protocol) protocol = first_protocol(model, is_json);
    if (!protocol) return std::nullopt;
    return named(found->second, target->substr(dot + 1), *protocol);
  }

  // /service/{name}/operation/{operation}, maybe after a prefix.
  std::optional<Match> by_rpc_path(const http::Request& request) const {
    auto path = request.path();
    auto at = path.rfind("/service/");
    if (at == std::string_view::npos || request.headers.get("smithy-protocol") != "rpc-v2-cbor") return std::nullopt;
    auto [name, rest] = base::cut(path.substr(at + 9), '/');
    if (!rest.starts_with("operation/")) return std::nullopt;
    auto found = by_target.find(name);
    if (found == by_target.end()) return std::nullopt;
    auto protocol = first_protocol(found->second->model(), [](Protocol p) { return p == Protocol::rpc_v2_cbor; });
    if (!protocol) return std::nullopt;
    return named(found->second, rest.substr(10), *protocol);
  }

  std::optional<Match> by_action(const http::Request& request, const Group* group) const {
    std::string_view form = request.query();
    auto action = raw_parameter(form, "Action");
    if (action.empty()) {
      auto type = request.headers.get("Content-Type");
      if (request.method != "POST" || !type.starts_with("application/x-www-form-urlencoded")) return std::nullopt;
      form = request.body;
      action = raw_parameter(form, "Action");
    }
    if (action.empty()) return std::nullopt;
    auto version = raw_parameter(form, "Version");
    const std::vector<Service*>* candidates = group ? &group->services : &services;
    if (!group && !version.empty()) {
      auto found = by_version.find(version);
      if (found == by_version.end()) return std::nullopt;
      candidates = &found->second;
    }
    std::optional<Match> unknown;
    for (Service* service : *candidates) {
      auto protocol = first_protocol(service->model(), is_form);
      if (!protocol) continue;
      Match match = named(service, action, *protocol);
      if (match.operation) return match;
      if (!unknown && (group || !version.empty())) unknown = match;
    }
    return unknown;
  }

  static std::optional<Match> by_path(const http::Request& request, const Group& group) {
    auto query = base::parse_query(request.query());
    auto found = group.rest.find(request.method, request.path(), query);
    if (!found.candidate) return std::nullopt;
    const Candidate& candidate = *found.candidate;
    Match match{candidate.service, candidate.model, candidate.operation, candidate.protocol, {}, {}};
    for (std::size_t i = 0; i < found.labels.size(); ++i)
      match.labels.emplace_back(candidate.label_names[i], base::percent_decode(found.labels[i]));
    return match;
  }
};

Router::Router(std::vector<Service*> services) {
  auto table = std::make_unique<Table>();
  table->services = std::move(services);
  for (Service* service : table->services) {
    const ServiceModel& model = service->model();
    auto& operations = table->operations[&model];
    for (const auto& operation : model.operations) operations.emplace(operation.name, &operation);
    table->by_name.emplace(model.name, service);
    if (!model.target_prefix.empty()) table->by_target.emplace(model.target_prefix, service);
    if (first_protocol(model, is_form)) table->by_version[model.api_version].push_back(service);
    add_service(table->by_signing_name[model.signing_name], service);
    add_service(table->by_host[model.endpoint_prefix], service);
    add_service(table->all, service);
  }
  table_ = std::move(table);
}

Router::~Router() = default;

std::optional<Match> Router::match(const http::Request& request) const {
  const Table& table = *table_;
  auto scope = credential_scope(request);
  std::string region = scope ? std::string(scope->region) : std::string();

  const Group* group = nullptr;
  bool foreign = false;  // signed for a service that is not here
  if (scope) {
    auto found = table.by_signing_name.find(scope->service);
    foreign = found == table.by_signing_name.end();
    if (!foreign) group = &found->second;
  }
  auto [first, rest] = base::cut(request.host(), '.');
  if (!rest.empty()) {
    auto second = base::cut(rest, '.').first;
    if (region.empty() && looks_like_region(second)) region = second;
    if (!group && !foreign) {
      auto found = table.by_host.find(first);
      if (found != table.by_host.end()) group = &found->second;
    }
  }

  auto match = table.by_target_header(request);
  if (!match) match = table.by_rpc_path(request);
  if (!match && foreign) return std::nullopt;
  if (!match) match = table.by_action(request, group);
  if (!match) match = Table::by_path(request, group ? *group : table.all);
  if (!match && group) {
    Service* service = group->services.front();
    match = Match{service, &service->model(), nullptr, service->model().protocols.front(), {}, {}};
  }
  if (match) match->region = std::move(region);
  return match;
}

Service* Router::service(std::string_view name) const {
  auto found = table_->by_name.find(name);
  return found == table_->by_name.end() ? nullptr : found->second;
}

const Operation* Router::operation(const ServiceModel& model, std::string_view name) {
  auto found = std::find_if(model.operations.begin(), model.operations.end(), [&](const Operation& o) { return o.name == name; });
  return found == model.operations.end() ? nullptr : &*found;
}

const std::vector<Service*>& Router::services() const { return table_->services; }

}  // namespace lambari::wire
