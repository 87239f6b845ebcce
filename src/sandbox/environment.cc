#include "sandbox/environment.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <charconv>

#include "base/json.h"
#include "base/text.h"
#include "sandbox/companions.h"
#include "sandbox/story.h"

namespace lambari::sandbox {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Kind = Outcome::Kind;

constexpr auto kShutdownTime = 2'000ms;       // for extensions that want to know
constexpr auto kRuntimeShutdownTime = 300ms;  // for a runtime that gets SIGTERM beside them
constexpr auto kOwnShutdownTime = 500ms;      // for a runtime with internal extensions only
constexpr auto kDeathTime = 2s;               // from a closed pipe or an answered start to the news of the process's end
constexpr auto kNewsTime = 250ms;             // from a broken connection to the same news
constexpr auto kLastWordsTime = 1s;           // from the answer that tells of a failure to the next question

base::Timestamp now() {
  return {std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

std::chrono::microseconds since(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration_cast<std::chrono::microseconds>(to - from);
}

std::chrono::milliseconds until(Clock::time_point deadline) {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()), 0ms);
}

std::string error_document(const std::string& type, const std::string& message) {
  return base::to_json(base::json::object{{"errorType", type}, {"errorMessage", message}});
}

// What is left of an environment while its extensions take their leave.
struct Remains {
  std::string id;
  std::shared_ptr<Slot> slot;
  std::shared_ptr<Exchange> exchange;
  std::shared_ptr<Output> output;
  std::shared_ptr<Companions> companions;
  std::shared_ptr<Upkeep> upkeep;
  bool killed = false, out_of_memory = false;
  LineSink last_words = nullptr;  // what is printed meanwhile; set: it has told that it is leaving

  void bury() {
    exchange->close();
    output->close();
    if (companions) companions->close();
    exchange->telemetry().close();
    upkeep->ended(id, *slot, killed, out_of_memory);
    slot->parts() = {};
  }

  void listen() {
    if (!last_words) return;
    output->begin(last_words);
    if (companions) companions->begin(last_words);
  }
  void fall_silent() {
    output->end();
    if (companions) companions->end();
  }
  void terminate_runtime() { companions ? companions->terminate_runtime() : upkeep->terminate(*slot); }
};

// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown
async::Task<> take_leave(Remains remains, std::string reason) {
  auto& extensions = remains.exchange->extensions();
  const auto runtime_time = remains.companions ? kRuntimeShutdownTime : kOwnShutdownTime;
  const auto time = extensions.wants_shutdown() ? kShutdownTime : std::chrono::milliseconds(runtime_time);
  extensions.shut_down(reason, time);
  remains.exchange->telemetry().flush();
  remains.listen();
  remains.terminate_runtime();
  const auto deadline = Clock::now() + time, runtime_deadline = Clock::now() + runtime_time;
  for (;;) {
    const auto ticket = remains.exchange->to_invoker().ticket();
    const bool gone = extensions.gone();
    if (remains.slot->gone() || Clock::now() >= deadline) break;
    if (gone && (extensions.runtime_gone() || Clock::now() >= runtime_deadline)) break;
    co_await remains.exchange->to_invoker().wait(ticket, until(gone ? runtime_deadline : deadline));
  }
  remains.fall_silent();
  remains.bury();
  remains.upkeep->left();
}

class Room : public Environment {
 public:
  Room(FunctionSpec spec, Parts parts)
      : id_(std::move(parts.id)),
        spec_(std::move(spec)),
        launch_message_(std::move(parts.launch_message)),
        slot_(std::move(parts.slot)),
        exchange_(std::move(parts.exchange)),
        output_(std::move(parts.output)),
        companions_(std::move(parts.companions)),
        upkeep_(std::move(parts.upkeep)),
        context_(*parts.context),
        story_(exchange_->telemetry(), spec_) {
    slot_->on_gone([exchange = exchange_] { exchange->to_invoker().notify_all(); });
  }
  ~Room() override { end(false, false, "spindown"); }

