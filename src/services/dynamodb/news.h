// Wakes who waits for the next record of a table's stream, and nobody else.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "async/gate.h"

namespace lambari::dynamodb {

// Thread-safe.
class News {
 public:
  // Notified by tell() as long as somebody keeps it.
  std::shared_ptr<async::Event> of(std::uint64_t table) {
    const std::lock_guard lock(mutex_);
    auto& entry = events_[table];
    auto event = entry.lock();
    if (!event) entry = event = std::make_shared<async::Event>();
    return event;
  }
  void tell(std::uint64_t table) {
    std::shared_ptr<async::Event> event;
    {
      const std::lock_guard lock(mutex_);
      const auto it = events_.find(table);
      if (it == events_.end()) return;
      event = it->second.lock();
      if (!event) events_.erase(it);
    }
    if (event) event->notify_all();
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::weak_ptr<async::Event>> events_;  // guarded by mutex_
};

}  // namespace lambari::dynamodb
