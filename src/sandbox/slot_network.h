// Connections to what listens in a slot. The server is not in a slot's network, so the slot's init makes them
// (jail/slot_process.cc); what it hands over is as little trusted as the function is, and looked at.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>

#include "async/gate.h"
#include "async/task.h"
#include "sandbox/descriptor.h"

namespace lambari::sandbox {

// To be used on the context's loop.
class SlotNetwork {
 public:
  // `line` leads to the init (protocol.h, "connections"). Without one the function is in the server's own network.
  SlotNetwork(boost::asio::io_context& context, Descriptor line) : context_(context), line_(std::move(line)) {}

  // A socket that is connected to a port of the slot's loopback, or about to be. None when there is nothing to connect to, when
  // the slot does not answer in time, or when it hands over something else.
  static async::Task<Descriptor> connect(std::shared_ptr<SlotNetwork> self, std::uint16_t port,
                                         std::chrono::milliseconds timeout);

 private:
  async::Task<Descriptor> ask(std::uint16_t port, std::chrono::milliseconds timeout);

  boost::asio::io_context& context_;
  const Descriptor line_;
  async::Semaphore turn_{1};  // one question at a time
  std::uint64_t asked_ = 0;
};

}  // namespace lambari::sandbox
