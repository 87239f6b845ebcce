// The server's end of the line to a slot whose function has external extensions (jail/companions.h): they are started there,
// and the runtime after them.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <mutex>

#include "async/task.h"
#include "sandbox/descriptor.h"
#include "sandbox/environment.h"
#include "sandbox/extensions.h"
#include "sandbox/protocol.h"

namespace lambari::sandbox {

// Thread-safe.
class Companions : public std::enable_shared_from_this<Companions> {
 public:
  Companions(boost::asio::io_context& context, Descriptor line, std::shared_ptr<Extensions> extensions);

  // Runs on the context's loop until close() or the end of the line.
  static async::Task<> receive(std::shared_ptr<Companions> self);

  void launch(const std::string& message);  // the assignment
  void start_runtime();
  void terminate_runtime();  // SIGTERM

  // Lines that extensions print go there, as Output has it.
  void begin(LineSink sink);
  void end();
  void close();

 private:
  void send(protocol::CompanionAsk ask);
  bool take();  // false at the end of the line

  boost::asio::io_context& context_;
  boost::asio::posix::stream_descriptor line_;
  const std::shared_ptr<Extensions> extensions_;
  std::mutex mutex_;
  std::shared_ptr<Output> output_;
  LineSink sink_;
  bool closed_ = false;
};

}  // namespace lambari::sandbox
