// The one table of targets: which room delivers to an ARN. Filled by app while the house is built, read-only afterwards.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "contracts/target.h"

namespace lambari::delivery {

// Thread-safe once filled.
class Targets final : public contracts::Target {
 public:
  // `service` as in an ARN's third part: "sqs", "lambda". The target outlives the table's last use.
  void add(std::string service, contracts::Target& target) { by_service_.insert_or_assign(std::move(service), &target); }

  // nullptr when nothing delivers to such an ARN.
  contracts::Target* find(std::string_view arn) const;

  // Refused when nothing delivers to such an ARN.
  async::Task<contracts::Delivery> deliver(contracts::Parcel parcel) override;

 private:
  std::map<std::string, contracts::Target*, std::less<>> by_service_;
};

}  // namespace lambari::delivery
