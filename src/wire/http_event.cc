#include "wire/http_event.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/text.h"

namespace lambari::wire {

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

void append_body(JsonObject& object, const http::Headers& headers, std::string_view body, bool null_when_none) {
  const bool text = is_text_body(headers, body);
  if (body.empty()) {
    if (null_when_none) object.raw("body", "null");
  } else if (text) {
    object.text("body", body);
  } else {
    object.text("body", base::base64(body));
  }
  object.raw("isBase64Encoded", !body.empty() && !text ? "true" : "false");
}

void remove_hop_by_hop(http::Headers& headers) {
  std::vector<std::string> named;
  for (std::string_view line : headers.all("connection"))
    for (std::string_view name : base::split(line, ',')) named.emplace_back(base::trim(name));
  for (const auto& name : named)
    if (!name.empty()) headers.remove(name);
  for (std::string_view name : {"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te",
                                "trailer", "transfer-encoding", "upgrade", "expect"})
    if (headers.has(name)) headers.remove(name);
}

// splitmix64, seeded once per thread: these are names, not secrets, and a system call per request would show.
std::uint64_t quick_random() {
  thread_local std::uint64_t state = base::random_u64();
  std::uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void forward_headers(http::Request& request, base::Timestamp now) {
  auto& headers = request.headers;
  remove_hop_by_hop(headers);
  std::string forwarded;
  for (std::string_view each : headers.all("x-forwarded-for")) {
    forwarded += each;
    forwarded += ", ";
  }
  forwarded += request.remote_address;
  headers.set("X-Forwarded-For", std::move(forwarded));
  headers.set("X-Forwarded-Port", std::to_string(request.local_port));
  headers.set("X-Forwarded-Proto", request.secure ? "https" : "http");
  headers.set("Content-Length", std::to_string(request.body.size()));
  if (!headers.has("x-amzn-trace-id"))
    headers.add("X-Amzn-Trace-Id", fmt::format("Root=1-{:08x}-{:08x}{:016x}", static_cast<std::uint32_t>(now.ms / 1000),
                                               static_cast<std::uint32_t>(quick_random()), quick_random()));
}

std::string clf_time(base::Timestamp time) {
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = time.ms / 1000;
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  return fmt::format("{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000", tm.tm_mday, kMonths[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
                     tm.tm_min, tm.tm_sec);
}

namespace {

void append_joined(JsonObject& object, std::string_view name, const std::vector<std::string>& values) {
  if (values.size() == 1) return object.text(name, values.front());
  std::string joined;
  for (const auto& value : values) {
    if (&value != &values.front()) joined += ',';
    joined += value;
  }
  object.text(name, joined);
}

void append_cookies(JsonObject& event, const http::Headers& headers, std::string& out) {
  bool any = false;
  for (std::string_view line : headers.all("cookie"))
    while (!line.empty()) {
      const auto [cookie, rest] = base::cut(line, ';');
      line = rest;
      const std::string_view trimmed = base::trim(cookie);
      if (trimmed.empty()) continue;
      if (any)
        out += ',';
      else {
        event.key("cookies");
        out += '[';
      }
      any = true;
      base::append_json_string(out, trimmed);
    }
  if (any) out += ']';
}

}  // namespace

std::string event_v2(const HttpCall& call, const std::function<void(JsonObject&)>& in_context,
                     const std::function<void(JsonObject&)>& beside) {
  const auto& request = call.request;
  std::string out;
  out.reserve(1536 + request.body.size() + request.body.size() / 2);
  JsonObject event(out);
  event.raw("version", "\"2.0\"");
  event.text("routeKey", call.route_key);
  event.text("rawPath", call.path);
  event.text("rawQueryString", call.query);
  append_cookies(event, request.headers, out);

  event.key("headers");
  JsonObject headers(out);
  for (const auto& [name, values] : grouped_headers(request.headers))
    if (name != "cookie") append_joined(headers, name, values);
  headers.end();

  if (!call.query.empty()) {
    event.key("queryStringParameters");
    JsonObject query(out);
    for (const auto& [name, values] : grouped_query(call.query)) append_joined(query, name, values);
    query.end();
  }

  event.key("requestContext");
  JsonObject context(out);
  context.text("accountId", call.account);
  context.text("apiId", call.api_id);
  in_context(context);
  context.text("domainName", call.domain_name);
  context.text("domainPrefix", call.domain_prefix);
  context.key("http");
  JsonObject http(out);
  http.text("method", request.method);
  http.text("path", call.path);
  http.text("protocol", call.protocol);
  http.text("sourceIp", request.remote_address);
  http.text("userAgent", request.headers.get("user-agent"));
  http.end();
  context.text("requestId", call.request_id);
  context.text("routeKey", call.route_key);
  context.text("stage", call.stage);
  context.text("time", clf_time(call.time));
  context.raw("timeEpoch", std::to_string(call.time.ms));
  context.end();

  beside(event);
  append_body(event, request.headers, request.body, false);
  event.end();
  return out;
}

}  // namespace lambari::wire
