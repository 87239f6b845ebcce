#include "services/lambda/async_model.h"

#include <stdexcept>

#include "base/json.h"
#include "store/json_row.h"
#include "store/key.h"

namespace lambari::lambda {
namespace {

namespace json = base::json;
using store::json_row::text;

// The parts of a key delimit themselves, which serves values with a large last part.
constexpr std::uint64_t kFormat = 1;

class Reader {
 public:
  explicit Reader(std::string_view bytes) : reader_(bytes) {
    text();
    if (number() != kFormat) fail();
  }
  std::string text() {
    std::string out;
    if (!reader_.text(out)) fail();
    return out;
  }
  std::uint64_t number() {
    std::uint64_t out = 0;
    if (!reader_.number(out)) fail();
    return out;
  }
  std::string rest() const { return std::string(reader_.rest()); }

 private:
  [[noreturn]] static void fail() { throw std::runtime_error("lambda: not the row of an asynchronous invocation"); }
  store::KeyReader reader_;
};

std::optional<int> integer(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (!value || !value->is_int64()) return std::nullopt;
  return static_cast<int>(value->as_int64());
}

}  // namespace

std::string encode(const EventInvokeConfig& c) {
  json::object out{{"format", kRowFormat}, {"modified", c.modified.ms}, {"onSuccess", c.on_success}, {"onFailure", c.on_failure}};
  if (c.max_age_s) out["maxAge"] = *c.max_age_s;
  if (c.max_retries) out["maxRetries"] = *c.max_retries;
  return base::to_json(out);
}

EventInvokeConfig decode_event_invoke_config(std::string_view bytes) {
  const auto value = base::parse_json(bytes);
  if (!value || !value->is_object()) throw std::runtime_error("lambda: a row is not JSON");
  const auto& object = value->as_object();
  EventInvokeConfig c;
  c.max_age_s = integer(object, "maxAge");
  c.max_retries = integer(object, "maxRetries");
  c.on_success = text(object, "onSuccess");
  c.on_failure = text(object, "onFailure");
  if (const auto* modified = object.if_contains("modified"); modified && modified->is_int64())
    c.modified.ms = modified->as_int64();
  return c;
}

std::string encode(const Event& e) {
  return store::Key("event")
      .number(kFormat)
      .text(e.function.account)
      .text(e.function.region)
      .text(e.function.name)
      .text(e.qualifier)
      .text(e.request_id)
      .text(e.client_context)
      .text(e.trace_header)
      .str()
      .append(e.payload);
}

Event decode_event(std::string_view bytes) {
  Reader reader(bytes);
  Event e;
  e.function.account = reader.text();
  e.function.region = reader.text();
  e.function.name = reader.text();
  e.qualifier = reader.text();
  e.request_id = reader.text();
  e.client_context = reader.text();
  e.trace_header = reader.text();
  e.payload = reader.rest();
  return e;
}

std::string encode(const Progress& p) {
  return store::Key("progress")
      .number(kFormat)
      .number(p.invoked)
      .number(p.refused)
      .number(static_cast<std::uint64_t>(p.status))
      .text(p.executed_version)
      .text(p.function_error)
      .str();
}

Progress decode_progress(std::string_view bytes) {
  Progress p;
  if (bytes.empty()) return p;
  Reader reader(bytes);
  p.invoked = static_cast<unsigned>(reader.number());
  p.refused = static_cast<unsigned>(reader.number());
  p.status = static_cast<int>(reader.number());
  p.executed_version = reader.text();
  p.function_error = reader.text();
  return p;
}

std::string encode(const Record& r) {
  store::Key key("record");
  key.number(kFormat).text(r.parcel.target).text(r.role).text(r.parcel.source_arn).text(r.parcel.id).text(r.parcel.trace_header);
  key.number(r.dead_letter ? 1 : 0).number(r.parcel.attributes.size());
  for (const auto& [name, attribute] : r.parcel.attributes) key.text(name).text(attribute.data_type).text(attribute.value);
  return std::move(key).str().append(r.parcel.body);
}

Record decode_record(std::string_view bytes) {
  Reader reader(bytes);
  Record r;
  r.parcel.target = reader.text();
  r.role = reader.text();
  r.parcel.source_arn = reader.text();
  r.parcel.id = reader.text();
  r.parcel.trace_header = reader.text();
  r.dead_letter = reader.number() == 1;
  for (auto left = reader.number(); left > 0; --left) {
    auto name = reader.text();
    contracts::MessageAttribute attribute;
    attribute.data_type = reader.text();
    attribute.value = reader.text();
    r.parcel.attributes.emplace(std::move(name), std::move(attribute));
  }
  r.parcel.body = reader.rest();
  return r;
}

}  // namespace lambari::lambda
