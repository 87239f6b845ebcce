// One execution environment on the server's side: its slot, its two listeners, its output, its exchange with the runtime.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "async/loops.h"
#include "sandbox/exchange.h"
#include "sandbox/link.h"
#include "sandbox/output.h"
#include "sandbox/sandbox.h"

namespace lambari::sandbox {

// Reads the pipe that a function writes to, but only while somebody wants the lines: between invocations they wait in the pipe,
// as the function would wait frozen on AWS.
class Output : public std::enable_shared_from_this<Output> {
 public:
  Output(boost::asio::io_context& context, Descriptor pipe);

  static async::Task<> watch(std::shared_ptr<Output> self);  // runs until close(), on the context's loop

  void begin(LineSink sink);
  void drain();  // gives all lines that are whole in the pipe now
  void end();    // gives all that is in the pipe now, an unfinished line too, and forgets the sink
  void close();

 private:
  bool read_all();  // under the mutex; false when the pipe is at its end

  boost::asio::io_context& context_;
  boost::asio::posix::stream_descriptor pipe_;
  std::mutex mutex_;
  Lines lines_;
  LineSink sink_;
  bool ended_ = false;
  bool closed_ = false;
  async::Event wanted_;
};

// What the environment takes from the sandbox, and gives back when it ends.
class Upkeep {
 public:
  virtual ~Upkeep() = default;
  virtual void terminate(const Slot& slot) = 0;  // SIGTERM
  virtual void leaving() = 0;                    // it will end soon; ended() follows
  virtual void left() = 0;                       // after ended(), of those that were leaving
  virtual void ended(const std::string& id, const Slot& slot, bool killed, bool out_of_memory) = 0;
};

class Companions;

// What an environment is made of. `companions` is null when the function has no external extensions.
struct Parts {
  std::string id;
  std::string launch_message;
  std::shared_ptr<Slot> slot;
  std::shared_ptr<Exchange> exchange;
  std::shared_ptr<Output> output;
  std::shared_ptr<Companions> companions;
  std::shared_ptr<Upkeep> upkeep;
  boost::asio::io_context* context = nullptr;  // where its end is seen to
};
std::unique_ptr<Environment> make_environment(FunctionSpec spec, Parts parts);

}  // namespace lambari::sandbox
