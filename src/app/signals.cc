#include "app/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>

#include "base/log.h"

namespace lambari::app {
namespace {

// A handler can reach nothing but globals.
std::atomic<int> pipe_in{-1}, pipe_out{-1};
std::atomic<bool> signalled{false};

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

void tell(char what) {
  int saved = errno;
  [[maybe_unused]] auto ignored = write(pipe_in, &what, 1);
  errno = saved;
}

void on_signal(int signal) {
  if (signalled.exchange(true)) _exit(128 + signal);
  tell(static_cast<char>(signal));
}

void catch_signal(int signal, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

}  // namespace

Ending::Ending() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  pipe_out = ends[0];
  pipe_in = ends[1];
  signalled = false;
  for (int signal : kSignals) catch_signal(signal, on_signal);
  // A handler, not SIG_IGN: an ignored signal would stay ignored in the programs that the sandbox starts.
  catch_signal(SIGPIPE, [](int) {});
}

Ending::~Ending() {
  for (int signal : kSignals) catch_signal(signal, SIG_DFL);
  close(pipe_in.exchange(-1));
  close(pipe_out.exchange(-1));
}

void Ending::ask() { tell(0); }

void Ending::wait() {
  char what = 0;
  while (read(pipe_out, &what, 1) < 0 && errno == EINTR) {
  }
  if (what != 0) base::log_info("stopping; a second signal ends it at once", {{"signal", std::to_string(what)}});
}

}  // namespace lambari::app
