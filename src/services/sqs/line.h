// What is fast about one queue because it is in memory: which messages wait at the head, which are in flight and until when. The
// truth is the store's rows; a Line is rebuilt from them by load(), belongs to one generation of a queue, and may name messages
// that are gone: whoever takes one reads its row in the transaction that marks it as received.
//
// Memory is bounded: never more than kWindow messages are known ahead of those who ask (FIFO: kLookAhead, as AWS looks), beside
// the messages that were received and not deleted, of which kMaxInFlight are in flight and, since returned ones are given out
// first, few more exist. Everything else waits in the store and is read from there in order, each key once.
//
// A send has two steps, so that no reader of the store runs past a message whose commit is still under way: begin_sends() gives
// sequence numbers, finish_sends() tells which of them are committed. FIFO messages become visible in order of sequence.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/gate.h"
#include "services/sqs/model.h"
#include "store/store.h"

namespace lambari::sqs {

// Thread-safe. Its calls are short; those that may read a page of keys from the store say so.
class Line {
 public:
  static constexpr std::size_t kWindow = 4096;
  static constexpr std::size_t kPage = 512;
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
  static constexpr std::size_t kLookAhead = 120'000;

  Line(store::Store& store, std::uint64_t generation, bool fifo) : store_(store), generation_(generation), fifo_(fifo) {}
  Line(const Line&) = delete;

  std::uint64_t generation() const { return generation_; }
  bool fifo() const { return fifo_; }

  // Reads what was received, and where the queue ends. Called once, before anything else; may block for long. Counts at most
  // `count_at_once` messages; count_rest() counts the others, as of the same moment.
  void load(std::int64_t now, std::size_t count_at_once = 20'000);
  bool loaded() const { return loaded_.load(std::memory_order_acquire); }
  bool count_rest(std::size_t at_once = 20'000);  // false: nothing is left to count

  // ---- sending ----
  // The first of `count` sequence numbers in a row; each must be given to finish_sends().
  std::uint64_t begin_sends(std::size_t count, std::int64_t now);
  struct Sent {
    Position position;
    std::string group;
  };
  // `sent` of the numbers [first, first + count) are committed, the rest came to nothing. Wakes those who wait.
  void finish_sends(std::uint64_t first, std::size_t count, std::vector<Sent> sent, std::int64_t now);

  // ---- receiving ----
  struct Taken {
    Position position;
    std::string group;
    Receipt before;  // receives = 0: never received
  };
  // At most `limit` messages that nobody else gets until settle() or give_back(). `delay`: of a FIFO queue. May read keys.
  std::vector<Taken> take(std::size_t limit, std::int64_t now, std::int64_t delay);
  // The receipt is committed. False when the message was deleted meanwhile.
  bool settle(Position at, const Receipt& receipt);
  void give_back(const Taken& taken);  // the commit failed: as it was
  bool forget(Position at);            // the row is gone, or will be; true when it was known. removed() counts rows
  void removed(std::size_t count);

  // When something becomes visible that is not now; nothing when that only a send can do.
  std::optional<std::int64_t> next_change(std::int64_t fifo_delay);
  std::size_t in_flight(std::int64_t now);

  // ---- with a receipt handle ----
  // Of a message that was received and not deleted.
  struct Known {
    Receipt receipt;
    bool in_flight = false;
    bool busy = false;  // a receive of it is being committed
  };
  std::optional<Known> find(Position at, std::int64_t now);
  void remember(Position at, const Known& known);  // undoes forget() when the deletion was not committed
  // The new deadline is committed. False when the message was deleted, or received again, meanwhile.
  bool change_visibility(Position at, std::uint32_t receives, std::int64_t visible_at);

  struct Counts {
    std::size_t visible = 0, in_flight = 0, delayed = 0;
  };
  Counts counts(std::int64_t now, std::int64_t fifo_delay);

  // No message before it is left, but those that were received. Where a sweep may begin.
  Position head();

  async::Event arrivals;  // something may have become visible; also told when the clock is moved or the line ends

 private:
  struct Group {
    std::string id;
    std::set<std::uint64_t> ready;  // sequences that are loaded and not in flight
    std::size_t in_flight = 0;
  };
  struct Seen {
    Receipt receipt;
    bool in_flight = false, busy = false;
    Group* group = nullptr;
  };

  void expire(std::int64_t now);
  void make_ready(Position at, Seen& seen);
  Group& group(const std::string& id);
  void tend(Group& group, std::uint64_t head_before);
  void leave_flight(Position at, Seen& seen);
  std::uint64_t done_upto() const;
  void load_window(std::int64_t now);
  void load_due(std::int64_t now);
  bool load_groups();
  std::vector<Taken> take_standard(std::size_t limit, std::int64_t now);
  std::vector<Taken> take_fifo(std::size_t limit, std::int64_t now, std::int64_t delay);
  Taken take_one(Position at, const std::string& group_id, Group* group);
  void push_ready(std::uint64_t sequence, const std::string& group_id);

  store::Store& store_;
  const std::uint64_t generation_;
  const bool fifo_;
  std::atomic<bool> loaded_{false};

  std::mutex mutex_;  // guards everything below
  std::uint64_t next_sequence_ = 1;
  struct Pending {
    bool done = false;
    bool sent = false;
    std::string group;
  };
  std::map<std::uint64_t, Pending> pending_;  // sequences that were given out, up to the last whose commit is under way
  std::uint64_t cursor_ = 0;                  // messages without a delay below it are loaded
  Position due_cursor_{1, 0};                 // the same of delayed messages
  std::optional<std::int64_t> next_due_;      // the first delayed message that is not loaded
  std::size_t total_ = 0, delayed_ = 0;
  std::unique_ptr<store::Reader> uncounted_;
  std::string count_from_;

  std::unordered_map<Position, Seen, PositionHash> seen_;
  std::set<std::pair<std::int64_t, Position>> flights_;  // visible_at; busy ones are not here
  std::size_t in_flight_ = 0;                            // busy ones included
  // Standard queues.
  std::deque<Position> window_, returned_;
  bool prefer_window_ = false;
  // FIFO queues.
  std::unordered_map<std::string, std::unique_ptr<Group>> groups_;
  std::set<std::pair<std::uint64_t, Group*>> ready_groups_;  // by their first message
  std::size_t looked_at_ = 0;                                // ready messages in groups
};

}  // namespace lambari::sqs
