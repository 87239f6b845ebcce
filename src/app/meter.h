// The counts behind `lambari cost`, in memory; MeterBook keeps them over restarts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "contracts/meter.h"

namespace lambari::app {

struct Usage {
  std::string service, usage, resource;
  std::uint64_t amount = 0;
};

// Thread-safe. A count takes no lock, but for the first of its kind in a thread. At most kMeterSeries are told apart; what comes
// after them is counted under the resource "other".
class Meter final : public contracts::Meter {
 public:
  static constexpr std::size_t kMeterSeries = 20'000;

  Meter();
  ~Meter() override;
  Meter(const Meter&) = delete;

  void count(std::string_view service, std::string_view usage, std::string_view resource, std::uint64_t amount) override;
  std::vector<Usage> read() const;  // sorted; what is zero is left out
  void reset();

  // What is kept elsewhere: what was there at start comes in, what changed since it was written last goes out.
  void restore(const std::vector<Usage>& kept);
  std::vector<Usage> changes() const;
  void written(const std::vector<Usage>& changes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lambari::app
