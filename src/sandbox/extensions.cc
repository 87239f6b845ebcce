#include "sandbox/extensions.h"

#include <string.h>
#include <sys/wait.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "base/ids.h"
#include "base/json.h"

namespace lambari::sandbox {
namespace {

constexpr std::size_t kMost = 10;  // per function
constexpr std::chrono::hours kLong{24};

std::int64_t unix_ms(std::chrono::milliseconds from_now) {
  // Compared with the machine's clock, as the runtime's deadline is.
  const auto then = std::chrono::system_clock::now() + from_now;
  return std::chrono::duration_cast<std::chrono::milliseconds>(then.time_since_epoch()).count();
}

std::string words_of(int status) {
  if (WIFSIGNALED(status)) return std::string("signal: ") + strsignal(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

Extensions::Refusal wrong_state(const std::string& name) {
  return {403, "Extension.InvalidExtensionState", "The extension " + name + " is in no state for this"};
}

}  // namespace

std::vector<std::string> external_extensions(const std::vector<std::filesystem::path>& layers) {
  std::set<std::string> names;
  std::error_code none;
  for (const auto& layer : layers)
    for (std::filesystem::directory_iterator it(layer / "extensions", none), end; !none && it != end; it.increment(none)) {
      const auto name = it->path().filename().string();
      if (it->is_regular_file(none)) names.insert("/opt/extensions/" + name);
      none.clear();
    }
  return {names.begin(), names.end()};
}

Extensions::Extensions(const std::vector<std::string>& external, std::function<void()> changed) : changed_(std::move(changed)) {
  for (const auto& path : external) {
    Extension one;
    one.name = std::filesystem::path(path).filename();
    one.external = true;
    all_.push_back(std::move(one));
  }
}

void Extensions::tell() {
  events_.notify_all();
  changed_();
}

Extensions::Extension* Extensions::find(const std::string& id) {
  auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& one) { return one.registered && one.id == id; });
  return found == all_.end() ? nullptr : &*found;
}
const Extensions::Extension* Extensions::find(const std::string& id) const { return const_cast<Extensions*>(this)->find(id); }

void Extensions::fail(std::string type, std::string message) {
  if (!failure_ && !ending_) failure_ = {std::move(type), std::move(message)};
}

bool Extensions::any() const {
  std::lock_guard lock(mutex_);
  return !all_.empty();
}

bool Extensions::registered() const {
  std::lock_guard lock(mutex_);
  return std::all_of(all_.begin(), all_.end(), [](const auto& one) { return one.registered; });
}

bool Extensions::ready() const {
  std::lock_guard lock(mutex_);
  return std::all_of(all_.begin(), all_.end(), [](const auto& one) { return one.waiting && !one.event; });
}

void Extensions::invoke(const Invocation& invocation) {
  {
    std::lock_guard lock(mutex_);
    closed_to_new_ = true;
    if (all_.empty()) return;
    base::json::object event{{"eventType", "INVOKE"},
                             {"deadlineMs", unix_ms(invocation.timeout)},
                             {"requestId", invocation.request_id},
                             {"invokedFunctionArn", invocation.function_arn},
                             {"tracing", base::json::object{{"type", "X-Amzn-Trace-Id"}, {"value", invocation.trace_header}}}};
    const auto text = base::to_json(event);
    for (auto& one : all_)
      if (one.wants_invoke) one.event = text;
  }
  tell();
}

void Extensions::shut_down(const std::string& reason, std::chrono::milliseconds time) {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    base::json::object event{{"eventType", "SHUTDOWN"}, {"shutdownReason", reason}, {"deadlineMs", unix_ms(time)}};
    const auto text = base::to_json(event);
    for (auto& one : all_)
      if (one.wants_shutdown) one.event = text;
  }
  tell();
}

bool Extensions::wants_shutdown() const {
  std::lock_guard lock(mutex_);
  return std::any_of(all_.begin(), all_.end(), [](const auto& one) { return one.external && one.wants_shutdown && !one.ended; });
}

bool Extensions::gone() const {
  std::lock_guard lock(mutex_);
  return std::all_of(all_.begin(), all_.end(), [](const auto& one) { return one.ended || !one.external; });
}

