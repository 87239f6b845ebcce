#include "services/sns/retries.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace lambari::sns {
namespace {

namespace json = base::json;
using Function = RetryPhases::Function;

constexpr std::array kFunctions = {"linear", "arithmetic", "geometric", "exponential"};
constexpr std::array kContentTypes = {"text/plain; charset=UTF-8",
                                      "text/plain",
                                      "application/json",
                                      "application/xml",
                                      "text/html",
                                      "text/css",
                                      "text/csv",
                                      "text/javascript",
                                      "application/octet-stream",
                                      "application/atom+xml",
                                      "application/x-www-form-urlencoded",
                                      "text/xml"};

[[noreturn]] void fail(std::string what) { throw PolicyRefused("DeliveryPolicy: " + what); }

// Where the numbers of a policy go, with their bounds.
struct Number {
  const char* name;
  std::int64_t RetryPhases::* member;
  std::int64_t low, high;
};
constexpr Number kNumbers[] = {{"minDelayTarget", &RetryPhases::min_delay, 1, 3600},
                               {"maxDelayTarget", &RetryPhases::max_delay, 1, 3600},
                               {"numRetries", &RetryPhases::retries, 0, 100},
                               {"numNoDelayRetries", &RetryPhases::no_delay, 0, 100},
                               {"numMinDelayRetries", &RetryPhases::min_delay_retries, 0, 100},
                               {"numMaxDelayRetries", &RetryPhases::max_delay_retries, 0, 100}};

const json::object* part(const json::object& object, std::string_view name) {
  const auto* member = object.if_contains(name);
  if (member == nullptr || member->is_null()) return nullptr;
  if (!member->is_object()) fail(fmt::format("{} must be an object", name));
  return &member->get_object();
}

void read_retry(const json::object& object, RetryPhases& out) {
  for (const auto& [name, value] : object) {
    if (value.is_null()) continue;
    if (name == "backoffFunction") {
      const auto found = std::find(kFunctions.begin(), kFunctions.end(),
                                   value.is_string() ? std::string_view(value.get_string()) : std::string_view());
      if (found == kFunctions.end())
        fail("healthyRetryPolicy.backoffFunction must be one of: linear, arithmetic, geometric, exponential");
      out.function = static_cast<Function>(found - kFunctions.begin());
      continue;
    }
    const auto* number = std::find_if(std::begin(kNumbers), std::end(kNumbers), [&](const Number& n) { return name == n.name; });
    if (number == std::end(kNumbers)) fail(fmt::format("unknown property healthyRetryPolicy.{}", std::string_view(name)));
    if (!value.is_int64() || value.get_int64() < number->low || value.get_int64() > number->high)
      fail(fmt::format("healthyRetryPolicy.{} must be a number from {} to {}", number->name, number->low, number->high));
    out.*number->member = value.get_int64();
  }
}

void check(const RetryPhases& p) {
  if (p.max_delay < p.min_delay) fail("healthyRetryPolicy.maxDelayTarget must be greater than or equal to minDelayTarget");
  if (p.no_delay + p.min_delay_retries + p.max_delay_retries > p.retries)
    fail(
        "healthyRetryPolicy.numRetries must be greater than or equal to the sum of numNoDelayRetries, numMinDelayRetries and "
        "numMaxDelayRetries");
  std::chrono::milliseconds total{0};
  for (unsigned retry = 1; auto delay = retry_delay(p, retry); ++retry) total += *delay;
  if (total > std::chrono::seconds(3600)) fail("the total retry time must not exceed 3600 seconds");
}

// `prefix` is "default" in a topic's policy; names are then capitalized after it.
std::string named(bool of_topic, std::string_view name) {
  std::string out(name);
  if (!of_topic) return out;
  out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return "default" + out;
}

void read_policy(const json::object& object, bool of_topic, HttpPolicy& out) {
  for (const auto& [name, value] : object) {
    const std::string_view key = name;
    if (key != named(of_topic, "healthyRetryPolicy") && key != named(of_topic, "throttlePolicy") &&
        key != named(of_topic, "requestPolicy") && !(of_topic && key == "disableSubscriptionOverrides") &&
        !(!of_topic && key == "sicklyRetryPolicy" && value.is_null()) && !(!of_topic && key == "guaranteed"))
      fail(fmt::format("unknown property {}", key));
  }
  if (const auto* retry = part(object, named(of_topic, "healthyRetryPolicy"))) read_retry(*retry, out.retry);
  if (const auto* throttle = part(object, named(of_topic, "throttlePolicy"))) {
    const auto* rate = throttle->if_contains("maxReceivesPerSecond");
    if (rate && !rate->is_null()) {
      if (!rate->is_int64() || rate->get_int64() < 1) fail("throttlePolicy.maxReceivesPerSecond must be at least 1");
      out.receives_per_second = rate->get_int64();
    }
  }
  if (const auto* request = part(object, named(of_topic, "requestPolicy"))) {
    const auto* type = request->if_contains("headerContentType");
    if (type && !type->is_null()) {
      const std::string_view text = type->is_string() ? std::string_view(type->get_string()) : std::string_view();
      const auto bare = text.substr(0, text.find(';'));
      if (std::none_of(kContentTypes.begin(), kContentTypes.end(), [&](std::string_view k) { return k == text || k == bare; }))
        fail("requestPolicy.headerContentType is not supported");
      out.content_type = text;
    }
  }
}

json::object document(std::string_view text) {
  auto value = base::parse_json(text);
  if (!value || !value->is_object()) fail("failed to parse JSON");
  return std::move(value->get_object());
}

const json::object* http_part(const json::object& topic_policy) { return part(topic_policy, "http"); }

bool overrides_disabled(const json::object& http) {
  const auto* off = http.if_contains("disableSubscriptionOverrides");
  return off && off->is_bool() && off->get_bool();
}

json::object retry_object(const RetryPhases& p) {
  json::object out;
  for (const auto& number : kNumbers) out[number.name] = p.*number.member;
  out["backoffFunction"] = kFunctions[static_cast<std::size_t>(p.function)];
  return out;
}

json::object policy_object(const HttpPolicy& p, bool of_topic) {
  json::object out;
  out[named(of_topic, "healthyRetryPolicy")] = retry_object(p.retry);
  if (p.receives_per_second > 0)
    out[named(of_topic, "throttlePolicy")] = json::object{{"maxReceivesPerSecond", p.receives_per_second}};
  out[named(of_topic, "requestPolicy")] = json::object{{"headerContentType", p.content_type}};
  return out;
}

}  // namespace

