// Counts what AWS would bill. Thread-safe, lock-free on the hot path.
#pragma once

#include <cstdint>
#include <string_view>

namespace lambari::contracts {

class Meter {
 public:
  virtual ~Meter() = default;
  // `usage` as in AWS's bill: "Lambda-GB-ms", "Request", "ApiGatewayHttpRequest". `resource` is an ARN.
  virtual void count(std::string_view service, std::string_view usage, std::string_view resource, std::uint64_t amount) = 0;
};

class NoMeter final : public Meter {
 public:
  void count(std::string_view, std::string_view, std::string_view, std::uint64_t) override {}
};

}  // namespace lambari::contracts