std::optional<Extensions::Failure> Extensions::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

std::variant<std::string, Extensions::Refusal> Extensions::enroll(const std::string& name,
                                                                  const std::vector<std::string>& events) {
  std::string id;
  {
    std::lock_guard lock(mutex_);
    if (name.empty()) return Refusal{403, "Extension.InvalidExtensionName", "Empty extension name"};
    auto place = std::find_if(all_.begin(), all_.end(), [&](const auto& one) { return one.name == name; });
    const bool external = place != all_.end() && place->external;
    for (const auto& event : events) {
      if (event == "INVOKE" || (event == "SHUTDOWN" && external)) continue;
      return Refusal{403, "Extension.InvalidEventType",
                     event + ": " + (event == "SHUTDOWN" ? "event not supported for internal agent" : "unknown event")};
    }
    if (external && place->registered) return wrong_state(name);
    if (!external) {
      if (closed_to_new_) return Refusal{403, "Extension.RegistrationClosed", "Extension registration closed already"};
      if (place != all_.end())
        return Refusal{403, "Extension.InvalidExtensionState", "Extension with this name already registered"};
      if (all_.size() >= kMost)
        return Refusal{403, "Extension.TooManyExtensions", "Extension limit (" + std::to_string(kMost) + ") reached"};
      Extension one;
      one.name = name;
      place = all_.insert(all_.end(), std::move(one));
    }
    place->registered = true;
    place->id = id = base::uuid();
    for (const auto& event : events) (event == "INVOKE" ? place->wants_invoke : place->wants_shutdown) = true;
  }
  tell();
  return id;
}

async::Task<std::optional<std::variant<std::string, Extensions::Refusal>>> Extensions::next(std::string id) {
  bool said = false;
  for (;;) {
    const auto ticket = events_.ticket();
    std::optional<std::string> event;
    {
      std::lock_guard lock(mutex_);
      if (closed_) co_return std::nullopt;
      auto* one = find(id);
      if (!one) co_return Refusal{403, "Extension.UnknownExtensionIdentifier", "Unknown extension " + id};
      if (!said && one->waiting) co_return wrong_state(one->name);
      one->waiting = true;
      if (one->event) {
        event = std::exchange(one->event, std::nullopt);
        one->waiting = false;
      }
    }
    if (!std::exchange(said, true) || event) changed_();
    if (event) co_return std::move(*event);
    co_await events_.wait(ticket, kLong);
  }
}

std::optional<Extensions::Refusal> Extensions::report(const std::string& id, bool of_init, const std::string& error_type) {
  {
    std::lock_guard lock(mutex_);
    auto* one = find(id);
    if (!one) return Refusal{403, "Extension.UnknownExtensionIdentifier", "Unknown extension " + id};
    if (error_type.empty()) return Refusal{403, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found"};
    fail(of_init ? "Extension.InitError" : "Extension.ExitError", error_type);
  }
  tell();
  return std::nullopt;
}

std::optional<std::string> Extensions::name_of(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto* one = find(id);
  return one ? std::optional(one->name) : std::nullopt;
}

std::vector<std::string> Extensions::events_of(const std::string& id) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> events;
  const auto* one = find(id);
  if (one && one->wants_invoke) events.emplace_back("INVOKE");
  if (one && one->wants_shutdown) events.emplace_back("SHUTDOWN");
  return events;
}

void Extensions::not_started(std::size_t which, int error) {
  {
    std::lock_guard lock(mutex_);
    if (which >= all_.size()) return;
    all_[which].ended = true;
    fail("Extension.LaunchError", all_[which].name + ": " + strerror(error));
  }
  tell();
}

void Extensions::ended(std::size_t which, int status) {
  {
    std::lock_guard lock(mutex_);
    if (which >= all_.size()) return;
    all_[which].ended = true;
    fail("Extension.Crash", words_of(status));
  }
  tell();
}

bool Extensions::runtime_gone() const {
  std::lock_guard lock(mutex_);
  return runtime_gone_;
}

void Extensions::runtime_ended() {
  {
    std::lock_guard lock(mutex_);
    runtime_gone_ = true;
  }
  tell();
}

void Extensions::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  events_.notify_all();
}

}  // namespace lambari::sandbox