RetryPhases managed_retries() {
  RetryPhases p;
  p.no_delay = 3;
  p.min_delay_retries = 2;
  p.min_delay = 1;
  p.max_delay = 20;
  p.max_delay_retries = 100'000;
  p.retries = 100'015;
  p.function = Function::exponential;
  return p;
}

std::optional<std::chrono::milliseconds> retry_delay(const RetryPhases& p, unsigned retry) {
  std::int64_t n = retry;
  if (n < 1 || n > p.retries) return std::nullopt;
  auto seconds = [](double s) { return std::chrono::milliseconds(static_cast<std::int64_t>(s * 1000)); };
  if (n <= p.no_delay) return seconds(0);
  n -= p.no_delay;
  if (n <= p.min_delay_retries) return seconds(static_cast<double>(p.min_delay));
  n -= p.min_delay_retries;
  const std::int64_t backoff = p.retries - p.no_delay - p.min_delay_retries - p.max_delay_retries;
  if (n > backoff) return seconds(static_cast<double>(p.max_delay));
  const double low = static_cast<double>(p.min_delay), high = static_cast<double>(p.max_delay);
  if (backoff == 1) return seconds(low);
  const double at = static_cast<double>(n - 1) / static_cast<double>(backoff - 1);  // 0 at the first, 1 at the last
  switch (p.function) {
    case Function::linear: return seconds(low + (high - low) * at);
    case Function::arithmetic: {  // steps that grow evenly
      const double steps = static_cast<double>(backoff - 1), done = static_cast<double>(n - 1);
      return seconds(low + (high - low) * (done * (done + 1)) / (steps * (steps + 1)));
    }
    case Function::geometric: return seconds(low * std::pow(high / low, at));
    case Function::exponential: {
      const double steps = static_cast<double>(backoff - 1), done = static_cast<double>(n - 1);
      return seconds(low + (high - low) * (std::exp2(done) - 1) / (std::exp2(steps) - 1));
    }
  }
  return std::nullopt;
}

void check_topic_delivery_policy(std::string_view text) {
  const auto policy = document(text);
  for (const auto& member : policy)
    if (member.key() != "http") fail(fmt::format("unknown property {}", std::string_view(member.key())));
  HttpPolicy out;
  if (const auto* http = http_part(policy)) read_policy(*http, true, out);
  check(out.retry);
}

void check_subscription_delivery_policy(std::string_view text) {
  HttpPolicy out;
  read_policy(document(text), false, out);
  check(out.retry);
}

HttpPolicy effective_policy(std::string_view of_topic, std::string_view of_subscription) {
  HttpPolicy out;
  bool overridable = true;
  if (!of_topic.empty()) {
    const auto policy = document(of_topic);
    if (const auto* http = http_part(policy)) {
      read_policy(*http, true, out);
      overridable = !overrides_disabled(*http);
    }
  }
  if (!of_subscription.empty() && overridable) read_policy(document(of_subscription), false, out);
  return out;
}

std::string effective_topic_policy(std::string_view of_topic) {
  bool overrides_off = false;
  if (!of_topic.empty()) {
    const auto policy = document(of_topic);
    if (const auto* http = http_part(policy)) overrides_off = overrides_disabled(*http);
  }
  auto http = policy_object(effective_policy(of_topic, {}), true);
  http["disableSubscriptionOverrides"] = overrides_off;
  return base::to_json(json::object{{"http", std::move(http)}});
}

std::string effective_subscription_policy(std::string_view of_topic, std::string_view of_subscription) {
  return base::to_json(policy_object(effective_policy(of_topic, of_subscription), false));
}

}  // namespace lambari::sns
