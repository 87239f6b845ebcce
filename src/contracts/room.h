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
  // The end is near: lets go of calls that only wait (long polls), so that the last requests end soon. Called once, before
  // those are awaited; the room goes on serving.
  virtual void wind_down() {}
  // Finishes or gives back what runs. Called once, after the last request.
  virtual async::Task<> stop() { co_return; }
  // Removes every resource of every account, from the store and from memory.
  virtual async::Task<> nuke() = 0;
};

}  // namespace lambari::contracts
