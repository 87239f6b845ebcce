#include "lang/event_index.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace lambari::lang::event {
namespace {

using Kind = Condition::Kind;

constexpr std::size_t kFewRanges = 32;

// First bytes of keys, by kind.
constexpr char kExact = 'e', kPrefix = 'p', kSuffix = 's', kFoldEqual = 'E', kFoldPrefix = 'P', kFoldSuffix = 'S',
               kNetwork4 = '4', kNetwork6 = '6', kAligned = 'r', kExists = 'x';

// Sorts as the number does.
std::uint64_t ordered(double number) {
  const auto bits = std::bit_cast<std::uint64_t>(number == 0 ? 0.0 : number);
  return bits >> 63 ? ~bits : bits | std::uint64_t(1) << 63;
}

std::string aligned_key(std::uint64_t bits, unsigned length) {
  std::string key(1, kAligned);
  key += static_cast<char>(length);
  if (length == 0) return key;
  bits >>= 64 - length;
  for (unsigned i = 0; i < 8; ++i) key += static_cast<char>(bits >> (8 * i));
  return key;
}

// The fewest aligned ranges that make up low..high.
void cover(std::uint64_t low, std::uint64_t high, std::vector<std::string>& keys) {
  if (low > high) return;  // nothing lies between two neighbours
  while (true) {
    unsigned free = low == 0 ? 64 : static_cast<unsigned>(std::countr_zero(low));
    while (free > 0 && (free == 64 ? ~std::uint64_t(0) : (std::uint64_t(1) << free) - 1) > high - low) --free;
    keys.push_back(aligned_key(low, 64 - free));
    const std::uint64_t size = free == 64 ? 0 : std::uint64_t(1) << free;
    if (size == 0 || high - low < size) return;  // high - low == size - 1: done
    low += size;
  }
}

std::string network_key(std::string_view address, unsigned bits) {
  std::string key(1, address.size() == 4 ? kNetwork4 : kNetwork6);
  key += static_cast<char>(bits);
  key += address.substr(0, bits / 8);
  if (bits % 8 != 0) key += static_cast<char>(static_cast<unsigned char>(address[bits / 8]) & (0xFF00 >> bits % 8));
  return key;
}

std::uint32_t length_of(const std::string& key) {
  switch (key[0]) {
    case kNetwork4:
    case kNetwork6:
    case kAligned: return static_cast<unsigned char>(key[1]);
    default: return static_cast<std::uint32_t>(key.size() - 1);
  }
}

bool counted(char kind) { return kind != kExact && kind != kFoldEqual && kind != kExists; }

}  // namespace

std::vector<std::string> Index::keys(const Condition& c) const {
  switch (c.kind) {
    case Kind::exact: return {kExact + c.text};
    case Kind::prefix: return {kPrefix + c.text};
    case Kind::suffix: return {kSuffix + c.text};
    case Kind::fold_equal: return {kFoldEqual + c.text};
    case Kind::fold_prefix: return {kFoldPrefix + c.text};
    case Kind::fold_suffix: return {kFoldSuffix + c.text};
    case Kind::exists: return {std::string(1, kExists)};
    case Kind::cidr: return {network_key(c.text, c.bits)};
    case Kind::range: {
      std::vector<std::string> all;
      cover(ordered(c.low) + (c.low_open ? 1 : 0), ordered(c.high) - (c.high_open ? 1 : 0), all);
      return all;
    }
    case Kind::glob: {
      const auto& pieces = c.globs[0].pieces;
      if (!pieces.front().empty()) return {kPrefix + pieces.front()};
      if (!pieces.back().empty()) return {kSuffix + pieces.back()};
      return {};
    }
    default: return {};
  }
}

void Index::add(const Condition& condition, Edge* edge) {
  if (condition.kind == Kind::absent) return;
  if (condition.kind == Kind::range && !many_ranges_) {
    ranges_.push_back({&condition, edge});
    if (ranges_.size() <= kFewRanges) return;
    many_ranges_ = true;
    for (const auto& range : std::exchange(ranges_, {})) add(*range.condition, range.edge);
    return;
  }
  const auto all = keys(condition);
  if (all.empty()) scanned_.push_back({&condition, edge});
  for (const auto& key : all) post(key, {edge, condition.kind == Kind::glob ? &condition : nullptr});
}

