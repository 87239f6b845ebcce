// Plain values of the room: queues, messages, what is known of a message that was received.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "contracts/target.h"

namespace lambari::sqs {

inline constexpr std::int64_t kSecond = 1'000;
inline constexpr std::int64_t kMinute = 60 * kSecond;
inline constexpr std::int64_t kHour = 60 * kMinute;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html and quotas-fifo.html
inline constexpr std::size_t kMaxMessageBytes = 1 << 20;
inline constexpr std::size_t kMaxBatch = 10;
inline constexpr std::size_t kMaxInFlight = 120'000;  // of a queue; standard queues answer OverLimit, FIFO queues nothing
inline constexpr std::int64_t kMaxVisibility = 12 * kHour;
inline constexpr std::int64_t kMaxDelay = 15 * kMinute;
inline constexpr std::int64_t kDeduplicationWindow = 5 * kMinute;

struct QueueName {
  std::string account, region, name;
  auto operator<=>(const QueueName&) const = default;
};

struct Redrive {
  std::string dead_letter_arn;
  std::uint32_t max_receives = 0;
  bool operator==(const Redrive&) const = default;
};

enum class RedrivePermission : std::uint8_t { allow_all, deny_all, by_queue };

struct Queue {
  std::uint64_t id = 0;                                // never used again
  std::uint64_t generation = 0;                        // messages are kept below it; a purge gives a new one
  std::int64_t created = 0, modified = 0, purged = 0;  // ms

  bool fifo = false;
  std::int64_t delay = 0;  // ms, as the others
  std::int64_t retention = 4 * 24 * kHour;
  std::int64_t visibility = 30 * kSecond;
  std::int64_t wait = 0;
  std::uint32_t max_bytes = kMaxMessageBytes;
  bool content_deduplication = false;
  bool deduplicate_by_group = false;  // DeduplicationScope=messageGroup
  bool throughput_by_group = false;   // FifoThroughputLimit=perMessageGroupId
  bool managed_sse = true;
  std::string kms_key;  // empty: none
  std::uint32_t kms_reuse_seconds = 300;
  std::string policy;  // JSON; empty: none
  std::optional<Redrive> redrive;
  std::string redrive_text;  // as the user wrote it
  std::optional<RedrivePermission> redrive_permission;
  std::vector<std::string> redrive_sources;  // ARNs, when by_queue
  std::string redrive_allow_text;
  std::map<std::string, std::string> tags;

  bool sealed() const { return managed_sse || !kms_key.empty(); }
};

// Where a message is in its queue. Keys sort as positions do: first what was sent without a delay, in order of sequence;
// then what was delayed, in the order in which it becomes due.
struct Position {
  std::uint64_t due = 0;       // ms since the epoch when it becomes visible; 0: at once
  std::uint64_t sequence = 0;  // ms of sending << kSequenceBits, and a counter
  auto operator<=>(const Position&) const = default;
};
inline constexpr unsigned kSequenceBits = 20;
inline std::int64_t sent_of(std::uint64_t sequence) { return static_cast<std::int64_t>(sequence >> kSequenceBits); }

struct PositionHash {
  std::size_t operator()(const Position& at) const { return (at.due * 0x9E3779B97F4A7C15ULL) ^ at.sequence; }
};

using Attributes = std::map<std::string, contracts::MessageAttribute>;

struct Message {
  std::string id;  // as a UUID is written
  std::int64_t sent = 0;
  std::string sender;  // SenderId
  std::string group, deduplication_id, trace_header;
  std::string dead_letter_source;     // ARN of the queue that it was moved from
  std::uint32_t receives_before = 0;  // in queues where it was earlier
  bool moved = false;                 // its `sent` may be older than its position says: keys::moved has it
  std::string body;
  Attributes attributes;
};

// What is durable of a message that was received at least once.
struct Receipt {
  std::uint32_t receives = 0;
  std::int64_t first = 0, last = 0;  // times of receiving
  std::int64_t visible_at = 0;
  bool plain = true;  // no row but the message's own goes with it: no blob, not moved
  std::string group;  // FIFO queues
};

struct MoveTask {
  enum class Status : std::uint8_t { running, completed, cancelling, cancelled, failed };
  std::string source, destination;  // ARNs; destination empty: back to where each message came from
  std::int32_t per_second = 0;      // 0: as fast as it goes
  std::int64_t started = 0;
  std::int64_t moved = 0, to_move = 0;
  Status status = Status::running;
  std::string failure;
};

}  // namespace lambari::sqs
