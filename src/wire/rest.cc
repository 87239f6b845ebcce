#include "wire/rest.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "wire/scalar.h"

namespace lambari::wire {
namespace {

// Comma-separated values; quoted ones may hold commas. An HTTP date holds one comma itself.
std::vector<std::string> split_list(std::string_view text, bool dates) {
  std::vector<std::string> items;
  if (base::trim(text).empty()) return items;
  std::string item;
  bool quoted = false, was_quoted = false;
  int commas = 0;
  auto finish = [&] {
    items.push_back(was_quoted ? item : std::string(base::trim(item)));
    item.clear();
    was_quoted = false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c == '\\' && i + 1 < text.size())
        item += text[++i];
      else if (c == '"')
        quoted = false;
      else
        item += c;
    } else if (c == '"' && base::trim(item).empty()) {
      item.clear();
      quoted = was_quoted = true;
    } else if (c == ',' && !(dates && commas++ % 2 == 0)) {
      finish();
    } else if (!was_quoted || (c != ' ' && c != '\t')) {
      item += c;
    }
  }
  finish();
  return items;
}

void append_list_item(std::string& out, std::string_view item) {
  if (item.find_first_of(",\"") == std::string_view::npos && base::trim(item).size() == item.size() && !item.empty()) {
    out += item;
    return;
  }
  out += '"';
  for (char c : item) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

bool is_date_list(const Member& member) {
  const Member& element = *member.shape()->element;
  return element.shape()->kind == Kind::timestamp && time_format(element, TimeFormat::rfc822) == TimeFormat::rfc822;
}

void read_header(const Member& member, std::string_view text, void* value) {
  const Shape& shape = *member.shape();
  if (shape.kind == Kind::list) {
    for (const auto& item : split_list(text, is_date_list(member)))
      parse_scalar(item, *shape.element, shape.append(value), TimeFormat::rfc822);
  } else if (member.json_value && shape.kind == Kind::string) {
    auto json = base::unbase64(text);
    if (!json) refuse("Invalid base64");
    *static_cast<std::string*>(value) = std::move(*json);
  } else {
    parse_scalar(text, member, value, TimeFormat::rfc822);
  }
}

std::string header_text(const Member& member, const void* value) {
  const Shape& shape = *member.shape();
  std::string out;
  if (shape.kind == Kind::list) {
    bool quote = shape.element->shape()->kind == Kind::string;
    for (std::size_t i = 0; i < shape.count(value); ++i) {
      if (i) out += ", ";
      std::string item;
      append_scalar(item, *shape.element, shape.at(value, i), TimeFormat::rfc822);
      if (quote)
        append_list_item(out, item);
      else
        out += item;
    }
  } else if (member.json_value && shape.kind == Kind::string) {
    out = base::base64(*static_cast<const std::string*>(value));
  } else {
    append_scalar(out, member, value, TimeFormat::rfc822);
  }
  // A value from a caller must not end the header early.
  std::replace_if(out.begin(), out.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return out;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Every parameter that is not part of the URI itself, those bound to other members too: so Smithy has it for servers.
void read_query_map(const Pairs& query, std::string_view uri, const Shape& shape, void* value) {
  Pairs fixed = base::parse_query(base::cut(uri, '?').second);
  for (const auto& [name, text] : query) {
    if (std::any_of(fixed.begin(), fixed.end(), [&, n = std::string_view(name)](const auto& f) { return f.first == n; }))
      continue;
    void* item = shape.emplace(value, name);
    const Shape& element = *shape.element->shape();
    if (element.kind == Kind::list)
      parse_scalar(text, *element.element, element.append(item), TimeFormat::iso8601);
    else
      parse_scalar(text, *shape.element, item, TimeFormat::iso8601);
  }
}

void read_query_member(const Pairs& query, const Member& member, void* value, Presence& presence) {
  const Shape& shape = *member.shape();
  bool seen = false;
  for (const auto& [name, text] : query) {
    if (name != member.wire_name) continue;
    if (seen && shape.kind != Kind::list) continue;
    if (!seen) presence.mark(member);
    seen = true;
    void* target = member.mutate(value, member);
    if (shape.kind == Kind::list)
      parse_scalar(text, *shape.element, shape.append(target), TimeFormat::iso8601);
    else
      parse_scalar(text, member, target, TimeFormat::iso8601);
  }
}

void read_prefix_headers(const http::Request& request, const Member& member, void* value, Presence& presence) {
  const Shape& shape = *member.shape();
  bool seen = false;
  for (const auto& field : request.headers) {
    std::string_view name = field.name;
    if (name.size() < member.wire_name.size() || !base::iequals(name.substr(0, member.wire_name.size()), member.wire_name))
      continue;
    if (!seen) presence.mark(member);
    seen = true;
    void* target = shape.emplace(member.mutate(value, member), name.substr(member.wire_name.size()));
    parse_scalar(field.value, *shape.element, target, TimeFormat::rfc822);
  }
}

}  // namespace

const Member* payload_member(const Shape& shape) { return shape.payload.empty() ? nullptr : find_member(shape, shape.payload); }

bool has_body_members(const Shape& shape) {
  return std::any_of(shape.members.begin(), shape.members.end(), [](const Member& m) { return m.location == Location::body; });
}

void read_bindings(const Match& match, const http::Request& request, const Shape& input, void* value, Presence& presence) {
  std::optional<Pairs> query;
  auto pairs = [&]() -> const Pairs& {
    if (!query) query = base::parse_query(request.query());
    return *query;
  };
  for (const auto& member : input.members) {
    switch (member.location) {
      case Location::body:
      case Location::event_header:
      case Location::event_payload:
      case Location::status: break;
      case Location::uri:
        for (const auto& [name, text] : match.labels) {
          if (name != member.wire_name) continue;
          presence.mark(member);
          parse_scalar(text, member, member.mutate(value, member), TimeFormat::iso8601);
          break;
        }
        break;
      case Location::query:
        if (member.shape()->kind != Kind::map) {
          read_query_member(pairs(), member, value, presence);
        } else if (!pairs().empty()) {
          presence.mark(member);
          read_query_map(pairs(), match.operation->uri, *member.shape(), member.mutate(value, member));
        }
        break;
      case Location::header: {
        auto fields = request.headers.all(member.wire_name);
        if (fields.empty()) break;
        presence.mark(member);
        std::string text(fields[0]);
        for (std::size_t i = 1; i < fields.size(); ++i) (text += ", ") += fields[i];
        read_header(member, text, member.mutate(value, member));
        break;
      }
      case Location::headers: read_prefix_headers(request, member, value, presence); break;
    }
  }
}

void write_bindings(const Shape& output, const void* value, http::Response& response) {
  for (const auto& member : output.members) {
    if (member.location == Location::body) continue;
    const void* item = member.read(value, member);
    if (!item) continue;
    const Shape& shape = *member.shape();
    if (member.location == Location::status) {
      response.status = *static_cast<const std::int32_t*>(item);
    } else if (member.location == Location::header) {
      if (shape.kind == Kind::list && shape.count(item) == 0) continue;
      response.headers.set(std::string(member.wire_name), header_text(member, item));
    } else if (member.location == Location::headers) {
      std::pair<const Member*, http::Response*> context{&member, &response};
      shape.for_each(item, &context, [](void* c, const std::string& key, const void* v) {
        auto& [m, to] = *static_cast<std::pair<const Member*, http::Response*>*>(c);
        to->headers.set(std::string(m->wire_name) + key, header_text(*m->shape()->element, v));
      });
    }
  }
}

}  // namespace lambari::wire
