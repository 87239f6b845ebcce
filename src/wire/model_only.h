// A service that is only its model: enough for the router and the codecs, where nothing is called (tests, fuzzers, benchmarks).
#pragma once

#include "wire/service.h"

namespace lambari::wire {

class ModelOnly final : public Service {
 public:
  explicit ModelOnly(const ServiceModel& model) : model_(model) {}
  const ServiceModel& model() const override { return model_; }

 private:
  const ServiceModel& model_;
};

}  // namespace lambari::wire
