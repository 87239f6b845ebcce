#include "services/lambda/sources/feed.h"

#include <stdexcept>

namespace lambari::sources {

async::Task<contracts::Principal> assumed(Caller caller) {
  auto principal = co_await caller();
  if (!principal) throw std::runtime_error("The function's execution role cannot be assumed by Lambda.");
  co_return std::move(*principal);
}

}  // namespace lambari::sources