  const std::string& id() const override { return id_; }
  async::Task<Outcome> initialize(LineSink lines) override;
  async::Task<Outcome> invoke(Invocation invocation, LineSink lines) override;
  bool alive() const override { return !ended_ && !slot_->gone(); }
  void freeze() override { set_frozen(true); }

 private:
  // How an invocation went until somebody had to say so.
  struct Course {
    std::optional<Exchange::Answer> answer;
    std::optional<Extensions::Failure> failure;  // of an extension
    bool timed_out = false;
    bool initializing = false;  // still
    std::optional<std::chrono::microseconds> init_duration;
    Clock::time_point began;
  };

  std::optional<Outcome> launch(const Invocation& invocation);
  async::Task<Course> watch(bool first, Invocation facts, Clock::time_point began);
  async::Task<> pass_on(Exchange::Answer& answer, Invocation& facts);
  Outcome extension_failed(const Extensions::Failure& failure, const std::string& request_id) const;
  void explain(Outcome& outcome, const std::string& request_id) const;
  void listen(LineSink lines);
  static bool has_bootstrap(const std::filesystem::path& folder);
  std::string program() const;
  std::uint64_t peak() const;
  void set_frozen(bool frozen);
  async::Task<Outcome> death();
  async::Task<bool> dies_soon();
  async::Task<bool> comes_to_rest(Clock::time_point deadline);
  void end(bool killed, bool out_of_memory, const char* reason);

