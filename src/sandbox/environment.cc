#include "sandbox/environment.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <charconv>

#include "base/json.h"

namespace lambari::sandbox {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Kind = Outcome::Kind;

constexpr auto kDeathTime = 2s;    // from a closed pipe or an answered start to the news of the process's end
constexpr auto kNewsTime = 250ms;  // from a broken connection to the same news

base::Timestamp now() {
  return {std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

std::chrono::microseconds since(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration_cast<std::chrono::microseconds>(to - from);
}

std::chrono::milliseconds until(Clock::time_point deadline) {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()), 0ms);
}

class Room : public Environment {
 public:
  Room(std::string id, FunctionSpec spec, std::string launch_message, std::shared_ptr<Slot> slot,
       std::shared_ptr<Exchange> exchange, std::shared_ptr<Output> output, std::shared_ptr<Upkeep> upkeep)
      : id_(std::move(id)),
        spec_(std::move(spec)),
        launch_message_(std::move(launch_message)),
        slot_(std::move(slot)),
        exchange_(std::move(exchange)),
        output_(std::move(output)),
        upkeep_(std::move(upkeep)) {
    slot_->on_gone([exchange = exchange_] { exchange->to_invoker().notify_all(); });
  }
  ~Room() override { end(false, false); }

  const std::string& id() const override { return id_; }
  async::Task<Outcome> invoke(Invocation invocation, LineSink lines) override;
  bool alive() const override { return !ended_ && !slot_->gone(); }
  void freeze() override { set_frozen(true); }

 private:
  std::optional<Outcome> launch(const std::string& request_id);
  bool has_bootstrap() const;
  std::uint64_t peak() const;
  void set_frozen(bool frozen);
  async::Task<Outcome> death();
  async::Task<bool> dies_soon();
  void end(bool killed, bool out_of_memory);

