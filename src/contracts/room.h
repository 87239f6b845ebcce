// The life of a service room, driven by app.
#pragma once

#include <string_view>

#include "async/task.h"

namespace lambari::contracts {

class Room {
 public:
  virtual ~Room() = default;
  virtual std::string_view name() const = 0;
  // Rebuilds what lives in memory from the store. Called once, before the first request.
  virtual async::Task<> start() { co_return; }
  // Finishes or gives back what runs. Called once, after the last request.
  virtual async::Task<> stop() { co_return; }
  // Removes every resource of every account, from the store and from memory.
  virtual async::Task<> nuke() = 0;
};

}  // namespace lambari::contracts