  const std::string id_;
  const FunctionSpec spec_;
  std::string launch_message_;
  const std::shared_ptr<Slot> slot_;
  const std::shared_ptr<Exchange> exchange_;
  const std::shared_ptr<Output> output_;
  const std::shared_ptr<Companions> companions_;
  const std::shared_ptr<Upkeep> upkeep_;
  boost::asio::io_context& context_;
  Story story_;
  LineSink last_words_;  // where the last invocation's lines went
  bool launched_ = false;
  bool runtime_started_ = false;
  bool frozen_ = false;
  bool ended_ = false;
};

bool Room::has_bootstrap(const std::filesystem::path& folder) {
  std::error_code none;
  return std::filesystem::exists(folder / "bootstrap", none);
}

// Lets the process begin; something when that is known to be in vain.
std::optional<Outcome> Room::launch(const Invocation& invocation) {
  launched_ = true;
  const auto& request_id = invocation.request_id;
  const auto value = [&](const char* name) {
    const auto found = spec_.environment.find(name);
    return found == spec_.environment.end() ? std::string() : found->second;
  };
  const auto arn = base::split(invocation.function_arn, ':');
  exchange_->set_facts({value("AWS_LAMBDA_FUNCTION_NAME"), value("AWS_LAMBDA_FUNCTION_VERSION"), spec_.handler,
                        arn.size() > 4 ? std::string(arn[4]) : std::string()});
  story_.init_started();
  std::string type = "Runtime.InvalidEntrypoint", problem;
  if (spec_.runtime.starts_with("provided") && !has_bootstrap(spec_.code) &&
      std::none_of(spec_.layers.begin(), spec_.layers.end(), has_bootstrap))
    problem = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]";
  if (spec_.image && spec_.image->entry_point.empty() && spec_.image->command.empty())
    problem = "Couldn't find valid entrypoint: the image has none";
  if (spec_.image && !spec_.image->folder.empty() && spec_.image->folder.front() != '/') {
    type = "Runtime.InvalidWorkingDir";
    problem = "the working directory '" + spec_.image->folder + "' is invalid, it needs to be an absolute path";
  }
  if (!problem.empty()) {
    Outcome outcome;
    outcome.kind = Kind::init_error;
    outcome.error_type = type;
    outcome.payload = error_document(type, "RequestId: " + request_id + " Error: " + problem);
    return outcome;
  }
  // The other side sleeps in recv() and the socket is empty: this neither waits nor is cut short.
  if (companions_) {
    companions_->launch(launch_message_);
  } else {
    auto& socket = slot_->parts().launch;
    (void)!::send(socket.get(), launch_message_.data(), launch_message_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    socket.reset();
  }
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
  if (frozen) exchange_->telemetry().hold(true);
  (void)!pwrite(parts.freezer.get(), word.data(), word.size(), 0);
  if (!frozen) exchange_->telemetry().hold(false);
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

// The runtime asks for more work or ends; false when it does neither in time.
async::Task<bool> Room::comes_to_rest(Clock::time_point deadline) {
  for (;;) {
    const auto ticket = exchange_->to_invoker().ticket();
    if (exchange_->asking() || slot_->gone()) co_return true;
    if (Clock::now() >= deadline) co_return false;
    co_await exchange_->to_invoker().wait(ticket, until(deadline));
  }
}

// What has been answered goes to who waits for it, while extensions still work.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
async::Task<> Room::pass_on(Exchange::Answer& answer, Invocation& facts) {
  const auto answered = std::exchange(facts.answered, nullptr);
  Outcome outcome;
  outcome.kind = answer.kind;
  outcome.error_type = answer.error_type;
  if (facts.sink && !answer.streamed && answer.kind == Kind::success) {
    facts.sink->begin(std::move(answer.content_type));
    co_await facts.sink->write(std::move(answer.payload));
    answer.payload = {};
    answer.streamed = true;
  }
  outcome.payload = answer.payload;
  if (answered) answered(outcome);
}

// Waits for the end of an invocation: an answer with everybody back at rest, or something that spoils it.
async::Task<Room::Course> Room::watch(bool first, Invocation facts, Clock::time_point began) {
  auto& extensions = exchange_->extensions();
  Course course;
  course.began = began;
  course.initializing = first;
  const bool apart = first && !spec_.init_within_invocation;  // the start has a time of its own
  auto deadline = course.began + (apart ? spec_.init_timeout : facts.timeout);
  for (;;) {
    const auto ticket = exchange_->to_invoker().ticket();
    if (!course.answer) course.answer = exchange_->take_answer();
    if (companions_ && !runtime_started_ && extensions.registered()) {
      runtime_started_ = true;
      companions_->start_runtime();
    }
    if (course.initializing) {
      if (auto taken = exchange_->taken()) {
        // Its start is over and the invocation has begun: only now its own time runs.
        course.initializing = false;
        const auto took = since(course.began, *taken);
        if (apart) {
          course.init_duration = took;
          course.began = *taken;
          deadline = course.began + facts.timeout;
        }
        story_.init_done("", took);
        story_.started(facts);
      }
    }
    auto& answer = course.answer;
    if (answer && facts.answered && answer->kind <= Kind::function_error && answer->error_type != kTruncatedResponse &&
        extensions.any() && !extensions.ready())
      co_await pass_on(*answer, facts);
    if (answer && (answer->kind == Kind::init_error || !extensions.any() || extensions.ready())) break;
    if (slot_->gone()) break;
    if ((course.failure = extensions.failure())) break;
    if (Clock::now() >= deadline) {
      course.timed_out = true;
      break;
    }
    co_await exchange_->to_invoker().wait(ticket, until(deadline));
  }
  // A runtime that dies inside its answer has not answered.
  if (course.answer && course.answer->error_type == kTruncatedResponse && co_await dies_soon()) course.answer.reset();
  if (course.answer && course.answer->kind == Kind::function_error) {
    // A runtime may tell what went wrong only after its answer (Java's does), and end when that was fatal.
    co_await comes_to_rest(Clock::now() + kLastWordsTime);
  } else if (course.answer && course.answer->in_pieces && course.answer->kind == Kind::success) {
    // The function works on when its stream has ended, until its handler returns.
    course.timed_out = !co_await comes_to_rest(deadline);
    course.answer->when = Clock::now();
  }
  co_return course;
}

Outcome Room::extension_failed(const Extensions::Failure& failure, const std::string& request_id) const {
  Outcome outcome;
  outcome.kind = Kind::crash;
  outcome.error_type = failure.type;
  outcome.payload = error_document(failure.type, "RequestId: " + request_id + " Error: " + failure.message);
  return outcome;
}

std::string Room::program() const {
  if (!spec_.image) return has_bootstrap(spec_.code) ? "/var/task/bootstrap" : "/opt/bootstrap";
  const auto& words = spec_.image->entry_point.empty() ? spec_.image->command : spec_.image->entry_point;
  return words.empty() ? std::string() : words.front();
}

// The program of an image or a bootstrap that could not be started is not one that ended. A wrapper script is started by AWS's
// own bootstrap, which ends as a shell does.
void Room::explain(Outcome& outcome, const std::string& request_id) const {
  using namespace protocol;
  if (outcome.kind != Kind::crash || outcome.signal != 0) return;
  if (!spec_.image && !spec_.runtime.starts_with("provided")) {
    if (outcome.exit_status == kNoProgram) outcome.exit_status = 127;
    if (outcome.exit_status == kNoPermission || outcome.exit_status == kNoFormat) outcome.exit_status = 126;
    return;
  }
  const auto program = "fork/exec " + this->program() + ": ";
  std::string message;
  switch (outcome.exit_status) {
    case kNoFolder: message = "chdir " + (spec_.image ? spec_.image->folder : "/var/task") + ": no such file or directory"; break;
    case kNoProgram: message = program + "no such file or directory"; break;
    case kNoPermission: message = program + "permission denied"; break;
    case kNoFormat: message = program + "exec format error"; break;
    default: return;
  }
  outcome.kind = Kind::init_error;
  outcome.error_type = outcome.exit_status == kNoFolder ? "Runtime.InvalidWorkingDir" : "Runtime.InvalidEntrypoint";
  outcome.payload = error_document(outcome.error_type, "RequestId: " + request_id + " Error: " + message);
}

void Room::listen(LineSink lines) {
  last_words_ = lines;
  output_->begin([this, lines](base::Timestamp time, std::string line) {
    story_.line(Telemetry::Source::function, line);
    lines(time, std::move(line));
  });
  if (!companions_) return;
  companions_->begin([this, lines](base::Timestamp time, std::string line) {
    story_.line(Telemetry::Source::extension, line);
    lines(time, std::move(line));
  });
}

async::Task<Outcome> Room::initialize(LineSink lines) {
  if (!alive() || launched_) throw SandboxFailed("the environment has started already");
  listen(std::move(lines));
  const auto began = Clock::now();
  const auto deadline = began + spec_.init_timeout;
  auto& extensions = exchange_->extensions();
  std::optional<Outcome> early = launch({});
  std::optional<Exchange::Answer> answer;
  std::optional<Extensions::Failure> failure;
  bool ready = false, timed_out = false;
  while (!early) {
    const auto ticket = exchange_->to_invoker().ticket();
    answer = exchange_->take_answer();
    if (companions_ && !runtime_started_ && extensions.registered()) {
      runtime_started_ = true;
      companions_->start_runtime();
    }
    ready = exchange_->waited() && (!extensions.any() || extensions.ready());
    if (answer || ready || slot_->gone() || (failure = extensions.failure())) break;
    timed_out = Clock::now() >= deadline;
    if (timed_out) break;
    co_await exchange_->to_invoker().wait(ticket, until(deadline));
  }
  Outcome outcome;
  if (early) {
    outcome = std::move(*early);
  } else if (answer) {
    outcome.kind = Kind::init_error;
    outcome.payload = std::move(answer->payload);
    outcome.error_type = std::move(answer->error_type);
  } else if (failure) {
    outcome = extension_failed(*failure, {});
  } else if (timed_out) {
    outcome.kind = Kind::timeout;
    outcome.error_type = "Sandbox.Timedout";
  } else if (!ready) {
    outcome = co_await death();
    explain(outcome, {});
  }
  outcome.init_failed = outcome.kind != Kind::success;
  outcome.init_duration = since(began, Clock::now());
  story_.init_done(outcome.error_type, *outcome.init_duration);
  outcome.max_memory_bytes = std::min(peak(), static_cast<std::uint64_t>(spec_.memory_mb) << 20);
  output_->end();
  if (companions_) companions_->end();
  if (outcome.init_failed)
    end(outcome.kind == Kind::timeout, outcome.kind == Kind::out_of_memory,
        outcome.kind == Kind::timeout ? "timeout" : "failure");
  co_return outcome;
}

async::Task<Outcome> Room::invoke(Invocation invocation, LineSink lines) {
  if (!alive()) throw SandboxFailed("the environment has ended");
  set_frozen(false);
  listen(std::move(lines));
  const bool first = !launched_;
  const auto sink = invocation.sink;
  Invocation facts;  // what is still needed when the rest has been handed over
  facts.request_id = invocation.request_id;
  facts.trace_header = invocation.trace_header;
  facts.timeout = invocation.timeout;
  facts.sink = sink;
  facts.answered = std::exchange(invocation.answered, nullptr);
  const auto began = Clock::now();
  std::optional<Outcome> early;
  if (first)
    early = launch(invocation);
  else
    story_.started(facts);
  if (auto begun = std::exchange(invocation.begun, nullptr); first && begun) {
    invocation.begun = [output = output_, begun, began](std::chrono::microseconds) {
      output->drain();
      begun(since(began, Clock::now()));
    };
  }
  exchange_->offer(std::move(invocation));

  Outcome outcome;
  Course course;
  course.began = began;
  course.initializing = first;
  if (!early) course = co_await watch(first, facts, began);
  auto& answer = course.answer;
  if (early) {
    outcome = std::move(*early);
  } else if (course.timed_out) {
    outcome.kind = Kind::timeout;
    outcome.error_type = "Sandbox.Timedout";
    outcome.duration = facts.timeout;
  } else if (course.failure) {
    outcome = extension_failed(*course.failure, facts.request_id);
    outcome.duration = since(course.began, Clock::now());
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
    // The runtime is done when it has answered; the invocation when the extensions are done too.
    const bool alone = !exchange_->extensions().any();
    outcome.duration = since(course.began, answer->when);
    story_.runtime_done(outcome);
    if (!alone && outcome.kind != Kind::init_error) outcome.duration = since(course.began, Clock::now());
  } else {
    outcome = co_await death();
    if (course.initializing) explain(outcome, facts.request_id);
    outcome.duration = since(course.began, Clock::now());
  }
  const bool well = outcome.kind == Kind::success || outcome.kind == Kind::function_error;
  outcome.init_failed = course.initializing && !well && outcome.kind != Kind::payload_too_large;
  if (first && !course.init_duration && !spec_.init_within_invocation) course.init_duration = since(course.began, Clock::now());
  outcome.init_duration = course.init_duration;
  if (outcome.init_failed) story_.init_done(outcome.error_type, since(course.began, Clock::now()));
  if (!answer && !outcome.init_failed) story_.runtime_done(outcome);
  // What /tmp holds is in the kernel's count, but not in the function's.
  outcome.max_memory_bytes = std::min(peak(), static_cast<std::uint64_t>(spec_.memory_mb) << 20);
  output_->end();
  if (companions_) companions_->end();
  story_.reported(outcome);
  if (!well)
    end(outcome.kind == Kind::timeout, outcome.kind == Kind::out_of_memory,
        outcome.kind == Kind::timeout ? "timeout" : "failure");
  co_return outcome;
}

void Room::end(bool killed, bool out_of_memory, const char* reason) {
  if (std::exchange(ended_, true)) return;
  Remains remains{id_, slot_, exchange_, output_, companions_, upkeep_, killed, out_of_memory};
  const bool somebody = companions_ || exchange_->extensions().any();  // who wants to know
  if (!somebody || !launched_ || slot_->gone()) return remains.bury();
  set_frozen(false);
  upkeep_->leaving();
  remains.last_words = last_words_;
  boost::asio::co_spawn(context_, take_leave(std::move(remains), reason), boost::asio::detached);
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

void Output::drain() {
  std::lock_guard lock(mutex_);
  if (!ended_ && !closed_) ended_ = !read_all();
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

std::unique_ptr<Environment> make_environment(FunctionSpec spec, Parts parts) {
  return std::make_unique<Room>(std::move(spec), std::move(parts));
}

}  // namespace lambari::sandbox
