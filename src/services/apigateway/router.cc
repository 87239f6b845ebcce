#include "services/apigateway/router.h"

#include "base/text.h"

namespace lambari::apigateway {

int RouteTable::Methods::find(std::string_view method) const {
  for (const auto& [name, index] : exact)
    if (name == method) return index;
  return any;
}

void RouteTable::Methods::add(const std::string& method, int index) {
  if (method == "ANY") {
    if (any == kNone) any = index;
    return;
  }
  for (const auto& entry : exact)
    if (entry.first == method) return;
  exact.emplace_back(method, index);
}

void RouteTable::add(const RouteKey& key, int index) {
  if (key.is_default()) {
    if (default_ == kNone) default_ = index;
    return;
  }
  Node* node = &root_;
  if (key.path != "/") {
    for (std::string_view segment : base::split(std::string_view(key.path).substr(1), '/')) {
      if (segment.starts_with('{') && segment.ends_with("+}")) {
        node->greedy.add(key.method, index);
        has_greedy_ = true;
        return;
      }
      auto& next = segment.starts_with('{') ? node->variable : node->literals[std::string(segment)];
      if (!next) next = std::make_unique<Node>();
      node = next.get();
    }
  }
  node->here.add(key.method, index);
}

const RouteTable::Node* RouteTable::literal(const Node& node, std::string_view segment) {
  if (node.literals.empty()) return nullptr;
  const auto found =
      segment.find('%') == segment.npos ? node.literals.find(segment) : node.literals.find(base::percent_decode(segment));
  return found == node.literals.end() ? nullptr : found->second.get();
}

namespace {

// Takes the next segment off `rest`; `more` says whether another follows (a trailing slash is followed by an empty one).
std::string_view take(std::string_view& rest, bool& more) {
  const auto slash = rest.find('/');
  const std::string_view segment = rest.substr(0, slash);
  more = slash != rest.npos;
  rest = more ? rest.substr(slash + 1) : std::string_view();
  return segment;
}

}  // namespace

int RouteTable::match_full(const Node& node, std::string_view rest, bool more, std::string_view method, PathValues& values) {
  if (!more) return node.here.find(method);
  const std::string_view segment = take(rest, more);
  if (const Node* next = literal(node, segment))
    if (int found = match_full(*next, rest, more, method, values); found != kNone) return found;
  if (node.variable && !segment.empty() && values.count < values.values.size()) {
    const std::size_t mark = values.count;
    values.values[values.count++] = segment;
    if (int found = match_full(*node.variable, rest, more, method, values); found != kNone) return found;
    values.count = mark;
  }
  return kNone;
}

int RouteTable::match_greedy(const Node& node, std::string_view rest, bool more, std::string_view method, PathValues& values) {
  if (!more) return kNone;
  const std::string_view all = rest;
  const std::string_view segment = take(rest, more);
  if (const Node* next = literal(node, segment))
    if (int found = match_greedy(*next, rest, more, method, values); found != kNone) return found;
  const std::size_t mark = values.count;
  if (node.variable && !segment.empty() && values.count < values.values.size()) {
    values.values[values.count++] = segment;
    if (int found = match_greedy(*node.variable, rest, more, method, values); found != kNone) return found;
    values.count = mark;
  }
  const int found = all.empty() ? kNone : node.greedy.find(method);
  if (found != kNone && values.count < values.values.size()) values.values[values.count++] = all;
  return found;
}

int RouteTable::match(std::string_view method, std::string_view path, PathValues& values) const {
  values.count = 0;
  if (path.starts_with('/')) path.remove_prefix(1);
  const bool more = !path.empty();
  if (int found = match_full(root_, path, more, method, values); found != kNone) return found;
  values.count = 0;
  if (has_greedy_)
    if (int found = match_greedy(root_, path, more, method, values); found != kNone) return found;
  values.count = 0;
  return default_;
}

}  // namespace lambari::apigateway
