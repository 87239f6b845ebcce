// The execution environments of this process: made when none is idle, used again, retired.
//
//   (cold) -> busy -> idle -> busy ... -> gone
// A call that finds none idle starts one, or waits for one that is busy: see crowd.h.
// An environment belongs to one generation of one function version. It goes when it died, sat idle longer than the traffic
// teaches (traffic.h), lived too long, its credentials are about to expire, its version changed or was deleted, or the host runs
// short of memory. Provisioned ones (want()) are made ahead, serve before others are made, and do not go for idleness.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async/gate.h"
#include "async/task.h"
#include "base/clock.h"
#include "sandbox/sandbox.h"
#include "services/lambda/admission.h"
#include "services/lambda/function_log.h"
#include "services/lambda/model.h"
#include "services/lambda/packages.h"
#include "services/lambda/service.h"

namespace lambari::lambda {

// Thread-safe. Leases may outlive the pool's own object, not the sandbox.
class Environments {
 public:
  Environments(const Dependencies& dependencies, const Settings& settings, Packages& packages);
  ~Environments();

  // One environment with everything that belongs to it.
  struct Live {
    std::unique_ptr<sandbox::Environment> environment;
    FunctionLog::Stream stream;
    bool initialized = false;  // the Init phase is over
    bool provisioned = false;
    bool frozen = false;
    bool has_extensions = false;                             // or may have
    std::optional<std::chrono::microseconds> init_duration;  // until an invocation has reported it
    base::Timestamp credentials_expire, born, idle_since;
    std::chrono::steady_clock::time_point rests_since;  // by the machine's time
    std::vector<Packages::DirectoryRef> directories;    // the code and the layers it sees
  };

  struct State;
  struct Pool;
  struct Counted;
  class Place;

  // The right to run one invocation, in an environment of the version. Gone, it counts no more; the environment goes with it
  // unless give_back() was called.
  class Lease {
   public:
    Lease(std::shared_ptr<State> state, std::shared_ptr<Pool> pool, FunctionKey function, Admission::Share share);
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    Live& live() { return *live_; }
    void give_back();  // it is well and may serve again
    // To be called when an environment that is started for this call has handed it to the handler: however long that works,
    // others need not wait for this start. May be called at any time, by any thread.
    std::function<void()> come_to_handler() const;

   private:
    friend class Environments;
    enum class Stage { none, starting, running };
    void done();
    std::shared_ptr<State> state_;
    std::shared_ptr<Pool> pool_;
    FunctionKey function_;
    Admission::Share share_;
    std::unique_ptr<Live> live_;
    Stage stage_ = Stage::none;
    std::chrono::steady_clock::time_point began_;  // since when it has its environment, or starts one
  };

  // Throws TooManyRequestsException when the shares are used up, AccessDeniedException when the role cannot be assumed,
  // InvalidRuntimeException, ServiceException.
  async::Task<Lease> acquire(std::shared_ptr<const Version> version, Shares shares);
  // ---- provisioned concurrency ----
  // From now on `count` environments of the version are to be there; what is idle and too much goes. Who calls makes them, with
  // provide(), whenever provision() shows that some are missing.
  void want(const Version& version, int count);
  struct Provision {
    int wanted = 0, allocated = 0, available = 0;  // allocated: made and not gone, available: of them idle
  };
  Provision provision(const Version& version) const;
  // Makes and initializes one. "" when it is there (or was wanted no more), else why not, as StatusReason says it.
  async::Task<std::string> provide(std::shared_ptr<const Version> version);

  // Another environment in place of the lease's own, whose start has failed: this one starts within the invocation, and writes
  // to the same log stream. Throws what acquire() throws.
  async::Task<> start_again(Lease& lease, std::shared_ptr<const Version> version);

  // What is idle goes at once, what is busy when it is done.
  void retire(const FunctionKey& function, std::uint64_t number);
  void retire(const FunctionKey& function);
  void retire_all();

  // Retires what is idle; called about once a second.
  void tend();
  // Freezes what has been idle for a moment. True: something will have to be soon. rested() tells when there is something again.
  bool freeze_idle();
  async::Event& rested();

  Lambda::Counters counters() const;
  void count_invocation();

 private:
  struct Making {
    bool provisioned = false;
    std::string log_stream = {};  // of the environment that this one replaces, and starts within the invocation
  };
  bool usable(const Live& live, base::Timestamp until) const;
  std::optional<Lease> provisioned(const Version& version, base::Timestamp usable_until,
                                   std::chrono::steady_clock::time_point now);
  async::Task<bool> find(Lease& lease, base::Timestamp usable_until);
  async::Task<std::unique_ptr<Live>> make(std::shared_ptr<const Version> version, Making how);

  base::Clock& clock_;
  sandbox::Sandbox* sandbox_;
  contracts::Credentials& credentials_;
  contracts::Authorizer& authorizer_;
  contracts::LogSink& logs_;
  const Settings settings_;
  Packages& packages_;
  std::shared_ptr<State> state_;
};

// Everything a function sees in its environment, but for what the sandbox adds. Pure.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
std::map<std::string, std::string> variables_of(const Version& version, const contracts::TemporaryCredentials& credentials,
                                                std::string_view log_group, std::string_view log_stream);

}  // namespace lambari::lambda
