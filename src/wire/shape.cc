#include "wire/shape.h"

namespace lambari::wire {

const Member* find_member(const Shape& structure, std::string_view name) {
  for (const auto& member : structure.members)
    if (member.name == name) return &member;
  return nullptr;
}

std::optional<std::string> string_member(const Shape& structure, const void* value, std::string_view name) {
  const Member* member = find_member(structure, name);
  if (!member || !value || member->shape()->kind != Kind::string) return std::nullopt;
  const void* found = member->read(value, *member);
  if (!found) return std::nullopt;
  return *static_cast<const std::string*>(found);
}

}  // namespace lambari::wire
