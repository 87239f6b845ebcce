#include "services/apigateway/mapping.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/text.h"
#include "services/apigateway/exchange.h"

namespace lambari::apigateway {
namespace {

// AWS looks at no more of a body when a mapping reads it.
constexpr std::size_t kBodyRead = 100 * 1024;

constexpr std::array<std::string_view, 18> kReserved = {"authorization",
                                                        "connection",
                                                        "content-encoding",
                                                        "content-length",
                                                        "content-location",
                                                        "forwarded",
                                                        "keep-alive",
                                                        "origin",
                                                        "proxy-authenticate",
                                                        "proxy-authorization",
                                                        "te",
                                                        "trailers",
                                                        "transfer-encoding",
                                                        "upgrade",
                                                        "x-forwarded-for",
                                                        "x-forwarded-host",
                                                        "x-forwarded-proto",
                                                        "via"};
constexpr std::array<std::string_view, 4> kReservedPrefixes = {"access-control-", "apigw-", "x-amz-", "x-amzn-"};

bool is_reserved(std::string_view header) {
  const std::string name = base::lower(header);
  return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end() ||
         std::any_of(kReservedPrefixes.begin(), kReservedPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

std::optional<std::string> combined(const http::Headers& headers, std::string_view name) {
  std::optional<std::string> value;
  for (std::string_view each : headers.all(name)) {
    if (value) *value += ',';
    (value ? *value : value.emplace()) += each;
  }
  return value;
}

// ".a.b[0]['c']" against a document. Recursive descent and filters are not supported, as on AWS.
std::optional<std::string> read_body(std::string_view body, std::string_view path) {
  if (path.empty()) return std::string(body);
  const auto document = base::parse_json(body.substr(0, kBodyRead));
  if (!document) return {};
  const base::json::value* at = &*document;
  while (!path.empty()) {
    std::string_view name;
    if (path.front() == '.') {
      path.remove_prefix(1);
      const auto end = path.find_first_of(".[");
      name = path.substr(0, end);
      path = end == path.npos ? std::string_view() : path.substr(end);
    } else if (path.front() == '[') {
      const auto end = path.find(']');
      if (end == path.npos) return {};
      name = path.substr(1, end - 1);
      path.remove_prefix(end + 1);
      if (name.size() >= 2 && (name.front() == '\'' || name.front() == '"') && name.back() == name.front()) {
        name = name.substr(1, name.size() - 2);
      } else {
        const auto index = base::parse_int(name);
        const auto* array = at->if_array();
        if (!index || !array || *index < 0 || static_cast<std::size_t>(*index) >= array->size()) return {};
        at = &(*array)[static_cast<std::size_t>(*index)];
        continue;
      }
    } else {
      return {};
    }
    const auto* object = at->if_object();
    at = object ? object->if_contains(name) : nullptr;
    if (!at) return {};
  }
  if (const auto* string = at->if_string()) return std::string(*string);
  if (at->is_null()) return {};
  return base::to_json(*at);
}

struct Key {
  MappingRule::Action action;
  MappingRule::Place place;
  std::string name;
};

std::optional<Key> parse_key(MappingSide side, std::string_view key) {
  using Action = MappingRule::Action;
  using Place = MappingRule::Place;
  const auto [verb, target] = base::cut(key, ':');
  Key out{};
  if (verb == "append")
    out.action = Action::append;
  else if (verb == "overwrite")
    out.action = Action::overwrite;
  else if (verb == "remove")
    out.action = Action::remove;
  else
    return {};
  constexpr std::string_view kHeader = "header.", kQuery = "querystring.";
  if (target.starts_with(kHeader)) {
    out.place = Place::header;
    out.name = std::string(target.substr(kHeader.size()));
    return is_token(out.name) ? std::optional(out) : std::nullopt;
  }
  if (side == MappingSide::request && target.starts_with(kQuery)) {
    out.place = Place::query;
    out.name = std::string(target.substr(kQuery.size()));
    return out.name.empty() ? std::nullopt : std::optional(out);
  }
  if (out.action != Action::overwrite) return {};
  if (side == MappingSide::request && target == "path") {
    out.place = Place::path;
    return out;
  }
  if (side == MappingSide::response && target == "statuscode") {
    out.place = Place::status;
    return out;
  }
  return {};
}

std::string without_breaks(std::string value) {
  std::erase_if(value, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
  return value;
}

}  // namespace

std::optional<MappingValue::Piece> MappingValue::reference(MappingSide side, std::string_view text) {
  const auto after = [&](std::string_view prefix) -> std::optional<std::string> {
    if (text.size() <= prefix.size() || !text.starts_with(prefix)) return {};
    return std::string(text.substr(prefix.size()));
  };
  if (auto name = after("context.")) return Piece{Source::context, *name};
  if (auto name = after("stageVariables.")) return Piece{Source::stage_variable, *name};
  const std::string base = side == MappingSide::request ? "request." : "response.";
  if (auto name = after(base + "header.")) return Piece{Source::header, *name};
  if (text == base + "body") return Piece{Source::body, {}};
  if (auto path = after(base + "body")) {
    if ((path->front() != '.' && path->front() != '[') || path->find("..") != path->npos || path->find("?(") != path->npos)
      return {};
    return Piece{Source::body, *path};
  }
  if (side == MappingSide::request) {
    if (auto name = after("request.querystring.")) return Piece{Source::query, *name};
    if (text == "request.path") return Piece{Source::path, {}};
    if (auto name = after("request.path.")) return Piece{Source::path_variable, *name};
  }
  return {};
}

std::optional<MappingValue> MappingValue::parse(MappingSide side, std::string_view text) {
  MappingValue value;
  if (text.starts_with('$') && !text.starts_with("${")) {
    auto piece = reference(side, text.substr(1));
    if (!piece) return {};
    value.pieces_.push_back(std::move(*piece));
    return value;
  }
  while (!text.empty()) {
    const auto open = text.find("${");
    if (open != 0) value.pieces_.push_back({Source::text, std::string(text.substr(0, open))});
    if (open == text.npos) break;
    const auto close = text.find('}', open);
    if (close == text.npos) return {};
    auto piece = reference(side, text.substr(open + 2, close - open - 2));
    if (!piece) return {};
    value.pieces_.push_back(std::move(*piece));
    text.remove_prefix(close + 1);
  }
  return value;
}

std::optional<std::string> MappingValue::evaluate(const Exchange& x, const http::Response* response) const {
  std::string out;
  for (const auto& piece : pieces_) {
    std::optional<std::string> part;
    switch (piece.source) {
      case Source::text: part = piece.name; break;
      case Source::header: part = combined(response ? response->headers : x.request.headers, piece.name); break;
      case Source::body: part = read_body(response ? response->body : x.request.body, piece.name); break;
      case Source::path: part = base::percent_decode(x.path_in_stage()); break;
      case Source::path_variable: part = x.path_variable(piece.name); break;
      case Source::context: part = context_value(x, piece.name); break;
      case Source::query:
        for (const auto& [name, value] : base::parse_query(x.query)) {
          if (name != piece.name) continue;
          if (part) *part += ',';
          (part ? *part : part.emplace()) += value;
        }
        break;
      case Source::stage_variable:
        if (x.stage)
          if (const auto found = x.stage->variables.find(piece.name); found != x.stage->variables.end()) part = found->second;
        break;
    }
    if (!part) return {};
    out += *part;
  }
  return out;
}

std::string mapping_error(MappingSide side, std::string_view key, std::string_view value) {
  const auto parsed = parse_key(side, key);
  if (!parsed)
    return fmt::format(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter "
        "specified: {}]",
        key);
  if (parsed->place == MappingRule::Place::header && is_reserved(parsed->name))
    return fmt::format("Operations on header {} are restricted", base::lower(parsed->name));
  if (parsed->action == MappingRule::Action::remove) return {};
  if (value.empty() || value.size() > 4096 || !MappingValue::parse(side, value))
    return fmt::format(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: "
        "{}]",
        value);
  if (parsed->place == MappingRule::Place::status && !value.starts_with('$')) {
    const auto number = base::parse_int(value);
    if (!number || *number < 200 || *number > 599) return fmt::format("Invalid status code specified: {}", value);
  }
  return {};
}

Mapping compile_mapping(MappingSide side, const ParameterMap& parameters) {
  Mapping mapping;
  for (const auto& [key, value] : parameters) {
    auto parsed = parse_key(side, key);
    if (!parsed) continue;
    auto template_ = parsed->action == MappingRule::Action::remove ? MappingValue() : MappingValue::parse(side, value);
    if (template_) mapping.push_back({parsed->action, parsed->place, std::move(parsed->name), std::move(*template_)});
  }
  return mapping;
}

void map_request(const Mapping& mapping, Exchange& x) {
  if (mapping.empty()) return;
  std::vector<std::optional<std::string>> values;
  bool query_changes = false;
  for (const auto& rule : mapping) {
    values.push_back(rule.action == MappingRule::Action::remove ? std::optional<std::string>() : rule.value.evaluate(x, nullptr));
    query_changes |= rule.place == MappingRule::Place::query;
  }
  std::vector<std::pair<std::string, std::string>> query;
  if (query_changes) query = base::parse_query(x.query);
  for (std::size_t i = 0; i < mapping.size(); ++i) {
    const auto& rule = mapping[i];
    const bool removes = rule.action == MappingRule::Action::remove;
    if (!removes && !values[i]) continue;
    const bool replaces = removes || rule.action == MappingRule::Action::overwrite;
    switch (rule.place) {
      case MappingRule::Place::header:
        if (replaces) x.request.headers.remove(rule.name);
        if (!removes) x.request.headers.add(rule.name, without_breaks(std::move(*values[i])));
        break;
      case MappingRule::Place::query:
        if (replaces) std::erase_if(query, [&](const auto& pair) { return pair.first == rule.name; });
        if (!removes) query.emplace_back(rule.name, std::move(*values[i]));
        break;
      case MappingRule::Place::path:
        x.path = std::move(*values[i]);
        if (!x.path.starts_with('/')) x.path.insert(0, "/");
        x.path_overwritten = true;
        break;
      case MappingRule::Place::status: break;
    }
  }
  if (query_changes) {
    x.query.clear();
    for (const auto& [name, value] : query) {
      if (!x.query.empty()) x.query += '&';
      x.query += base::percent_encode(name) + '=' + base::percent_encode(value);
    }
  }
}

void map_response(const Mapping& mapping, const Exchange& x, http::Response& response) {
  std::vector<std::optional<std::string>> values;
  for (const auto& rule : mapping)
    values.push_back(rule.action == MappingRule::Action::remove ? std::optional<std::string>()
                                                                : rule.value.evaluate(x, &response));
  for (std::size_t i = 0; i < mapping.size(); ++i) {
    const auto& rule = mapping[i];
    const bool removes = rule.action == MappingRule::Action::remove;
    if (!removes && !values[i]) continue;
    if (rule.place == MappingRule::Place::status) {
      const auto number = base::parse_int(*values[i]);
      if (number && *number >= 200 && *number <= 599) response.status = static_cast<int>(*number);
      continue;
    }
    if (removes || rule.action == MappingRule::Action::overwrite) response.headers.remove(rule.name);
    if (!removes) response.headers.add(rule.name, without_breaks(std::move(*values[i])));
  }
}

}  // namespace lambari::apigateway
