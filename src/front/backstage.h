// What the admin API needs from the rest of the program. Implemented by app.
#pragma once

#include <optional>
#include <string>

#include "async/task.h"
#include "base/json.h"

namespace lambari::front {

// Thread-safe.
class Backstage {
 public:
  virtual ~Backstage() = default;
  virtual base::json::object health() const = 0;             // {"services": {"lambda": "running"}, "version": "0.1.0"}
  virtual base::json::object status() const = 0;             // address, pid, uptime, counts
  virtual async::Task<base::json::object> doctor() = 0;      // what this host gives, and the remedies
  virtual base::json::object cost() const = 0;               // what AWS would bill, as counts
  virtual base::json::object outbox(std::size_t limit) = 0;  // {"messages": email and SMS kept here, newest first}
  virtual std::string metrics() const = 0;                   // Prometheus text of everything but the front's own
  virtual std::string authority() const = 0;                 // the certificate that TLS clients need to trust, as PEM
  virtual void stop() = 0;                                   // begins the graceful stop and returns
  virtual async::Task<> nuke() = 0;                          // removes every resource of every account
  // The package of a function or layer that a token names (Code.Location). Nothing when there is none or it is over.
  virtual async::Task<std::optional<std::string>> package(const std::string& token) = 0;
};

}  // namespace lambari::front
