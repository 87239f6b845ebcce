// Threads that are none of the loops' and post to them, as the store's committing thread does.
#pragma once

#include <boost/asio/execution_context.hpp>

namespace lambari::async {

// Held from the moment a coroutine begins to wait for such a thread until that thread has posted to it: a loop that is being
// stopped waits for its visits to end before it takes its queue down. The thread must come to its post by itself, without
// any help of the loop. Thread-safe; `context` is that of the coroutine's executor.
class Visit {
 public:
  explicit Visit(boost::asio::execution_context& context);
  ~Visit();
  Visit(const Visit&) = delete;

 private:
  class Service;
  Service& service_;
};

}  // namespace lambari::async
