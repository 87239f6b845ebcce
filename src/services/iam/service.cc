#include "services/iam/service.h"

#include "services/iam/iam_api.h"
#include "services/iam/keys.h"
#include "services/iam/state.h"
#include "services/iam/sts_api.h"

namespace lambari::iam {

Iam::Iam(Dependencies dependencies)
    : state_(std::make_unique<State>(dependencies.clock, dependencies.store)),
      iam_(std::make_unique<IamApi>(*state_)),
      sts_(std::make_unique<StsApi>(*state_)) {}

Iam::~Iam() = default;

aws::iam::AbstractService& Iam::iam_api() { return *iam_; }
aws::sts::AbstractService& Iam::sts_api() { return *sts_; }

async::Task<> Iam::start() { co_await seal_key(*state_); }

async::Task<> Iam::nuke() {
  co_await state_->store.commit([](store::Transaction& t) {
    for (const auto table : keys::kTables) t.erase(store::prefix_range(store::Key(table).str()));
    t.erase(keys::seal());  // so that no session outlives the role it came from
  });
  invalidate(*state_);
  forget_sessions(*state_);
}

}  // namespace lambari::iam
