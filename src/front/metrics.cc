#include "front/metrics.h"

#include <fmt/format.h>

#include <iterator>

namespace lambari::front {

void Series::count(int status, std::chrono::steady_clock::duration took) {
  auto us = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  auto& counter = status < 400 ? served : status < 500 ? refused : failed;
  counter.fetch_add(1, std::memory_order_relaxed);
  microseconds.fetch_add(us, std::memory_order_relaxed);
  std::size_t bucket = 0;
  while (bucket < kLatencyBuckets.size() && us > kLatencyBuckets[bucket]) ++bucket;
  latency[bucket].fetch_add(1, std::memory_order_relaxed);
}

Metrics::Metrics(const std::vector<wire::Service*>& services, const std::vector<std::string>& doors) {
  for (const auto* service : services) {
    for (const auto& operation : service->model().operations) {
      auto& series = operations_.emplace_back();
      series.service = service->model().name;
      series.operation = operation.name;
      index_.emplace(&operation, &series);
    }
  }
  for (const auto& name : doors) {
    auto& series = doors_.emplace_back();
    series.service = name;
    series.operation = "request";
  }
  other_.service = "none";
  other_.operation = "unknown";
}

Series& Metrics::of(const wire::Operation* operation) {
  auto found = index_.find(operation);
  return found == index_.end() ? other_ : *found->second;
}

std::uint64_t Metrics::requests() const {
  std::uint64_t sum = other_.requests();
  for (const auto& series : operations_) sum += series.requests();
  for (const auto& series : doors_) sum += series.requests();
  return sum;
}

std::string Metrics::prometheus() const {
  std::vector<const Series*> touched;
  auto collect = [&](const Series& series) {
    if (series.requests() > 0) touched.push_back(&series);
  };
  for (const auto& series : operations_) collect(series);
  for (const auto& series : doors_) collect(series);
  collect(other_);

  std::string text;
  auto out = std::back_inserter(text);
  text += "# HELP lambari_requests_total Requests answered, by outcome.\n# TYPE lambari_requests_total counter\n";
  for (const auto* s : touched) {
    auto line = [&](std::string_view outcome, std::uint64_t value) {
      fmt::format_to(out, "lambari_requests_total{{service=\"{}\",operation=\"{}\",outcome=\"{}\"}} {}\n", s->service,
                     s->operation, outcome, value);
    };
    line("served", s->served);
    line("refused", s->refused);
    line("failed", s->failed);
  }
  text += "# HELP lambari_unserved_total Calls of operations that are not built yet.\n# TYPE lambari_unserved_total counter\n";
  for (const auto* s : touched)
    if (s->unserved > 0)
      fmt::format_to(out, "lambari_unserved_total{{service=\"{}\",operation=\"{}\"}} {}\n", s->service, s->operation,
                     s->unserved.load());
  text += "# HELP lambari_request_seconds Time from the whole request to its answer.\n# TYPE lambari_request_seconds histogram\n";
  for (const auto* s : touched) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < s->latency.size(); ++i) {
      sum += s->latency[i];
      auto bound = i < kLatencyBuckets.size() ? fmt::format("{}", static_cast<double>(kLatencyBuckets[i]) / 1e6) : "+Inf";
      fmt::format_to(out, "lambari_request_seconds_bucket{{service=\"{}\",operation=\"{}\",le=\"{}\"}} {}\n", s->service,
                     s->operation, bound, sum);
    }
    fmt::format_to(out, "lambari_request_seconds_sum{{service=\"{}\",operation=\"{}\"}} {}\n", s->service, s->operation,
                   static_cast<double>(s->microseconds) / 1e6);
    fmt::format_to(out, "lambari_request_seconds_count{{service=\"{}\",operation=\"{}\"}} {}\n", s->service, s->operation, sum);
  }
  return text;
}

std::string prometheus_line(std::string_view name, std::string_view type, std::string_view help, double value) {
  return fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
}

}  // namespace lambari::front
