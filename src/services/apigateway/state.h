// What the room keeps in memory: its dependencies and the table the gateway answers from.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "services/apigateway/compiled.h"
#include "services/apigateway/service.h"
#include "services/apigateway/store.h"
#include "wire/call.h"

namespace lambari::apigateway {

struct ApiGateway::State {
  explicit State(Dependencies dependencies) : deps(std::move(dependencies)), table(std::make_shared<const Table>()) {}

  Dependencies deps;

  // Compiles one API from what the store says now, and swaps it in. Called after each commit; concurrent calls are in line, and
  // each reads after the commits before it, so the last one shows them all.
  void refresh(const ApiRef& ref);
  void refresh_all();

  std::shared_ptr<const Table> snapshot() const {
    const std::lock_guard lock(swapping);
    return table;
  }

  base::Timestamp now() const { return deps.clock.now(); }
  // http://{apiId}.execute-api.{public_host}:{port}
  std::string endpoint(const wire::Call& call, const std::string& api_id) const;

  void publish(std::shared_ptr<const Table> fresh) {
    const std::lock_guard lock(swapping);
    table.swap(fresh);  // the former one is let go after the lock
  }

  std::mutex rebuilding;
  mutable std::mutex swapping;  // held for a pointer's copy
  std::shared_ptr<const Table> table;
};

inline ApiRef ref_of(const wire::Call& call, std::string api_id) { return {{call.account, call.region}, std::move(api_id)}; }

}  // namespace lambari::apigateway
