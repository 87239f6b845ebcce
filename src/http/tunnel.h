// What a proxy does with a CONNECT that it lets through: bytes from one to the other, and back. RFC 9110 9.3.6.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "async/task.h"

namespace lambari::http {

using Descriptor = boost::asio::posix::stream_descriptor;

// A connection to host:port; null when there is none within `patience`.
async::Task<std::unique_ptr<Descriptor>> connect_to(std::string host, std::uint16_t port, std::chrono::milliseconds patience);

// Copies until both sides are done, one breaks, or a wait on `near` is cancelled. `ahead` came from near already. `moved` is
// called whenever bytes are. Both stay open, and outlive this.
async::Task<> copy_both_ways(Descriptor& near, Descriptor& far, std::string ahead, std::function<void()> moved);

}  // namespace lambari::http
