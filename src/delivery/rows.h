// The rows of an outbox. The only place that spells its keys and bytes; README.md has them as a table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "store/key.h"
#include "store/store.h"

namespace lambari::delivery::rows {

inline constexpr std::size_t kMaxLane = 1 << 10;
inline constexpr std::size_t kMaxPayload = 8 << 20;
inline constexpr std::size_t kMaxState = 4 << 10;
inline constexpr std::size_t kInline = 4 << 10;    // a longer payload has rows of its own, which stay when the item moves
inline constexpr std::size_t kPiece = 512 * 1024;  // of such a payload

// A pending item without its longer payload.
struct Row {
  std::uint64_t id = 0;
  base::Timestamp due, added;
  unsigned attempts = 0;  // that were made
  std::string state;
  std::string payload;     // when it is short
  std::uint64_t body = 0;  // else its length
  bool operator==(const Row&) const = default;
};

// delivery/outbox, name -> the number of starts
std::string starts(std::string_view outbox);

// delivery/item, name, lane, due, id -> Row; in ordered lanes the due time of the key is 0
std::string items(std::string_view outbox);
std::string items(std::string_view outbox, std::string_view lane);
std::string item(std::string_view outbox, std::string_view lane, base::Timestamp due, std::uint64_t id);
// The lane in an item's key.
std::string lane_of(std::string_view outbox, std::string_view key);

// delivery/body, name, lane, id, piece -> bytes
std::string bodies(std::string_view outbox);
std::string bodies(std::string_view outbox, std::string_view lane);
std::string body(std::string_view outbox, std::string_view lane, std::uint64_t id);

// delivery/timer, name, timer -> lane and key of its item
std::string timers(std::string_view outbox);
std::string timer(std::string_view outbox, std::string_view name);

std::string encode(const Row& row);
// Throws std::runtime_error for bytes that are no row.
Row decode(std::string_view bytes);

// Keeps `payload` for `row`, in it or in rows of its own.
void put_payload(store::Transaction& t, std::string_view outbox, std::string_view lane, Row& row, std::string_view payload);
// Throws std::runtime_error when a piece is missing.
std::string payload(store::Reader& reader, std::string_view outbox, std::string_view lane, const Row& row);
void erase_payload(store::Transaction& t, std::string_view outbox, std::string_view lane, const Row& row);

// The next start's number.
std::uint64_t next_start(store::Transaction& t, std::string_view outbox);

}  // namespace lambari::delivery::rows
