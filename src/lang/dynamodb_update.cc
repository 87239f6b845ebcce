#include "lang/dynamodb_update.h"

#include <algorithm>
#include <optional>

namespace lambari::lang::dynamodb {
namespace {

using Kind = UpdateOperand::Kind;

[[noreturn]] void wrong_operand() { throw UpdateError("An operand in the update expression has an incorrect data type"); }
[[noreturn]] void wrong_path() { throw UpdateError("The document path provided in the update expression is invalid for update"); }

Value evaluate(const UpdateOperand& operand, const Item& item) {
  const auto child = [&](std::size_t i) { return evaluate(operand.operands[i], item); };
  switch (operand.kind) {
    case Kind::value: return operand.value;
    case Kind::path: {
      const auto* found = find(item, operand.path);
      if (found == nullptr) throw UpdateError("The provided expression refers to an attribute that does not exist in the item");
      return *found;
    }
    case Kind::if_not_exists: {
      const auto* found = find(item, operand.operands[0].path);
      return found != nullptr ? *found : child(1);
    }
    case Kind::list_append: {
      auto first = child(0), second = child(1);
      if (first.list() == nullptr || second.list() == nullptr) wrong_operand();
      auto& list = *first.list();
      list.insert(list.end(), std::make_move_iterator(second.list()->begin()), std::make_move_iterator(second.list()->end()));
      return first;
    }
    case Kind::plus:
    case Kind::minus: {
      const auto first = child(0), second = child(1);
      if (first.number() == nullptr || second.number() == nullptr) wrong_operand();
      return {operand.kind == Kind::plus ? *first.number() + *second.number() : *first.number() - *second.number()};
    }
  }
  wrong_operand();
}

// The map or list that holds the last element of `path`; nullptr when something before it is not there.
Value* parent_of(Item& item, const Path& path) {
  const auto it = item.find(std::get<std::string>(path.front()));
  Value* at = it == item.end() ? nullptr : &it->second;
  for (std::size_t i = 1; at != nullptr && i + 1 < path.size(); ++i) {
    if (const auto* name = std::get_if<std::string>(&path[i])) {
      auto* map = at->map();
      const auto below = map != nullptr ? map->find(*name) : Map::iterator{};
      at = map != nullptr && below != map->end() ? &below->second : nullptr;
    } else {
      auto* list = at->list();
      const auto index = std::get<std::size_t>(path[i]);
      at = list != nullptr && index < list->size() ? &(*list)[index] : nullptr;
    }
  }
  return at;
}

void put(Item& item, const Path& path, Value value) {
  if (path.size() == 1) {
    item.insert_or_assign(std::get<std::string>(path.front()), std::move(value));
    return;
  }
  auto* parent = parent_of(item, path);
  if (parent == nullptr) wrong_path();
  if (const auto* name = std::get_if<std::string>(&path.back())) {
    if (parent->map() == nullptr) wrong_path();
    parent->map()->insert_or_assign(*name, std::move(value));
    return;
  }
  auto* list = parent->list();
  if (list == nullptr) wrong_path();
  const auto index = std::get<std::size_t>(path.back());
  if (index < list->size()) {
    (*list)[index] = std::move(value);
  } else {
    list->push_back(std::move(value));  // behind the end means at the end
  }
}

template <class Element>
Value with(Set<Element> set, const Set<Element>& more) {
  for (const auto& element : more.elements) {
    if (std::find(set.elements.begin(), set.elements.end(), element) == set.elements.end()) set.elements.push_back(element);
  }
  return {std::move(set)};
}

template <class Element>
Set<Element> without(Set<Element> set, const Set<Element>& less) {
  std::erase_if(set.elements, [&](const auto& element) {
    return std::find(less.elements.begin(), less.elements.end(), element) != less.elements.end();
  });
  return set;
}

Value added(const Value* old, const Value& change) {
  if (old == nullptr) return change;
  if (old->type() != change.type()) wrong_operand();
  return std::visit(
      [&]<class T>(const T& more) -> Value {
        if constexpr (std::is_same_v<T, Number>) {
          return {*old->number() + more};
        } else if constexpr (requires { more.elements; }) {
          return with(std::get<T>(old->of), more);
        } else {
          wrong_operand();
        }
      },
      change.of);
}

// Nothing when the set becomes empty: an empty set is no value.
std::optional<Value> reduced(const Value& old, const Value& change) {
  if (old.type() != change.type()) wrong_operand();
  return std::visit(
      [&]<class T>(const T& less) -> std::optional<Value> {
        if constexpr (requires { less.elements; }) {
          auto left = without(std::get<T>(old.of), less);
          if (left.elements.empty()) return std::nullopt;
          return Value{std::move(left)};
        } else {
          wrong_operand();
        }
      },
      change.of);
}

std::size_t last_index(const Path& path) {
  const auto* index = std::get_if<std::size_t>(&path.back());
  return index != nullptr ? *index : 0;
}

// Indexes are those of the lists as they were, so within a list the last go first.
void remove_all(Item& item, std::vector<Path> paths) {
  std::sort(paths.begin(), paths.end(), [](const Path& a, const Path& b) { return last_index(a) > last_index(b); });
  for (const auto& path : paths) {
    if (path.size() == 1) {
      item.erase(std::get<std::string>(path.front()));
      continue;
    }
    auto* parent = parent_of(item, path);
    if (parent == nullptr) wrong_path();
    if (const auto* name = std::get_if<std::string>(&path.back())) {
      if (parent->map() == nullptr) wrong_path();
      parent->map()->erase(*name);
    } else {
      auto* list = parent->list();
      const auto index = std::get<std::size_t>(path.back());
      if (list == nullptr) wrong_path();
      if (index < list->size()) list->erase(list->begin() + static_cast<std::ptrdiff_t>(index));
    }
  }
}

}  // namespace

void update_item(const Update& update, Item& item) {
  std::vector<Value> values;
  for (const auto& each : update.set) values.push_back(evaluate(each.operand, item));
  std::vector<std::pair<const Path*, Value>> puts;
  for (const auto& each : update.add) puts.emplace_back(&each.path, added(find(item, each.path), each.value));
  auto removes = update.remove;
  for (const auto& each : update.erase) {
    const auto* old = find(item, each.path);
    if (old == nullptr) continue;
    if (auto left = reduced(*old, each.value)) {
      puts.emplace_back(&each.path, std::move(*left));
    } else {
      removes.push_back(each.path);
    }
  }
  // In order of their indexes, so that several behind the end of a list keep theirs.
  std::vector<std::size_t> order(update.set.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return last_index(update.set[a].path) < last_index(update.set[b].path); });
  for (const auto i : order) put(item, update.set[i].path, std::move(values[i]));
  for (auto& [path, value] : puts) put(item, *path, std::move(value));
  remove_all(item, std::move(removes));
}

}  // namespace lambari::lang::dynamodb
