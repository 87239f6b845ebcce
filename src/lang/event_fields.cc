#include "lang/event_fields.h"

#include <algorithm>

namespace lambari::lang::event {

PathId Paths::add(std::string_view path) {
  for (auto dot = path.find('.'); dot != path.npos; dot = path.find('.', dot + 1))
    ++entries_[std::string(path.substr(0, dot))].passages;
  auto& entry = entries_[std::string(path)];
  if (entry.fields++ == 0) entry.id = next_++;
  return entry.id;
}

void Paths::remove(std::string_view path) {
  auto drop = [&](std::string_view part, bool field) {
    auto found = entries_.find(part);
    --(field ? found->second.fields : found->second.passages);
    if (found->second.fields == 0 && found->second.passages == 0) entries_.erase(found);
  };
  for (auto dot = path.find('.'); dot != path.npos; dot = path.find('.', dot + 1)) drop(path.substr(0, dot), false);
  drop(path, true);
}

const Paths::Entry* Paths::find(std::string_view path) const {
  auto found = entries_.find(path);
  return found == entries_.end() ? nullptr : &found->second;
}

bool merge(const Place& a, const Place& b, Place& out) {
  out.clear();
  auto x = a.begin(), y = b.begin();
  while (x != a.end() || y != b.end()) {
    if (y == b.end() || (x != a.end() && x->first < y->first)) {
      out.push_back(*x++);
    } else if (x == a.end() || y->first < x->first) {
      out.push_back(*y++);
    } else {
      if (x->second != y->second) return false;
      out.push_back(*x++);
      ++y;
    }
  }
  return true;
}

Values::Values(const base::json::value& event, const Paths& paths) : paths_(paths) {
  std::string path;
  if (event.is_object()) object(event.get_object(), path, {});
  std::sort(values_.begin(), values_.end(), [](const Value& a, const Value& b) { return a.path < b.path; });
  for (std::size_t i = 1; i < values_.size() && plain_; ++i) plain_ = values_[i - 1].path != values_[i].path;
}

std::pair<const Value*, const Value*> Values::at(PathId path) const {
  auto low = std::lower_bound(values_.begin(), values_.end(), path, [](const Value& v, PathId p) { return v.path < p; });
  auto high = low;
  while (high != values_.end() && high->path == path) ++high;
  return {values_.data() + (low - values_.begin()), values_.data() + (high - values_.begin())};
}

void Values::object(const base::json::object& object, std::string& path, const Place& place) {
  const std::size_t length = path.size();
  for (const auto& member : object) {
    if (length > 0) path += '.';
    path.append(member.key().data(), member.key().size());
    if (const auto* entry = paths_.find(path)) element(member.value(), path, place, *entry);
    path.resize(length);
  }
}

void Values::element(const base::json::value& value, std::string& path, const Place& place, const Paths::Entry& entry) {
  if (value.is_object()) {
    if (entry.passages > 0) object(value.get_object(), path, place);
  } else if (value.is_array()) {
    const std::uint32_t array = arrays_++;
    std::uint32_t index = 0;
    for (const auto& item : value.get_array()) {
      if (item.is_object() || item.is_array()) {
        Place inner = place;
        inner.emplace_back(array, index);
        element(item, path, inner, entry);
      } else {
        element(item, path, place, entry);
      }
      ++index;
    }
  } else if (entry.fields > 0) {
    values_.push_back({entry.id, *scalar_of(value), place});
  }
}

}  // namespace lambari::lang::event
