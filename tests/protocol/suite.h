// One suite of the protocol vectors as a service: its model, its operations' tables, and the router that finds them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dynamic.h"
#include "http/message.h"
#include "wire/router.h"
#include "wire/service.h"

namespace lambari::protocol {

namespace json = base::json;

class Suite final : public wire::Service {
 public:
  // One service with one operation.
  Suite(dynamic::Model& model, const json::object& given);
  const wire::ServiceModel& model() const override { return service_; }
  const wire::Operation& operation() const { return operation_; }
  wire::Match match() const;  // as the router would give it, without labels

 private:
  wire::Operation operation_;
  wire::Protocol protocol_;
  wire::ServiceModel service_;
};

// Runs `check` for every case of every file of "input" or "output"; `check` gives what is wrong, or nothing. Compares the outcome
// with the exceptions and reports the differences to GoogleTest. Skips when there are no vectors.
using Check = std::function<std::string(dynamic::Model& model, const json::object& suite, const json::object& one)>;
void run_cases(const std::string& side, const std::string& file, const Check& check);

}  // namespace lambari::protocol
