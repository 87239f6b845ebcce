#include "lang/dynamodb_path.h"

#include <algorithm>
#include <memory>

namespace lambari::lang::dynamodb {
namespace {

const Value* step(const Value& value, const PathElement& element) {
  if (const auto* name = std::get_if<std::string>(&element)) {
    const auto* map = value.map();
    if (map == nullptr) return nullptr;
    const auto it = map->find(*name);
    return it == map->end() ? nullptr : &it->second;
  }
  const auto* list = value.list();
  const auto index = std::get<std::size_t>(element);
  return list != nullptr && index < list->size() ? &(*list)[index] : nullptr;
}

// The paths as a tree: what is asked for below each place.
struct Wanted {
  bool all = false;
  std::map<std::string, Wanted, std::less<>> names;
  std::map<std::size_t, Wanted> indexes;
};

std::optional<Value> cut(const Value& value, const Wanted& wanted) {
  if (wanted.all) return value;
  if (const auto* map = value.map(); map != nullptr && !wanted.names.empty()) {
    Map out;
    for (const auto& [name, below] : wanted.names) {
      const auto it = map->find(name);
      if (it == map->end()) continue;
      if (auto part = cut(it->second, below)) out.emplace(name, std::move(*part));
    }
    if (out.empty()) return std::nullopt;
    return Value{std::move(out)};
  }
  if (const auto* list = value.list(); list != nullptr && !wanted.indexes.empty()) {
    List out;
    for (const auto& [index, below] : wanted.indexes) {
      if (index >= list->size()) break;
      if (auto part = cut((*list)[index], below)) out.push_back(std::move(*part));
    }
    if (out.empty()) return std::nullopt;
    return Value{std::move(out)};
  }
  return std::nullopt;
}

}  // namespace

std::string text_of(const Path& path) {
  std::string out = "[";
  for (const auto& element : path) {
    if (out.size() > 1) out += ", ";
    if (const auto* name = std::get_if<std::string>(&element)) {
      out += *name;
    } else {
      out += "[" + std::to_string(std::get<std::size_t>(element)) + "]";
    }
  }
  return out + "]";
}

const Value* find(const Item& item, const Path& path) {
  const auto it = item.find(std::get<std::string>(path.front()));
  const Value* at = it == item.end() ? nullptr : &it->second;
  for (std::size_t i = 1; at != nullptr && i < path.size(); ++i) at = step(*at, path[i]);
  return at;
}

Clash clash(const Path& a, const Path& b) {
  const auto common = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (a[i].index() != b[i].index()) return Clash::conflict;
    if (a[i] != b[i]) return Clash::none;
  }
  return Clash::overlap;
}

Item project(const Item& item, const std::vector<Path>& paths) {
  Wanted root;
  for (const auto& path : paths) {
    auto* at = &root;
    for (const auto& element : path) {
      if (const auto* name = std::get_if<std::string>(&element)) {
        at = &at->names[*name];
      } else {
        at = &at->indexes[std::get<std::size_t>(element)];
      }
    }
    at->all = true;
  }
  Item out;
  for (const auto& [name, below] : root.names) {
    const auto it = item.find(name);
    if (it == item.end()) continue;
    if (auto part = cut(it->second, below)) out.emplace(name, std::move(*part));
  }
  return out;
}

}  // namespace lambari::lang::dynamodb
