#include "app/signals.h"

#include <signal.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <condition_variable>
#include <mutex>

#include "base/log.h"

namespace lambari::app {

struct Ending::State : std::enable_shared_from_this<Ending::State> {
  explicit State(async::Loops& loops) : signals(loops.context(0), SIGINT, SIGTERM, SIGHUP) {}

  std::mutex mutex;
  std::condition_variable changed;
  bool asked = false;
  boost::asio::signal_set signals;

  bool ask() {
    std::lock_guard lock(mutex);
    bool first = !asked;
    asked = true;
    changed.notify_all();
    return first;
  }

  void listen() {
    signals.async_wait([self = shared_from_this()](const boost::system::error_code& error, int signal) {
      if (error) return;
      if (!self->ask()) _exit(128 + signal);
      base::log_info("stopping; a second signal ends it at once", {{"signal", std::to_string(signal)}});
      self->listen();
    });
  }
};

Ending::Ending(async::Loops& loops) : state_(std::make_shared<State>(loops)) {
  // A handler, not SIG_IGN: an ignored signal would stay ignored in the programs that the sandbox starts.
  struct sigaction harmless{};
  harmless.sa_handler = [](int) {};
  sigaction(SIGPIPE, &harmless, nullptr);
  state_->listen();
}

Ending::~Ending() {
  boost::system::error_code ignored;
  state_->signals.cancel(ignored);
}

void Ending::ask() { state_->ask(); }

void Ending::wait() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [&] { return state_->asked; });
}

}  // namespace lambari::app
