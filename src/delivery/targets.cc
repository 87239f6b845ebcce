#include "delivery/targets.h"

#include "base/text.h"

namespace lambari::delivery {

contracts::Target* Targets::find(std::string_view arn) const {
  const auto parts = base::split(arn, ':');
  if (parts.size() < 6 || parts[0] != "arn") return nullptr;
  const auto it = by_service_.find(parts[2]);
  return it == by_service_.end() ? nullptr : it->second;
}

async::Task<contracts::Delivery> Targets::deliver(contracts::Parcel parcel) {
  if (auto* target = find(parcel.target)) co_return co_await target->deliver(std::move(parcel));
  co_return contracts::Delivery{contracts::Delivery::Kind::refused, "InvalidParameterValueException",
                                "Nothing delivers to " + parcel.target + ".", 400};
}

}  // namespace lambari::delivery
