#include "services/sqs/line.h"

#include "services/sqs/keys.h"
#include "services/sqs/rows.h"

namespace lambari::sqs {

namespace {

constexpr std::size_t kReturnedFirst = 10'000;  // so many returned messages are given out before any other
constexpr std::size_t kReceiptsAtOnce = 4096;
constexpr std::uint64_t kNoHead = 0;

}  // namespace

void Line::load(std::int64_t now, std::size_t count_at_once) {
  std::lock_guard lock(mutex_);
  if (loaded_) return;
  auto reader = store_.read();
  auto range = store::prefix_range(keys::receipts(generation_));
  for (;;) {
    auto rows = reader->scan(range, kReceiptsAtOnce);
    for (const auto& row : rows) {
      Position at;
      if (!keys::read_receipt(row.key, at)) continue;
      auto& seen = seen_[at];
      seen.receipt = decode_receipt(row.value);
      if (fifo_) seen.group = &group(seen.receipt.group);
      if (seen.receipt.visible_at > now) {
        seen.in_flight = true;
        ++in_flight_;
        if (seen.group) ++seen.group->in_flight;
        flights_.emplace(seen.receipt.visible_at, at);
      }
    }
    if (rows.size() < kReceiptsAtOnce) break;
    range.begin = keys::after(rows.back().key);
  }
  // After every receipt is known, so that no group opens while a later message of it is in flight.
  std::vector<Position> returned;
  for (auto& [at, seen] : seen_)
    if (!seen.in_flight) returned.push_back(at);
  std::ranges::sort(returned);
  for (const auto at : returned) make_ready(at, seen_[at]);

  const auto end = keys::message(generation_, {1, 0});
  auto last = reader->scan({keys::messages(generation_), end}, 1, store::Order::descending);
  Position at;
  std::string ignored;
  if (!last.empty() && keys::read_message(last[0].key, at, ignored)) next_sequence_ = at.sequence + 1;
  for (const auto& [position, seen] : seen_)
    if (position.sequence >= next_sequence_) next_sequence_ = position.sequence + 1;

  if (last.empty()) cursor_ = next_sequence_;  // nothing is there to be read

  auto first_due = reader->keys({end, store::prefix_range(keys::messages(generation_)).end}, 1);
  if (!first_due.empty() && keys::read_message(first_due[0], at, ignored)) next_due_ = static_cast<std::int64_t>(at.due);

  uncounted_ = std::move(reader);
  count_from_ = keys::messages(generation_);
  loaded_ = true;
  auto keys = uncounted_->keys({count_from_, store::prefix_range(keys::messages(generation_)).end}, count_at_once);
  for (const auto& key : keys) {
    ++total_;
    if (keys::read_message(key, at, ignored) && at.due > static_cast<std::uint64_t>(now)) ++delayed_;
  }
  if (keys.size() < count_at_once) {
    uncounted_.reset();
  } else {
    count_from_ = keys::after(keys.back());
  }
}

bool Line::count_rest(std::size_t at_once) {
  std::unique_ptr<store::Reader> reader;
  std::string from;
  {
    std::lock_guard lock(mutex_);
    if (!uncounted_) return false;
    reader = std::move(uncounted_);
    from = count_from_;
  }
  auto keys = reader->keys({from, store::prefix_range(keys::messages(generation_)).end}, at_once);
  std::lock_guard lock(mutex_);
  total_ += keys.size();
  if (keys.size() < at_once) return false;
  uncounted_ = std::move(reader);
  count_from_ = keys::after(keys.back());
  return true;
}

// ---- sending ----

std::uint64_t Line::begin_sends(std::size_t count, std::int64_t now) {
  std::lock_guard lock(mutex_);
  const auto first = std::max(next_sequence_, static_cast<std::uint64_t>(now) << kSequenceBits);
  if (pending_.empty() && cursor_ >= next_sequence_) cursor_ = first;  // between the two there is nothing to read
  for (std::size_t i = 0; i < count; ++i) pending_.emplace_hint(pending_.end(), first + i, Pending{});
  next_sequence_ = first + count;
  return first;
}

// Below it every send is decided.
std::uint64_t Line::done_upto() const { return pending_.empty() ? next_sequence_ : pending_.begin()->first; }

void Line::finish_sends(std::uint64_t first, std::size_t count, std::vector<Sent> sent, std::int64_t now) {
  std::size_t wake = 0;
  bool due_sooner = false;
  {
    std::lock_guard lock(mutex_);
    // Everything up to here is in the window: what comes now need not be read from the store.
    const bool complete = cursor_ >= done_upto();
    total_ += sent.size();
    for (auto& [at, group_id] : sent) {
      if (at.due > 0) {
        const auto due = static_cast<std::int64_t>(at.due);
        if (due > now) ++delayed_;
        if (at < due_cursor_) due_cursor_ = at;  // the clock went back
        if (!next_due_ || due < *next_due_) {
          next_due_ = due;
          due_sooner = true;
        }
      } else if (fifo_) {
        auto& pending = pending_[at.sequence];
        pending.sent = true;
        pending.group = std::move(group_id);
      } else {
        ++wake;
        if (complete && window_.size() < kWindow) {
          window_.push_back(at);
        }
      }
    }
    const bool stays_complete = complete && (fifo_ ? looked_at_ < kLookAhead : window_.size() < kWindow);
    for (std::size_t i = 0; i < count; ++i) pending_[first + i].done = true;
    while (!pending_.empty() && pending_.begin()->second.done) {
      auto& [sequence, pending] = *pending_.begin();
      if (pending.sent) {
        if (stays_complete) push_ready(sequence, pending.group);
        ++wake;
      }
      pending_.erase(pending_.begin());
    }
    if (stays_complete) cursor_ = std::max(cursor_, done_upto());
  }
  if (due_sooner) {
    arrivals.notify_all();
  } else {
    for (std::size_t i = 0; i < wake; ++i) arrivals.notify_one();
  }
}

// ---- groups of FIFO queues ----

Line::Group& Line::group(const std::string& id) {
  auto& slot = groups_[id];
  if (!slot) {
    slot = std::make_unique<Group>();
    slot->id = id;
  }
  return *slot;
}

// Keeps ready_groups_ in step after a change of `group`, which may end here. `head_before`: of its entry there, kNoHead: none.
void Line::tend(Group& group, std::uint64_t head_before) {
  const auto head = group.in_flight == 0 && !group.ready.empty() ? *group.ready.begin() : kNoHead;
  if (head != head_before) {
    if (head_before != kNoHead) ready_groups_.erase({head_before, &group});
    if (head != kNoHead) ready_groups_.emplace(head, &group);
  }
  if (group.ready.empty() && group.in_flight == 0) groups_.erase(std::string(group.id));
}

void Line::push_ready(std::uint64_t sequence, const std::string& group_id) {
  auto& group = this->group(group_id);
  const auto before = group.in_flight == 0 && !group.ready.empty() ? *group.ready.begin() : kNoHead;
  if (group.ready.insert(sequence).second) ++looked_at_;
  tend(group, before);
}

// ---- flights ----

void Line::make_ready(Position at, Seen& seen) {
  if (fifo_) {
    push_ready(at.sequence, seen.group->id);
  } else {
    returned_.push_back(at);
  }
}

void Line::leave_flight(Position at, Seen& seen) {
  if (!seen.in_flight) return;
  seen.in_flight = false;
  --in_flight_;
  if (!seen.busy) flights_.erase({seen.receipt.visible_at, at});
  seen.busy = false;
}

void Line::expire(std::int64_t now) {
  while (!flights_.empty() && flights_.begin()->first <= now) {
    const auto at = flights_.begin()->second;
    auto& seen = seen_.at(at);
    leave_flight(at, seen);
    if (fifo_) {
      // In before the group's flight ends, so that the group opens with it in its place.
      auto& group = *seen.group;
      if (group.ready.insert(at.sequence).second) ++looked_at_;
      --group.in_flight;
      tend(group, kNoHead);
    } else {
      returned_.push_back(at);
    }
  }
}

// ---- the store ----

void Line::load_due(std::int64_t now) {
  if (!next_due_ || *next_due_ > now || window_.size() >= kWindow) return;
  const auto end = keys::message(generation_, {static_cast<std::uint64_t>(now) + 1, 0});
  auto reader = store_.read();
  auto keys = reader->keys({keys::message(generation_, due_cursor_), end}, kPage);
  for (const auto& key : keys) {
    Position at;
    std::string ignored;
    if (!keys::read_message(key, at, ignored)) continue;
    window_.push_back(at);
    due_cursor_ = {at.due, at.sequence + 1};
    if (delayed_ > 0) --delayed_;
  }
  auto next = reader->keys({keys::message(generation_, due_cursor_), store::prefix_range(keys::messages(generation_)).end}, 1);
  Position at;
  std::string ignored;
  next_due_.reset();
  if (!next.empty() && keys::read_message(next[0], at, ignored)) next_due_ = static_cast<std::int64_t>(at.due);
}

void Line::load_window(std::int64_t now) {
  load_due(now);
  const auto upto = done_upto();
  if (window_.size() >= kPage / 8 || cursor_ >= upto) return;
  auto keys = store_.read()->keys({keys::message(generation_, {0, cursor_}), keys::message(generation_, {0, upto})}, kPage);
  for (const auto& key : keys) {
    Position at;
    std::string ignored;
    if (!keys::read_message(key, at, ignored)) continue;
    cursor_ = at.sequence + 1;
    if (!seen_.contains(at)) window_.push_back(at);
  }
  if (keys.size() < kPage) cursor_ = upto;
}

// One more page of messages into their groups; false when there is none.
bool Line::load_groups() {
  const auto upto = done_upto();
  if (cursor_ >= upto || looked_at_ >= kLookAhead) return false;
  auto keys = store_.read()->keys({keys::message(generation_, {0, cursor_}), keys::message(generation_, {0, upto})}, kPage);
  for (const auto& key : keys) {
    Position at;
    std::string group_id;
    if (!keys::read_message(key, at, group_id)) continue;
    cursor_ = at.sequence + 1;
    if (!seen_.contains(at)) push_ready(at.sequence, group_id);
  }
  if (keys.size() < kPage) cursor_ = upto;
  return true;
}

// ---- receiving ----

Line::Taken Line::take_one(Position at, const std::string& group_id, Group* group) {
  auto& seen = seen_[at];
  Taken taken{at, group_id, seen.receipt};
  seen.in_flight = seen.busy = true;
  seen.group = group;
  ++in_flight_;
  return taken;
}

std::vector<Line::Taken> Line::take_standard(std::size_t limit, std::int64_t now) {
  std::vector<Taken> out;
  if (window_.size() < kPage / 8) load_window(now);
  if (next_due_ && *next_due_ <= now) load_due(now);
  // Returned and new messages take turns, so that neither waits for ever behind the other.
  prefer_window_ = !prefer_window_ && returned_.size() < kReturnedFirst;
  while (out.size() < limit) {
    const bool from_window = !window_.empty() && (returned_.empty() || prefer_window_);
    auto& from = from_window ? window_ : returned_;
    if (from.empty()) {
      const auto before = cursor_;
      load_window(now);
      if (window_.empty() && cursor_ == before) break;
      continue;
    }
    const auto at = from.front();
    from.pop_front();
    auto found = seen_.find(at);
    // Met twice, or deleted with an older handle.
    if (from_window ? found != seen_.end() : (found == seen_.end() || found->second.in_flight)) continue;
    out.push_back(take_one(at, {}, nullptr));
  }
  return out;
}

std::vector<Line::Taken> Line::take_fifo(std::size_t limit, std::int64_t now, std::int64_t delay) {
  std::vector<Taken> out;
  auto eligible = [&](std::uint64_t sequence) { return delay == 0 || sent_of(sequence) + delay <= now; };
  while (out.size() < limit) {
    if (ready_groups_.empty()) {
      if (!load_groups()) break;
      continue;
    }
    auto [head, group] = *ready_groups_.begin();
    if (!eligible(head)) break;  // every other head is younger
    ready_groups_.erase(ready_groups_.begin());
    while (out.size() < limit && !group->ready.empty() && eligible(*group->ready.begin())) {
      const auto sequence = *group->ready.begin();
      group->ready.erase(group->ready.begin());
      --looked_at_;
      ++group->in_flight;
      out.push_back(take_one({0, sequence}, group->id, group));
    }
  }
  return out;
}

std::vector<Line::Taken> Line::take(std::size_t limit, std::int64_t now, std::int64_t delay) {
  std::lock_guard lock(mutex_);
  expire(now);
  limit = std::min(limit, kMaxInFlight - std::min(kMaxInFlight, in_flight_));
  return fifo_ ? take_fifo(limit, now, delay) : take_standard(limit, now);
}

bool Line::settle(Position at, const Receipt& receipt) {
  std::lock_guard lock(mutex_);
  auto found = seen_.find(at);
  if (found == seen_.end()) return false;
  auto& seen = found->second;
  seen.receipt = receipt;
  if (seen.in_flight && seen.busy) {
    seen.busy = false;
    flights_.emplace(receipt.visible_at, at);
  }
  return true;
}

void Line::give_back(const Taken& taken) {
  {
    std::lock_guard lock(mutex_);
    auto found = seen_.find(taken.position);
    if (found == seen_.end()) return;
    auto& seen = found->second;
    leave_flight(taken.position, seen);
    if (fifo_) {
      auto& group = *seen.group;
      if (group.ready.insert(taken.position.sequence).second) ++looked_at_;
      --group.in_flight;
      if (taken.before.receives == 0) seen_.erase(found);
      tend(group, kNoHead);
    } else if (taken.before.receives == 0) {
      seen_.erase(found);
      window_.push_front(taken.position);
    } else {
      returned_.push_front(taken.position);
    }
  }
  arrivals.notify_one();
}

bool Line::forget(Position at) {
  bool opened = false;
  {
    std::lock_guard lock(mutex_);
    auto found = seen_.find(at);
    if (found == seen_.end()) return false;
    auto& seen = found->second;
    auto* group = seen.group;
    const bool flew = seen.in_flight;
    const auto before = group && group->in_flight == 0 && !group->ready.empty() ? *group->ready.begin() : kNoHead;
    leave_flight(at, seen);
    seen_.erase(found);
    if (group) {
      if (flew) --group->in_flight;
      if (group->ready.erase(at.sequence)) --looked_at_;
      opened = group->in_flight == 0 && !group->ready.empty();
      tend(*group, before);
    }
  }
  if (opened) arrivals.notify_one();
  return true;
}

void Line::removed(std::size_t count) {
  std::lock_guard lock(mutex_);
  total_ -= std::min(total_, count);
}

std::optional<std::int64_t> Line::next_change(std::int64_t fifo_delay) {
  std::lock_guard lock(mutex_);
  std::optional<std::int64_t> next = next_due_;
  if (!ready_groups_.empty() && in_flight_ < kMaxInFlight) next = sent_of(ready_groups_.begin()->first) + fifo_delay;
  if (!flights_.empty() && (!next || flights_.begin()->first < *next)) next = flights_.begin()->first;
  return next;
}

std::size_t Line::in_flight(std::int64_t now) {
  std::lock_guard lock(mutex_);
  expire(now);
  return in_flight_;
}

// ---- with a receipt handle ----

std::optional<Line::Known> Line::find(Position at, std::int64_t now) {
  std::lock_guard lock(mutex_);
  expire(now);
  auto found = seen_.find(at);
  if (found == seen_.end()) return std::nullopt;
  return Known{found->second.receipt, found->second.in_flight, found->second.busy};
}

void Line::remember(Position at, const Known& known) {
  std::lock_guard lock(mutex_);
  auto [found, fresh] = seen_.try_emplace(at);
  if (!fresh) return;
  auto& seen = found->second;
  seen.receipt = known.receipt;
  if (fifo_) seen.group = &group(known.receipt.group);
  if (!known.in_flight) return make_ready(at, seen);
  seen.in_flight = true;
  ++in_flight_;
  flights_.emplace(seen.receipt.visible_at, at);
  if (seen.group) {
    auto& group = *seen.group;
    const auto before = group.in_flight == 0 && !group.ready.empty() ? *group.ready.begin() : kNoHead;
    ++group.in_flight;
    tend(group, before);
  }
}

bool Line::change_visibility(Position at, std::uint32_t receives, std::int64_t visible_at) {
  {
    std::lock_guard lock(mutex_);
    auto found = seen_.find(at);
    if (found == seen_.end() || !found->second.in_flight || found->second.busy || found->second.receipt.receives != receives)
      return false;
    auto& receipt = found->second.receipt;
    flights_.erase({receipt.visible_at, at});
    receipt.visible_at = visible_at;
    flights_.emplace(visible_at, at);
  }
  arrivals.notify_all();  // the next change may be sooner
  return true;
}

Line::Counts Line::counts(std::int64_t now, std::int64_t fifo_delay) {
  std::lock_guard lock(mutex_);
  expire(now);
  if (!fifo_) load_due(now);
  Counts out;
  out.in_flight = in_flight_;
  out.delayed = delayed_;
  if (fifo_ && fifo_delay > 0) {
    // The young end of the queue; few, as a delay is at most 15 minutes.
    const auto from = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now - fifo_delay) + 1) << kSequenceBits;
    out.delayed =
        store_.read()->keys({keys::message(generation_, {0, from}), keys::message(generation_, {1, 0})}, kLookAhead).size();
  }
  out.visible = total_ - std::min(total_, out.in_flight + out.delayed);
  return out;
}

Position Line::head() {
  std::lock_guard lock(mutex_);
  Position head{0, cursor_};
  if (!window_.empty()) head = std::min(head, *std::ranges::min_element(window_));
  for (const auto& [at, seen] : seen_) head = std::min(head, at);
  if (!ready_groups_.empty()) head = std::min(head, Position{0, ready_groups_.begin()->first});
  for (const auto& [id, group] : groups_)
    if (!group->ready.empty()) head = std::min(head, Position{0, *group->ready.begin()});
  return head;
}

}  // namespace lambari::sqs