void Index::remove(const Condition& condition, Edge* edge) {
  auto erase = [&](std::vector<Range>& from) {
    auto found =
        std::find_if(from.begin(), from.end(), [&](const Range& r) { return r.edge == edge && r.condition == &condition; });
    if (found == from.end()) return;
    *found = from.back();
    from.pop_back();
  };
  if (condition.kind == Kind::absent) return;
  if (condition.kind == Kind::range && !many_ranges_) return erase(ranges_);
  const auto all = keys(condition);
  if (all.empty()) erase(scanned_);
  for (const auto& key : all) drop(key, edge, condition);
}

void Index::post(const std::string& key, Entry entry) {
  auto& list = entries_[key];
  if (list.empty()) count(key, 1);
  list.push_back(entry);
}

void Index::drop(const std::string& key, const Edge* edge, const Condition& condition) {
  auto list = entries_.find(key);
  if (list == entries_.end()) return;
  auto& all = list->second;
  const Condition* verify = condition.kind == Kind::glob ? &condition : nullptr;
  auto found = std::find_if(all.begin(), all.end(), [&](const Entry& e) { return e.edge == edge && e.verify == verify; });
  if (found == all.end()) return;
  *found = all.back();
  all.pop_back();
  if (!all.empty()) return;
  entries_.erase(list);
  count(key, -1);
}

void Index::count(const std::string& key, int by) {
  if (!counted(key[0])) return;
  auto& lengths = lengths_[key[0]];
  auto& number = lengths[length_of(key)];
  number += static_cast<std::uint32_t>(by);
  if (number == 0) lengths.erase(length_of(key));
  if (lengths.empty()) lengths_.erase(key[0]);
}

void Index::look(std::string_view key, const Scalar& value, std::vector<Edge*>& out) const {
  auto list = entries_.find(key);
  if (list == entries_.end()) return;
  for (const auto& entry : list->second)
    if (entry.verify == nullptr || entry.verify->matches(value)) out.push_back(entry.edge);
}

void Index::find(const Scalar& value, std::vector<Edge*>& out) const {
  if (!entries_.empty()) {
    look(kExact + exact_key(value), value, out);
    look(std::string_view(&kExists, 1), value, out);
  }
  if (value.type == Scalar::Type::text && !entries_.empty()) {
    const std::string folded = fold_case(value.text);
    look(kFoldEqual + folded, value, out);
    std::optional<std::string> address;
    for (const auto& [kind, lengths] : lengths_) {
      if ((kind == kNetwork4 || kind == kNetwork6) && !address) address = address_bytes(value.text).value_or("");
      for (const auto& [length, number] : lengths) {
        const std::string_view text = kind == kPrefix || kind == kSuffix ? value.text : std::string_view(folded);
        if (kind == kPrefix || kind == kFoldPrefix) {
          if (length > text.size()) break;
          look(kind + std::string(text.substr(0, length)), value, out);
        } else if (kind == kSuffix || kind == kFoldSuffix) {
          if (length > text.size()) break;
          look(kind + std::string(text.substr(text.size() - length)), value, out);
        } else if ((kind == kNetwork4 && address->size() == 4) || (kind == kNetwork6 && address->size() == 16)) {
          look(network_key(*address, length), value, out);
        }
      }
    }
  }
  if (value.type == Scalar::Type::number) {
    if (auto lengths = lengths_.find(kAligned); lengths != lengths_.end())
      for (const auto& [length, number] : lengths->second) look(aligned_key(ordered(value.number), length), value, out);
    for (const auto& range : ranges_)
      if (range.condition->matches(value)) out.push_back(range.edge);
  }
  for (const auto& one : scanned_)
    if (one.condition->matches(value)) out.push_back(one.edge);
}

}  // namespace lambari::lang::event
