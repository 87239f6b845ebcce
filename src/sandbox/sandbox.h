// Execution environments: where functions run. One serves one request at a time: Init, Invoke..., Shutdown.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
//
// The server talks to a small separate executable, `lambari-sandbox`, which makes namespaces, cgroups and zygotes; it holds
// the privileges and never parses anything a client sent. The Runtime API listens inside each environment's own network
// namespace: the executable opens the socket there and passes it up.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/loops.h"
#include "async/task.h"
#include "base/clock.h"
#include "http/server.h"

namespace lambari::sandbox {

inline constexpr std::string_view kImageRuntime = "image";  // the runtime of functions that are container images

// What is started in a container image.
struct ImageProcess {
  std::vector<std::string> entry_point, command;   // a program, looked for in its PATH, and its arguments
  std::string folder;                              // "/" when empty
  std::map<std::string, std::string> environment;  // the image's own; the function's comes over it
};

// What the log of a function says about its extensions, as it happens: "platform.extension", "platform.telemetrySubscription" or
// "platform.logsSubscription", and the event's record, JSON. Called on any loop; may outlive the environment.
using ExtensionNews = std::function<void(std::string_view type, std::string_view record)>;

// What an environment is made of. Paths are on the host, read-only for the function, and outlive the environment.
struct FunctionSpec {
  std::string runtime;  // "python3.12", "nodejs20.x", "provided.al2023"
  std::string handler;
  std::filesystem::path code;                 // becomes /var/task
  std::optional<ImageProcess> image;          // then `code` is the whole root file system, and runtime kImageRuntime
  std::vector<std::filesystem::path> layers;  // merged in order into /opt, later ones over earlier ones
  std::map<std::string, std::string>
      environment;  // the whole of it, reserved names included, but for _HANDLER's kin that the sandbox knows
  int memory_mb = 128;
  int tmp_mb = 512;
  std::chrono::milliseconds init_timeout{10'000};
  // The start is part of the first invocation, and has its time: so AWS starts a function again whose start has failed.
  bool init_within_invocation = false;
  bool provisioned = false;  // AWS_LAMBDA_INITIALIZATION_TYPE says provisioned-concurrency instead of on-demand
  ExtensionNews extension_news = nullptr;
};

// Where an answer goes while it is made. One call at a time, on the loop of the runtime's connection; may outlive invoke().
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  // The function begins to answer; once, and not at all when it fails first. The type is the runtime's word:
  // "application/vnd.awslambda.http-integration-response" says that a JSON head and eight NUL bytes come first.
  virtual void begin(std::string content_type) = 0;
  // May wait, and the function waits with it. False: nobody listens any more. The function runs on all the same.
  virtual async::Task<bool> write(std::string piece) = 0;
};

struct Outcome;

struct Invocation {
  std::string request_id;
  std::string payload;
  std::string function_arn;
  std::string client_context;    // JSON or empty
  std::string cognito_identity;  // JSON or empty
  std::string trace_header;
  std::chrono::milliseconds timeout{3'000};
  // Set: the answer goes here, in the pieces that a streaming function writes (up to kMaxStream), whole from any other.
  // Otherwise the answer is collected, whatever the function does.
  std::shared_ptr<ResponseSink> sink;
  // Called once, where invoke() has to start the handler: the start is over and took so long, what was written until then has
  // been given to `lines`, and the handler is about to get the event. On a loop's thread.
  std::function<void(std::chrono::microseconds)> begun;
  // Called at most once, when the runtime has answered and extensions are still at work: its answer, which need not wait for
  // them. What invoke() returns afterwards tells how they ended.
  std::function<void(const Outcome&)> answered;
};

inline constexpr std::size_t kMaxStream = 200ULL * 1024 * 1024;  // AWS's default; of answers that are streamed

struct Outcome {
  enum class Kind {
    success,         // payload is the answer; empty when it went to a sink
    function_error,  // the handler raised, perhaps after the sink had its first pieces; payload is the error document
    init_error,      // the runtime reported /init/error, payload is its document
    timeout,         // the environment is gone
    crash,           // the process ended: exit_status or signal
    out_of_memory,
    payload_too_large,  // the answer was over 6 MB, or streamed and over kMaxStream; response_bytes says how large
  };
  Kind kind = Kind::success;
  std::string payload;
  std::string
      error_type;  // Lambda-Runtime-Function-Error-Type header, or "Sandbox.Timedout", "Runtime.ExitError", "Runtime.OutOfMemory"
  bool init_failed = false;  // it never came to the handler
  int exit_status = 0;
  int signal = 0;
  std::size_t response_bytes = 0;
  std::chrono::microseconds duration{};                    // of the invocation
  std::optional<std::chrono::microseconds> init_duration;  // set on the first invocation of an environment
  std::uint64_t max_memory_bytes = 0;                      // so far
};

// Lines a function wrote, in order. Called on a loop thread; `line` without its newline, at most 256 KiB.
using LineSink = std::function<void(base::Timestamp, std::string line)>;

// One environment. Used by one coroutine at a time. Destruction kills every process in it and frees all it held.
class Environment {
 public:
  virtual ~Environment() = default;
  virtual const std::string& id() const = 0;
  // The Init phase by itself, ahead of any call: starts the handler and answers when it asks for work (success) or will not
  // (init_failed; the environment is dead). init_duration says how long it took. At most once, and before invoke().
  virtual async::Task<Outcome> initialize(LineSink lines) = 0;
  // Starts the handler if this is the first call, then invokes. Standard output and error go to `lines` while it runs; all
  // that was written before the answer arrives before invoke() returns. After a kind other than success or function_error the
  // environment is dead: drop it.
  virtual async::Task<Outcome> invoke(Invocation invocation, LineSink lines) = 0;
  virtual bool alive() const = 0;
  // Between invocations: stops every process of it (cgroup freezer), or lets them run again. invoke() thaws by itself.
  virtual void freeze() = 0;
};

// What this host gives; shown by `lambari doctor` and at start.
struct Capability {
  std::string name;  // "user namespaces", "cgroup memory", "seccomp"
  bool available = false;
  std::string detail;  // what was found, or why not
  std::string remedy;  // what the user can do; empty when available
};

struct RuntimeInfo {
  std::string asked;   // "python3.12"
  std::string actual;  // "python3.11"; empty when it cannot run here
  std::string detail;
};

enum class Isolation { full, process };
// How functions reach public addresses: not at all, through the host's kernel (root), or through pasta(1).
enum class Internet { none, nat, pasta };

struct Options {
  Isolation isolation = Isolation::full;
  Internet internet = Internet::none;  // of isolated functions; plain processes have the host's network
  bool strict_runtimes = false;
  std::filesystem::path executable;       // lambari-sandbox; found beside /proc/self/exe when empty
  std::filesystem::path runtimes;         // the runtime packs; found relative to the executable when empty
  std::filesystem::path state_directory;  // for mount points and sockets; emptied at start
  unsigned warm_slots = 2;                // prepared environments kept per runtime in use, and of Java per size of heap
  std::uint16_t endpoint_port = 4566;     // where AWS_ENDPOINT_URL points, inside the environment
  // What functions are given to trust, in ca.pem (our authority), bundle.pem (with the system's) and truststore.jks (for Java).
  // Empty: the host's certificates.
  std::filesystem::path trusted;
  // Host names, in lower case, that are `endpoint` inside the environment, at ports 80 and 443 (with TLS, where `endpoint` speaks
  // it).
  std::function<bool(std::string_view name)> is_endpoint_name = [](std::string_view) { return false; };
  // Answers what is asked for other names, as whole DNS messages (dns::Resolve). Without it they do not exist.
  std::function<async::Task<std::string>(std::string listener, std::string query)> resolve;
};

// The runtime is not known, or cannot run on this host.
struct UnknownRuntime : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// The executable is gone or the host refused a part that isolation needs.
struct SandboxFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct SandboxCounters {
  std::uint64_t started = 0, reused_slots = 0, killed = 0, out_of_memory = 0;
  std::uint64_t alive = 0;
};

// Thread-safe. Destruction kills everything.
class Sandbox {
 public:
  // Starts the executable. `endpoint` serves what functions send to AWS (requests carry listener "env:<id>"); it outlives this.
  // Throws SandboxFailed when isolation is `full` and the host lacks a part of it; the message says which and the remedy.
  static std::unique_ptr<Sandbox> start(async::Loops& loops, http::Server& endpoint, Options options);
  virtual ~Sandbox() = default;

  // An environment in which the code is in place; its handler starts at the first invoke().
  virtual async::Task<std::unique_ptr<Environment>> create(FunctionSpec spec) = 0;

  // A function of this runtime and memory is likely to be invoked soon: prepares environments for it, so that the first one is as
  // quick as the later ones. Returns at once; costs nothing when repeated.
  virtual void expect(const std::string& runtime, int memory_mb) {}

  // Until environments that were dropped are gone: extensions have some time for their end.
  virtual async::Task<> settled() { co_return; }

  virtual std::vector<Capability> capabilities() const = 0;
  virtual RuntimeInfo runtime(const std::string& asked) const = 0;  // strict_runtimes is honoured
  virtual std::vector<std::string> known_runtimes() const = 0;
  virtual SandboxCounters counters() const = 0;
};

}  // namespace lambari::sandbox
