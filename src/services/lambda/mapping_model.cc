#include "services/lambda/mapping_model.h"

#include <stdexcept>

#include "base/json.h"
#include "store/json_row.h"

namespace lambari::lambda {
namespace {

namespace json = base::json;
using store::json_row::flag;
using store::json_row::number;
using store::json_row::text;

}  // namespace

std::string encode(const Mapping& m) {
  json::object tags;
  for (const auto& [name, value] : m.tags) tags[name] = value;
  json::object out{{"format", kRowFormat},
                   {"uuid", m.uuid},
                   {"source", m.source},
                   {"account", m.function.account},
                   {"region", m.function.region},
                   {"function", m.function.name},
                   {"qualifier", m.qualifier},
                   {"batchSize", m.batch_size},
                   {"window", m.window_s},
                   {"filters", json::array(m.filters.begin(), m.filters.end())},
                   {"reportFailures", m.report_failures},
                   {"enabled", m.enabled},
                   {"state", m.state},
                   {"modified", m.modified.ms},
                   {"generation", static_cast<std::int64_t>(m.generation)},
                   {"tags", std::move(tags)}};
  if (m.max_concurrency) out["maxConcurrency"] = *m.max_concurrency;
  if (!m.starting_position.empty()) {
    out["startingPosition"] = m.starting_position;
    out["parallelization"] = m.parallelization;
    out["maxAge"] = m.max_age_s;
    out["maxRetries"] = m.max_retries;
    out["tumbling"] = m.tumbling_s;
    out["bisect"] = m.bisect;
    out["onFailure"] = m.on_failure;
  }
  return base::to_json(out);
}

Mapping decode_mapping(std::string_view bytes) {
  const auto value = base::parse_json(bytes);
  if (!value || !value->is_object()) throw std::runtime_error("lambda: a row is not JSON");
  const auto& object = value->as_object();
  if (number(object, "format") != kRowFormat) throw std::runtime_error("lambda: a row is of a newer format");
  Mapping m;
  m.uuid = text(object, "uuid");
  m.source = text(object, "source");
  m.function = {text(object, "account"), text(object, "region"), text(object, "function")};
  m.qualifier = text(object, "qualifier");
  m.batch_size = static_cast<int>(number(object, "batchSize"));
  m.window_s = static_cast<int>(number(object, "window"));
  if (const auto* filters = object.if_contains("filters"); filters && filters->is_array()) {
    for (const auto& filter : filters->as_array()) {
      if (filter.is_string()) m.filters.emplace_back(filter.as_string());
    }
  }
  m.report_failures = flag(object, "reportFailures");
  if (object.contains("maxConcurrency")) m.max_concurrency = static_cast<int>(number(object, "maxConcurrency"));
  m.starting_position = text(object, "startingPosition");
  if (!m.starting_position.empty()) {
    m.parallelization = static_cast<int>(number(object, "parallelization"));
    m.max_age_s = static_cast<int>(number(object, "maxAge"));
    m.max_retries = static_cast<int>(number(object, "maxRetries"));
    m.tumbling_s = static_cast<int>(number(object, "tumbling"));
    m.bisect = flag(object, "bisect");
    m.on_failure = text(object, "onFailure");
  }
  m.enabled = flag(object, "enabled");
  m.state = text(object, "state");
  m.modified.ms = number(object, "modified");
  m.generation = static_cast<std::uint64_t>(number(object, "generation"));
  if (const auto* tags = object.if_contains("tags"); tags && tags->is_object()) {
    for (const auto& tag : tags->as_object()) {
      if (tag.value().is_string()) m.tags.emplace(tag.key(), tag.value().as_string());
    }
  }
  return m;
}

}  // namespace lambari::lambda
