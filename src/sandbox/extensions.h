// The extensions of one environment: who has registered, which events they wait for, and whether they are done with them.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "async/gate.h"
#include "sandbox/sandbox.h"

namespace lambari::sandbox {

// The programs in /opt/extensions, by the function's view: a layer hides what earlier ones have by the same name. Sorted.
std::vector<std::string> external_extensions(const std::vector<std::filesystem::path>& layers);

// Thread-safe. `changed` is called after every change, without a lock held.
class Extensions {
 public:
  struct Refusal {
    int status = 403;
    std::string type, message;
  };
  struct Failure {
    std::string type;     // "Extension.Crash"
    std::string message;  // "exit status 1"
  };

  // `external` are paths as the function sees them; an extension's name is its file's.
  Extensions(const std::vector<std::string>& external, std::function<void()> changed);

  // --- the invocation's side
  bool any() const;                           // there are some, of either kind
  bool registered() const;                    // all external ones have: the runtime may start
  bool ready() const;                         // all wait for an event: nothing is going on in them
  void invoke(const Invocation& invocation);  // from now on nobody can register
  // Tells those that want to know. `reason`: "spindown", "timeout" or "failure".
  void shut_down(const std::string& reason, std::chrono::milliseconds time);
  bool gone() const;  // all external ones have ended
  bool runtime_gone() const;
  bool wants_shutdown() const;
  std::optional<Failure> failure() const;  // the first

  // --- the API's side
  std::variant<std::string, Refusal> enroll(const std::string& name, const std::vector<std::string>& events);  // the identifier
  // The next event, as JSON. Waits; nothing when the environment closes.
  async::Task<std::optional<std::variant<std::string, Refusal>>> next(std::string id);
  std::optional<Refusal> report(const std::string& id, bool of_init, const std::string& error_type);
  std::optional<std::string> name_of(const std::string& id) const;
  std::vector<std::string> events_of(const std::string& id) const;

  // --- the processes' side
  void not_started(std::size_t which, int error);
  void ended(std::size_t which, int status);
  void runtime_ended();

  void close();

 private:
  struct Extension {
    std::string name, id;
    bool external = false, registered = false, waiting = false, ended = false;
    bool wants_invoke = false, wants_shutdown = false;
    std::optional<std::string> event;  // for its next call
  };
  Extension* find(const std::string& id);
  const Extension* find(const std::string& id) const;
  void fail(std::string type, std::string message);  // under the mutex
  void tell();

  const std::function<void()> changed_;
  mutable std::mutex mutex_;
  std::vector<Extension> all_;  // external ones first, as they were given
  bool closed_to_new_ = false, ending_ = false, runtime_gone_ = false, closed_ = false;
  std::optional<Failure> failure_;
  async::Event events_;
};

}  // namespace lambari::sandbox
