// What the readers of all protocols share: how deep they go, which required members they missed, and how they refuse.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/fault.h"
#include "wire/shape.h"

namespace lambari::wire {

// Deeper requests are refused; AWS's own services stop at 32 or less.
inline constexpr int kMaxDepth = 64;
// More elements in one request than any service allows; stops a small body that describes a huge value.
inline constexpr std::size_t kMaxElements = 1'000'000;

[[noreturn]] void refuse(std::string_view why);  // SerializationException, 400

// Where in the request we are: a list of frames on the stack, spelled out only when something is wrong there.
struct Path {
  const Path* parent = nullptr;
  std::string_view name = {};  // of a member or a map's key
  std::size_t index = 0;       // of a list's element, from 1
  bool verbatim = false;       // a map's key: not decapitalised

  std::string text() const;  // "tags.1.member.key", first letters lowered as AWS does
};

// No message lists more broken constraints, and looking a path up among them stays cheap.
inline constexpr std::size_t kMaxReported = 100;

// Gathered while one request is read.
struct Reading {
  std::vector<std::string> missing;  // paths of required members that were absent; the first kMaxReported
  std::size_t elements = 0;
  void count_element() {
    if (++elements > kMaxElements) refuse("Too many elements");
  }
};

// Which members of one structure were present. finish() notes what is missing and makes idempotency tokens.
class Presence {
 public:
  explicit Presence(const Shape& shape) : shape_(shape) {
    if (shape.members.size() > kInline * 64) more_.resize((shape.members.size() + 63) / 64);
  }
  void mark(const Member& member) {
    auto index = static_cast<std::size_t>(&member - shape_.members.data());
    if (has(index)) refuse("Duplicate field");
    words()[index / 64] |= 1ULL << (index % 64);
    ++count_;
  }
  bool has(std::size_t index) const { return (const_cast<Presence*>(this)->words()[index / 64] >> (index % 64)) & 1; }
  void finish(void* value, const Path& at, Reading& reading) const;

 private:
  static constexpr std::size_t kInline = 2;
  std::uint64_t* words() { return more_.empty() ? few_.data() : more_.data(); }
  const Shape& shape_;
  std::array<std::uint64_t, kInline> few_{};
  std::vector<std::uint64_t> more_;
  std::size_t count_ = 0;
};

// Finds members by wire name; fast when asked in the order of the model.
class MemberFinder {
 public:
  explicit MemberFinder(const Shape& shape) : members_(shape.members) {}
  template <class Matches>
  const Member* find(Matches matches) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      std::size_t at = next_ + i < members_.size() ? next_ + i : next_ + i - members_.size();
      if (matches(members_[at])) {
        next_ = at + 1 < members_.size() ? at + 1 : 0;
        return &members_[at];
      }
    }
    return nullptr;
  }

 private:
  std::span<const Member> members_;
  std::size_t next_ = 0;
};

}  // namespace lambari::wire
