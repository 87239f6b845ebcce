// Counters and latency of what passes the front, as Prometheus text.
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "wire/service.h"

namespace lambari::front {

// Upper bounds in microseconds; one more bucket takes the rest.
inline constexpr std::array<std::uint64_t, 14> kLatencyBuckets = {
    100, 250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 1'000'000, 5'000'000, 30'000'000};

struct Series {
  std::string service, operation;
  std::atomic<std::uint64_t> served{0}, refused{0}, failed{0};  // status below 400, below 500, the rest
  std::atomic<std::uint64_t> unserved{0};                       // answered 501 for lack of a room
  std::atomic<std::uint64_t> microseconds{0};
  std::array<std::atomic<std::uint64_t>, kLatencyBuckets.size() + 1> latency{};

  void count(int status, std::chrono::steady_clock::duration took);
  std::uint64_t requests() const { return served + refused + failed; }
};

// Every series exists from the start, so counting takes no lock. Thread-safe.
class Metrics {
 public:
  // One series per operation of `services`, one for each name in `doors`, one for what means no service.
  Metrics(const std::vector<wire::Service*>& services, const std::vector<std::string>& doors);

  Series& of(const wire::Operation* operation);  // nullptr: no service or no operation
  Series& door(std::size_t index) { return doors_[index]; }

  std::uint64_t requests() const;
  // Series that were never touched are left out.
  std::string prometheus() const;

 private:
  std::deque<Series> operations_;
  std::deque<Series> doors_;
  Series other_;
  std::unordered_map<const wire::Operation*, Series*> index_;
};

// One "# HELP / # TYPE / value" group, for the counters of other parts.
std::string prometheus_line(std::string_view name, std::string_view type, std::string_view help, double value);

}  // namespace lambari::front