  const std::string id_;
  const FunctionSpec spec_;
  std::string launch_message_;
  const std::shared_ptr<Slot> slot_;
  const std::shared_ptr<Exchange> exchange_;
  const std::shared_ptr<Output> output_;
  const std::shared_ptr<Upkeep> upkeep_;
  bool launched_ = false;
  bool frozen_ = false;
  bool ended_ = false;
};

bool Room::has_bootstrap() const {
  std::error_code none;
  auto there = [&](const std::filesystem::path& folder) { return std::filesystem::exists(folder / "bootstrap", none); };
  return there(spec_.code) || std::any_of(spec_.layers.begin(), spec_.layers.end(), there);
}

// Lets the process begin; something when that is known to be in vain.
std::optional<Outcome> Room::launch(const std::string& request_id) {
  launched_ = true;
  if (spec_.runtime.starts_with("provided") && !has_bootstrap()) {
    Outcome outcome;
    outcome.kind = Kind::init_error;
    outcome.error_type = "Runtime.InvalidEntrypoint";
    outcome.payload = base::to_json(base::json::object{
        {"errorType", outcome.error_type},
        {"errorMessage",
         "RequestId: " + request_id + " Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}});
    return outcome;
  }
  // The other side sleeps in recv() and the socket is empty: this neither waits nor is cut short.
  auto& socket = slot_->parts().launch;
  (void)!::send(socket.get(), launch_message_.data(), launch_message_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  socket.reset();
  launch_message_ = {};
  return std::nullopt;
}

std::uint64_t Room::peak() const {
  if (auto gone = slot_->gone(); gone && gone->peak_bytes) return gone->peak_bytes;
  char text[32];
  auto got = slot_->parts().peak ? pread(slot_->parts().peak.get(), text, sizeof text, 0) : 0;
  std::uint64_t bytes = 0;
  if (got > 0) std::from_chars(text, text + got, bytes);
  return bytes;
}

void Room::set_frozen(bool frozen) {
  auto& parts = slot_->parts();
  if (frozen == frozen_ || !parts.freezer) return;
  frozen_ = frozen;
  std::string_view word = parts.freezer_v2 ? (frozen ? "1" : "0") : (frozen ? "FROZEN" : "THAWED");
  (void)!pwrite(parts.freezer.get(), word.data(), word.size(), 0);
}

// The process is ending by itself: waits for the news, which say how.
async::Task<Outcome> Room::death() {
  Outcome outcome;
  outcome.kind = Kind::crash;
  outcome.error_type = "Runtime.ExitError";
  const auto deadline = Clock::now() + kDeathTime;
  for (;;) {
    const auto ticket = slot_->changed().ticket();
    if (auto gone = slot_->gone()) {
      if (gone->out_of_memory) {
        outcome.kind = Kind::out_of_memory;
        outcome.error_type = "Runtime.OutOfMemory";
      }
      if (gone->has_status && WIFSIGNALED(gone->status)) outcome.signal = WTERMSIG(gone->status);
      if (gone->has_status && WIFEXITED(gone->status)) outcome.exit_status = WEXITSTATUS(gone->status);
      if (!gone->has_status) outcome.signal = SIGKILL;
      break;
    }
    if (Clock::now() > deadline) break;
    co_await slot_->changed().wait(ticket, until(deadline));
  }
  co_return outcome;
}

// A process that ended closed its connections first: the news are on their way.
async::Task<bool> Room::dies_soon() {
  const auto ticket = slot_->changed().ticket();
  if (!slot_->gone()) co_await slot_->changed().wait(ticket, kNewsTime);
  co_return slot_->gone().has_value();
}

async::Task<Outcome> Room::invoke(Invocation invocation, LineSink lines) {
  if (!alive()) throw SandboxFailed("the environment has ended");
  set_frozen(false);
  output_->begin(std::move(lines));
  const auto timeout = invocation.timeout;
  auto began = Clock::now();
  std::optional<Outcome> early;
  const bool first = !launched_;
  if (first) early = launch(invocation.request_id);
  auto deadline = began + (first ? spec_.init_timeout : timeout);
  bool initializing = first;
  std::optional<std::chrono::microseconds> init_duration;
  const auto sink = invocation.sink;
  exchange_->offer(std::move(invocation));

  std::optional<Exchange::Answer> answer;
  bool timed_out = false;
  while (!early) {
    const auto ticket = exchange_->to_invoker().ticket();
    answer = exchange_->take_answer();
    if (answer) break;
    if (slot_->gone()) break;
    if (initializing) {
      if (auto taken = exchange_->taken()) {
        // Its start is over and the invocation has begun: only now its own time runs.
        initializing = false;
        init_duration = since(began, *taken);
        began = *taken;
        deadline = began + timeout;
      }
    }
    if (Clock::now() >= deadline) {
      timed_out = true;
      break;
    }
    co_await exchange_->to_invoker().wait(ticket, until(deadline));
  }

  // A runtime that dies inside its answer has not answered.
  if (answer && answer->error_type == kTruncatedResponse && co_await dies_soon()) answer.reset();

  Outcome outcome;
  if (early) {
    outcome = std::move(*early);
  } else if (answer) {
    if (sink && !answer->streamed && answer->kind == Kind::success) {
      sink->begin(std::move(answer->content_type));
      co_await sink->write(std::move(answer->payload));
      answer->payload = {};
    }
    outcome.kind = answer->kind;
    outcome.payload = std::move(answer->payload);
    outcome.error_type = std::move(answer->error_type);
    outcome.response_bytes = answer->bytes;
    if (initializing) {  // both came at once
      if (auto taken = exchange_->taken()) {
        init_duration = since(began, *taken);
        began = *taken;
      }
    }
    outcome.duration = since(began, answer->when);
    if (outcome.kind == Kind::init_error) init_duration = outcome.duration;
  } else if (timed_out) {
    outcome.kind = Kind::timeout;
    outcome.error_type = "Sandbox.Timedout";
    outcome.duration = timeout;
  } else {
    outcome = co_await death();
    outcome.duration = since(began, Clock::now());
  }
  if (first && !init_duration) init_duration = since(began, Clock::now());
  outcome.init_duration = init_duration;
  // What /tmp holds is in the kernel's count, but not in the function's.
  outcome.max_memory_bytes = std::min(peak(), static_cast<std::uint64_t>(spec_.memory_mb) << 20);
  output_->end();
  if (outcome.kind != Kind::success && outcome.kind != Kind::function_error)
    end(outcome.kind == Kind::timeout, outcome.kind == Kind::out_of_memory);
  co_return outcome;
}

void Room::end(bool killed, bool out_of_memory) {
  if (std::exchange(ended_, true)) return;
  exchange_->close();
  output_->close();
  upkeep_->ended(id_, *slot_, killed, out_of_memory);
  slot_->parts() = {};
}

}  // namespace

Output::Output(boost::asio::io_context& context, Descriptor pipe) : context_(context), pipe_(context) {
  fcntl(pipe.get(), F_SETFL, fcntl(pipe.get(), F_GETFL) | O_NONBLOCK);
  pipe_.assign(pipe.release());
}

bool Output::read_all() {
  char buffer[64 * 1024];
  auto sink = [this](std::string line) {
    if (sink_) sink_(now(), std::move(line));
  };
  // A function that never stops writing must not keep the loop: the rest comes with the next turn.
  for (int turn = 0; turn < 64; ++turn) {
    auto got = ::read(pipe_.native_handle(), buffer, sizeof buffer);
    if (got == 0) return false;
    if (got > 0) lines_.feed({buffer, static_cast<std::size_t>(got)}, sink);
    if (got < 0 && errno != EINTR) return true;
  }
  return true;
}

async::Task<> Output::watch(std::shared_ptr<Output> self) {
  for (;;) {
    const auto ticket = self->wanted_.ticket();
    bool wanted = false;
    {
      std::lock_guard lock(self->mutex_);
      if (self->closed_) break;
      if (self->sink_ && !self->ended_) {
        self->ended_ = !self->read_all();
        wanted = !self->ended_;
      }
    }
    boost::system::error_code error;
    if (wanted) {
      co_await self->pipe_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                      boost::asio::redirect_error(boost::asio::use_awaitable, error));
    } else {
      co_await self->wanted_.wait(ticket, std::chrono::hours(24));
    }
  }
  boost::system::error_code ignored;
  self->pipe_.close(ignored);
}

void Output::begin(LineSink sink) {
  {
    std::lock_guard lock(mutex_);
    sink_ = std::move(sink);
  }
  wanted_.notify_all();
}

void Output::end() {
  std::lock_guard lock(mutex_);
  if (!ended_ && !closed_) ended_ = !read_all();
  lines_.flush([this](std::string line) {
    if (sink_) sink_(now(), std::move(line));
  });
  sink_ = nullptr;
}

void Output::close() {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    sink_ = nullptr;
  }
  wanted_.notify_all();
  boost::asio::post(context_, [self = shared_from_this()] {
    boost::system::error_code ignored;
    if (self->pipe_.is_open()) self->pipe_.cancel(ignored);
  });
}

std::unique_ptr<Environment> make_environment(std::string id, FunctionSpec spec, std::string launch_message,
                                              std::shared_ptr<Slot> slot, std::shared_ptr<Exchange> exchange,
                                              std::shared_ptr<Output> output, std::shared_ptr<Upkeep> upkeep) {
  return std::make_unique<Room>(std::move(id), std::move(spec), std::move(launch_message), std::move(slot), std::move(exchange),
                                std::move(output), std::move(upkeep));
}

}  // namespace lambari::sandbox
