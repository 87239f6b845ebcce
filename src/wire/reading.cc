#include "wire/reading.h"

#include "base/ids.h"

namespace lambari::wire {

void refuse(std::string_view why) { throw Fault("SerializationException", std::string(why), 400); }

std::string Path::text() const {
  std::string out = parent ? parent->text() : std::string();
  if (name.empty() && index == 0) return out;
  if (!out.empty()) out += '.';
  if (index != 0) return out += std::to_string(index) + ".member";
  if (verbatim) return out += std::string(name) + ".member";
  std::size_t at = out.size();
  out += name;
  if (out[at] >= 'A' && out[at] <= 'Z') out[at] = static_cast<char>(out[at] + 32);
  return out;
}

void Presence::finish(void* value, const Path& at, Reading& reading) const {
  if (shape_.is_union && count_ != 1) refuse("Unions must have exactly one member set");
  for (std::size_t i = 0; i < shape_.members.size(); ++i) {
    const Member& member = shape_.members[i];
    if (has(i)) continue;
    if (member.idempotency_token && member.shape()->kind == Kind::string) {
      *static_cast<std::string*>(member.mutate(value, member)) = base::uuid();
    } else if (member.required && reading.missing.size() < kMaxReported) {
      reading.missing.push_back(Path{&at, member.name}.text());
    }
  }
}

}  // namespace lambari::wire
