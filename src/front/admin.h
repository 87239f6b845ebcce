// lambari's own API, under /_lambari/. Not AWS's: no signature, so it is guarded by where a request comes from.
//
//   GET  health (also /_localstack/health), ca.pem, packages/<token>  anybody
//   GET  metrics                                                      by a local Host name (no DNS rebinding)
//   GET  status, doctor, cost, clock, outbox?limit=100                and from this machine
//   POST stop, clock, nuke                                            and with "X-Lambari: 1", which a foreign page cannot send
//
// Functions never get past the first line.
#pragma once

#include <string_view>

#include "async/task.h"
#include "base/clock.h"
#include "front/backstage.h"
#include "front/metrics.h"
#include "http/message.h"

namespace lambari::front {

// Thread-safe. What it is given outlives it.
class Admin {
 public:
  Admin(Backstage& backstage, base::Clock& clock, const Metrics& metrics)
      : backstage_(backstage), clock_(clock), metrics_(metrics) {}

  static bool owns(const http::Request& request);
  async::Task<http::Response> serve(http::Request request);

 private:
  http::Response clock_now() const;
  http::Response move_clock(const http::Request& request);

  Backstage& backstage_;
  base::Clock& clock_;
  const Metrics& metrics_;
};

}  // namespace lambari::front
