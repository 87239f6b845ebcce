#include "services/lambda/sources/rules.h"

#include <algorithm>

namespace lambari::sources {
namespace {

namespace json = base::json;

constexpr std::size_t kDepth = 1'000;

}  // namespace

std::optional<std::set<std::string>> reported_failures(std::string_view answer, const std::vector<Record>& batch) {
  std::set<std::string> failed;
  if (answer.empty()) return failed;
  const auto document = base::parse_json(answer, kDepth);
  if (!document) return std::nullopt;
  if (document->is_null()) return failed;
  if (!document->is_object()) return std::nullopt;
  const auto* list = document->as_object().if_contains("batchItemFailures");
  if (!list || list->is_null()) return failed;
  if (!list->is_array()) return std::nullopt;
  std::set<std::string_view> known;
  for (const auto& record : batch) known.insert(record.id);
  for (const auto& item : list->as_array()) {
    const auto* object = item.if_object();
    const auto* id = object ? object->if_contains("itemIdentifier") : nullptr;
    if (!id || !id->is_string() || !known.contains(std::string_view(id->get_string()))) return std::nullopt;
    failed.emplace(id->get_string());
  }
  return failed;
}

Filter::Filter(const std::vector<std::string>& patterns) {
  for (const auto& pattern : patterns) patterns_.push_back(lang::EventPattern::parse(pattern));
}

bool Filter::passes(const json::value& record) const {
  return patterns_.empty() ||
         std::any_of(patterns_.begin(), patterns_.end(), [&](const auto& pattern) { return pattern.matches(record); });
}

json::value message_for_filter(std::string_view record) {
  auto document = base::parse_json(record, kDepth).value_or(json::object());
  auto* object = document.if_object();
  auto* body = object ? object->if_contains("body") : nullptr;
  if (body && body->is_string()) {
    if (auto inner = base::parse_json(body->get_string(), kDepth); inner && inner->is_object()) *body = std::move(*inner);
  }
  return document;
}

void Scale::busy(std::size_t running, Time now) {
  if (running < allowed_ || allowed_ >= bound_ || now - changed_ < std::chrono::seconds(1)) return;
  allowed_ = std::min(bound_, allowed_ + kStep);
  changed_ = now;
}

void Scale::throttled(Time now) {
  allowed_ = std::max<std::size_t>(1, allowed_ / 2);
  changed_ = now;
}

}  // namespace lambari::sources
