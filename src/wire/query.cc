#include "wire/query.h"

#include <algorithm>
#include <charconv>

#include "wire/scalar.h"

namespace lambari::wire {
namespace {

constexpr std::size_t kMaxParameters = 20'000;

class Reader {
 public:
  Reader(const Form& form, Reading& reading, bool ec2) : form_(form), reading_(reading), ec2_(ec2) {}

  void structure(const Shape& shape, void* value, const std::string& prefix, const Path& at, int depth) {
    if (depth > kMaxDepth) refuse("Request is nested too deeply");
    Presence presence(shape);
    for (const auto& member : shape.members) {
      std::string name = prefix + name_of(member);
      if (!present(member, name)) continue;
      presence.mark(member);
      read(member, member.mutate(value, member), name, Path{&at, member.name}, depth);
    }
    presence.finish(value, at, reading_);
  }

 private:
  std::string name_of(const Member& member) const {
    if (!ec2_) return std::string(member.wire_name);
    if (!member.query_name.empty()) return std::string(member.query_name);
    std::string name(member.wire_name);
    if (name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 32);
    return name;
  }

  // Where a list's elements or a map's entries are: before ".1".
  std::string items_at(const Member& member, const std::string& name) const {
    const Shape& shape = *member.shape();
    bool flat = member.flattened || shape.flattened;
    if (shape.kind == Kind::map) return flat ? name + "." : name + ".entry.";
    if (ec2_) return name + ".";
    if (!flat) return name + "." + std::string(shape.element->wire_name) + ".";
    std::string items = name + ".";
    if (form_.has_below(items) || !shape.element->has_location_name) return items;
    // Older clients name a flattened list by its element.
    auto dot = name.rfind('.');
    return (dot == std::string::npos ? std::string() : name.substr(0, dot + 1)) + std::string(shape.element->wire_name) + ".";
  }

  bool present(const Member& member, const std::string& name) const {
    switch (member.shape()->kind) {
      case Kind::list:
      case Kind::map: return form_.has_below(items_at(member, name)) || form_.find(name);
      case Kind::structure: return form_.has_below(name + ".");
      default: return form_.find(name) != nullptr;
    }
  }

  void read(const Member& member, void* value, const std::string& name, const Path& at, int depth) {
    const Shape& shape = *member.shape();
    switch (shape.kind) {
      case Kind::list: {
        std::string items = items_at(member, name);
        for (std::size_t index : form_.indices(items)) {
          reading_.count_element();
          read(*shape.element, shape.append(value), items + std::to_string(index), Path{&at, {}, index}, depth + 1);
        }
        return;
      }
      case Kind::map: {
        std::string items = items_at(member, name);
        for (std::size_t index : form_.indices(items)) {
          reading_.count_element();
          std::string entry = items + std::to_string(index) + ".";
          const std::string* key = form_.find(entry + std::string(shape.key->wire_name));
          if (!key) refuse("Map entry without a key");
          std::string item = entry + std::string(shape.element->wire_name);
          if (!present(*shape.element, item)) continue;
          read(*shape.element, shape.emplace(value, *key), item, Path{&at, *key, 0, true}, depth + 1);
        }
        return;
      }
      case Kind::structure: return structure(shape, value, name + ".", at, depth + 1);
      case Kind::document: refuse("Unexpected field type");
      default: {
        const std::string* text = form_.find(name);
        if (!text) refuse("Missing value");
        return parse_scalar(*text, member, value, TimeFormat::iso8601);
      }
    }
  }

  const Form& form_;
  Reading& reading_;
  bool ec2_;
};

}  // namespace

Form::Form(std::vector<std::pair<std::string, std::string>> pairs) : pairs_(std::move(pairs)) {
  if (pairs_.size() > kMaxParameters) refuse("Too many parameters");
  std::sort(pairs_.begin(), pairs_.end());
}

const std::string* Form::find(std::string_view name) const {
  auto after =
      std::upper_bound(pairs_.begin(), pairs_.end(), name, [](std::string_view n, const auto& pair) { return n < pair.first; });
  if (after == pairs_.begin() || std::prev(after)->first != name) return nullptr;
  return &std::prev(after)->second;
}

bool Form::has_below(std::string_view prefix) const {
  auto first =
      std::lower_bound(pairs_.begin(), pairs_.end(), prefix, [](const auto& pair, std::string_view n) { return pair.first < n; });
  return first != pairs_.end() && std::string_view(first->first).starts_with(prefix);
}

std::vector<std::size_t> Form::indices(std::string_view prefix) const {
  std::vector<std::size_t> found;
  auto at =
      std::lower_bound(pairs_.begin(), pairs_.end(), prefix, [](const auto& pair, std::string_view n) { return pair.first < n; });
  for (; at != pairs_.end() && std::string_view(at->first).starts_with(prefix); ++at) {
    auto rest = std::string_view(at->first).substr(prefix.size());
    std::size_t index = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), index);
    if (error != std::errc{} || index == 0 || (end != rest.data() + rest.size() && *end != '.')) continue;
    if (found.empty() || found.back() != index) found.push_back(index);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void read_query(const Form& form, const Shape& shape, void* value, Reading& reading, bool ec2) {
  Reader(form, reading, ec2).structure(shape, value, "", Path{}, 0);
}

}  // namespace lambari::wire
