#include "services/lambda/url_model.h"

#include <stdexcept>

#include "base/json.h"
#include "services/lambda/keys.h"
#include "store/json_row.h"

namespace lambari::lambda {
namespace {

namespace json = base::json;
using store::json_row::flag;
using store::json_row::number;
using store::json_row::text;

json::array texts(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

std::vector<std::string> texts(const json::object& object, std::string_view name) {
  std::vector<std::string> out;
  const auto* value = object.if_contains(name);
  if (const auto* list = value ? value->if_array() : nullptr) {
    for (const auto& item : *list) {
      if (item.is_string()) out.emplace_back(item.as_string());
    }
  }
  return out;
}

bool read_key(std::string_view bytes, FunctionUrl& url) {
  store::KeyReader key(bytes);
  std::string table;
  return key.text(table) && key.text(url.function.account) && key.text(url.function.region) && key.text(url.function.name) &&
         key.text(url.qualifier);
}

}  // namespace

std::string encode(const FunctionUrl& url) {
  json::object out{{"format", kRowFormat},      {"id", url.id},
                   {"authType", url.auth_type}, {"invokeMode", url.invoke_mode},
                   {"created", url.created.ms}, {"modified", url.modified.ms}};
  if (url.cors) {
    json::object cors{{"credentials", url.cors->allow_credentials},
                      {"headers", texts(url.cors->allow_headers)},
                      {"methods", texts(url.cors->allow_methods)},
                      {"origins", texts(url.cors->allow_origins)},
                      {"expose", texts(url.cors->expose_headers)}};
    if (url.cors->max_age) cors["maxAge"] = *url.cors->max_age;
    out["cors"] = std::move(cors);
  }
  return base::to_json(out);
}

FunctionUrl decode_function_url(std::string_view bytes) {
  const auto object = store::json_row::parse(bytes);
  if (number(object, "format") > kRowFormat) throw std::runtime_error("lambda: a row is of a newer format");
  FunctionUrl url;
  url.id = text(object, "id");
  url.auth_type = text(object, "authType");
  url.invoke_mode = text(object, "invokeMode");
  url.created.ms = number(object, "created");
  url.modified.ms = number(object, "modified");
  const auto* member = object.if_contains("cors");
  if (const auto* cors = member ? member->if_object() : nullptr) {
    auto& c = url.cors.emplace();
    c.allow_credentials = flag(*cors, "credentials");
    c.allow_headers = texts(*cors, "headers");
    c.allow_methods = texts(*cors, "methods");
    c.allow_origins = texts(*cors, "origins");
    c.expose_headers = texts(*cors, "expose");
    if (cors->contains("maxAge")) c.max_age = static_cast<int>(number(*cors, "maxAge"));
  }
  return url;
}

namespace rows {

std::optional<FunctionUrl> function_url(store::Reader& reader, const FunctionKey& key, std::string_view qualifier) {
  const auto bytes = reader.get(keys::url(key, qualifier));
  if (!bytes) return std::nullopt;
  auto url = decode_function_url(*bytes);
  url.function = key;
  url.qualifier = qualifier;
  return url;
}

std::optional<FunctionUrl> function_url(store::Reader& reader, std::string_view id) {
  const auto key = reader.get(keys::url_id(id));
  if (!key) return std::nullopt;
  FunctionUrl named;
  if (!read_key(*key, named)) return std::nullopt;
  return function_url(reader, named.function, named.qualifier);
}

std::vector<FunctionUrl> function_urls(store::Reader& reader, const FunctionKey& key) {
  std::vector<FunctionUrl> out;
  auto range = store::prefix_range(keys::urls(key));
  constexpr std::size_t kScan = 512;
  for (bool more = true; more;) {
    const auto found = reader.scan(range, kScan);
    for (const auto& row : found) {
      auto url = decode_function_url(row.value);
      if (read_key(row.key, url)) out.push_back(std::move(url));
    }
    more = found.size() == kScan;
    if (more) range.begin = found.back().key + '\0';
  }
  return out;
}

void put(store::Transaction& t, const FunctionUrl& url) {
  const auto key = keys::url(url.function, url.qualifier);
  t.put(key, encode(url));
  t.put(keys::url_id(url.id), key);
}

void erase_function_url(store::Transaction& t, const FunctionKey& key, std::string_view qualifier) {
  const auto url = function_url(t, key, qualifier);
  if (!url) return;
  t.erase(keys::url_id(url->id));
  t.erase(keys::url(key, qualifier));
}

void erase_function_urls(store::Transaction& t, const FunctionKey& key) {
  for (const auto& url : function_urls(t, key)) {
    t.erase(keys::url_id(url.id));
    t.erase(keys::url(key, url.qualifier));
  }
}

}  // namespace rows
}  // namespace lambari::lambda
