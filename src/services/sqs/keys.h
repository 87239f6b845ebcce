// The only place that spells the keys of this room.
//
//   sqs/queue    account region name               -> Queue
//   sqs/source   dead-letter-queue source-account source-region source-name -> ""   (dead-letter-queue: its ARN)
//   sqs/deleted  account region name               -> time of deletion, decimal ms
//   sqs/key      account                           -> the data key that seals messages
//   sqs/live     generation                        -> ""   while the generation is a queue's own: every commit to it reads this
//   row sqs/message  generation due sequence group     -> Message        (group: empty in standard queues) sqs/receipt generation
//   due sequence           -> Receipt        of a message that was received sqs/moved    generation sent due sequence group -> ""
//   of a message that is older than its position says sqs/once     generation period kind text       -> what was done under this
//   id. period: five minutes, counted from the epoch sqs/blob     generation hash                    -> ""            of a
//   message whose content is in a blob sqs/dead     generation                         -> ""            what is left of its blobs
//   is to be removed sqs/task     account region source-name started -> MoveTask
#pragma once

#include <string>
#include <string_view>

#include "services/sqs/model.h"
#include "store/key.h"
#include "store/store.h"

namespace lambari::sqs::keys {

inline constexpr std::string_view kTables[] = {"sqs/queue",   "sqs/source", "sqs/deleted", "sqs/key",  "sqs/live", "sqs/message",
                                               "sqs/receipt", "sqs/moved",  "sqs/once",    "sqs/task", "sqs/blob", "sqs/dead"};

inline std::string queues() { return store::Key("sqs/queue").str(); }
inline std::string queues(std::string_view account, std::string_view region) {
  return store::Key("sqs/queue").text(account).text(region).str();
}
inline std::string queue(const QueueName& name) {
  return store::Key("sqs/queue").text(name.account).text(name.region).text(name.name).str();
}
bool read_queue(std::string_view key, QueueName& out);

inline std::string sources(std::string_view dead_letter_arn) { return store::Key("sqs/source").text(dead_letter_arn).str(); }
inline std::string source(std::string_view dead_letter_arn, const QueueName& source) {
  return store::Key("sqs/source").text(dead_letter_arn).text(source.account).text(source.region).text(source.name).str();
}
bool read_source(std::string_view key, QueueName& out);

inline std::string deleted() { return store::Key("sqs/deleted").str(); }
inline std::string deleted(const QueueName& name) {
  return store::Key("sqs/deleted").text(name.account).text(name.region).text(name.name).str();
}

inline std::string data_key(std::string_view account) { return store::Key("sqs/key").text(account).str(); }

inline std::string live(std::uint64_t generation) { return store::Key("sqs/live").number(generation).str(); }

inline std::string messages(std::uint64_t generation) { return store::Key("sqs/message").number(generation).str(); }
// The least key at or after `at`.
inline std::string message(std::uint64_t generation, Position at) {
  return store::Key("sqs/message").number(generation).number(at.due).number(at.sequence).str();
}
inline std::string message(std::uint64_t generation, Position at, std::string_view group) {
  return store::Key("sqs/message").number(generation).number(at.due).number(at.sequence).text(group).str();
}
bool read_message(std::string_view key, Position& at, std::string& group);

inline std::string receipts(std::uint64_t generation) { return store::Key("sqs/receipt").number(generation).str(); }
inline std::string receipt(std::uint64_t generation, Position at) {
  return store::Key("sqs/receipt").number(generation).number(at.due).number(at.sequence).str();
}
bool read_receipt(std::string_view key, Position& at);

inline std::string moved(std::uint64_t generation) { return store::Key("sqs/moved").number(generation).str(); }
inline std::string moved(std::uint64_t generation, std::int64_t sent) {
  return store::Key("sqs/moved").number(generation).signed_number(sent).str();
}
inline std::string moved(std::uint64_t generation, std::int64_t sent, Position at, std::string_view group) {
  return store::Key("sqs/moved").number(generation).signed_number(sent).number(at.due).number(at.sequence).text(group).str();
}
bool read_moved(std::string_view key, std::int64_t& sent, Position& at, std::string& group);

// kind: "send" (deduplication; text: scope and id) or "receive" (attempt id)
inline std::string once(std::uint64_t generation) { return store::Key("sqs/once").number(generation).str(); }
inline std::string once(std::uint64_t generation, std::uint64_t period) {
  return store::Key("sqs/once").number(generation).number(period).str();
}
inline std::string once(std::uint64_t generation, std::uint64_t period, std::string_view kind, std::string_view group,
                        std::string_view id) {
  return store::Key("sqs/once").number(generation).number(period).text(kind).text(group).text(id).str();
}

inline std::string blobs() { return store::Key("sqs/blob").str(); }
inline std::string blobs(std::uint64_t generation) { return store::Key("sqs/blob").number(generation).str(); }
inline std::string blob(std::uint64_t generation, std::string_view hash) {
  return store::Key("sqs/blob").number(generation).text(hash).str();
}
bool read_blob(std::string_view key, std::string& hash);

inline std::string dead() { return store::Key("sqs/dead").str(); }
inline std::string dead(std::uint64_t generation) { return store::Key("sqs/dead").number(generation).str(); }
bool read_dead(std::string_view key, std::uint64_t& generation);

inline std::string tasks() { return store::Key("sqs/task").str(); }
inline std::string tasks(const QueueName& source) {
  return store::Key("sqs/task").text(source.account).text(source.region).text(source.name).str();
}
inline std::string task(const QueueName& source, std::int64_t started) {
  return store::Key("sqs/task").text(source.account).text(source.region).text(source.name).signed_number(started).str();
}
bool read_task(std::string_view key, QueueName& source, std::int64_t& started);

// The least key after `key`.
inline std::string after(std::string key) {
  key.push_back('\0');
  return key;
}

}  // namespace lambari::sqs::keys
