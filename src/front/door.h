// A way into the program that is not an AWS API call: deployed APIs (execute-api), later function URLs and websites.
#pragma once

#include <cstddef>

#include "async/task.h"
#include "http/message.h"

namespace lambari::front {

// Thread-safe. The chain asks its doors in order, before any AWS work, so owns() must be cheap: host and path only, no I/O.
class Door {
 public:
  virtual ~Door() = default;
  virtual bool owns(const http::Request& head) const = 0;
  virtual async::Task<http::Response> serve(http::Request request) = 0;
  // Largest body of a request that this door owns, in bytes. A larger one is answered 413 before it is read.
  virtual std::size_t body_limit() const = 0;
};

}  // namespace lambari::front
