#include "services/apigateway/event.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"

namespace lambari::apigateway {

void JsonObject::key(std::string_view name) {
  if (!first_) out_ += ',';
  first_ = false;
  base::append_json_string(out_, name);
  out_ += ':';
}

void JsonObject::text(std::string_view name, std::string_view value) {
  key(name);
  base::append_json_string(out_, value);
}

void JsonObject::raw(std::string_view name, std::string_view json) {
  key(name);
  out_ += json;
}

namespace {

void group(MultiMap& map, std::string name, std::string value) {
  for (auto& [known, values] : map)
    if (known == name) {
      values.push_back(std::move(value));
      return;
    }
  map.emplace_back(std::move(name), std::vector<std::string>{std::move(value)});
}

}  // namespace

MultiMap grouped_headers(const http::Headers& headers) {
  MultiMap map;
  map.reserve(headers.size());
  for (const auto& field : headers) group(map, base::lower(field.name), field.value);
  std::sort(map.begin(), map.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return map;
}

MultiMap grouped_query(std::string_view query) {
  // A map by name first: a query of many parameters must not cost their square.
  std::map<std::string, std::size_t> index;
  MultiMap map;
  for (auto& [name, value] : base::parse_query(query)) {
    const auto [at, added] = index.emplace(name, map.size());
    if (added)
      map.emplace_back(std::move(name), std::vector<std::string>{std::move(value)});
    else
      map[at->second].second.push_back(std::move(value));
  }
  return map;
}

bool is_text_body(const http::Headers& headers, std::string_view body) {
  if (!base::is_utf8(body) || headers.has("content-encoding")) return false;
  const auto header = headers.find("content-type");
  if (!header) return true;
  const std::string type = base::lower(base::trim(base::cut(*header, ';').first));
  return type.starts_with("text/") || type == "application/json" || type == "application/javascript" ||
         type == "application/xml" || type.ends_with("+json") || type.ends_with("+xml");
}

void append_path_parameters(JsonObject& object, const Exchange& x, bool null_when_none, std::string& out) {
  const std::size_t count = std::min(x.route->variables.size(), x.values.count);
  if (count == 0) {
    if (null_when_none) object.raw("pathParameters", "null");
    return;
  }
  object.key("pathParameters");
  JsonObject parameters(out);
  for (std::size_t i = 0; i < count; ++i) parameters.text(x.route->variables[i], base::percent_decode(x.values.values[i]));
  parameters.end();
}

void append_body(JsonObject& object, const Exchange& x, bool null_when_none) {
  const std::string& body = x.request.body;
  const bool text = is_text_body(x.request.headers, body);
  if (body.empty()) {
    if (null_when_none) object.raw("body", "null");
  } else if (text) {
    object.text("body", body);
  } else {
    object.text("body", base::base64(body));
  }
  object.raw("isBase64Encoded", !body.empty() && !text ? "true" : "false");
}

}  // namespace lambari::apigateway
