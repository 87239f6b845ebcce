#include "wire/canonical.h"

#include <algorithm>

#include "base/text.h"

namespace lambari::wire {
namespace {

std::string canonical_path(std::string_view path, const CanonicalStyle& style) {
  std::string joined;
  if (style.normalize_path) {
    std::vector<std::string_view> kept;
    for (auto segment : base::split(path, '/')) {
      if (segment.empty() || segment == ".") continue;
      if (segment == "..") {
        if (!kept.empty()) kept.pop_back();
      } else {
        kept.push_back(segment);
      }
    }
    for (auto segment : kept) (joined += '/') += segment;
    if (joined.empty() || (path.size() > 1 && path.ends_with('/'))) joined += '/';
  } else {
    joined = path.empty() ? "/" : path;
  }
  return base::percent_encode(style.double_encode ? joined : base::percent_decode(joined), true);
}

std::string recoded(std::string_view text, PlusSign plus) {
  if (plus == PlusSign::raw) {
    std::string out;
    for (std::size_t at = 0; at <= text.size();) {
      auto end = std::min(text.find('+', at), text.size());
      out += base::percent_encode(base::percent_decode(text.substr(at, end - at)));
      if (end < text.size()) out += '+';
      at = end + 1;
    }
    return out;
  }
  return base::percent_encode(base::percent_decode(text, plus == PlusSign::space));
}

void append_query(std::string& out, std::string_view query, const CanonicalStyle& style) {
  if (query.empty()) return;
  std::vector<std::pair<std::string, std::string>> pairs;
  for (auto part : base::split(query, '&')) {
    if (part.empty() || part.starts_with("X-Amz-Signature=")) continue;
    if (style.unsigned_token && part.starts_with("X-Amz-Security-Token=")) continue;
    auto [name, value] = base::cut(part, '=');
    pairs.emplace_back(recoded(name, style.plus), recoded(value, style.plus));
  }
  std::sort(pairs.begin(), pairs.end());
  bool first = true;
  for (const auto& [name, value] : pairs) {
    if (!first) out += '&';
    first = false;
    ((out += name) += '=') += value;
  }
}

// Outer spaces gone, inner runs of white space one space.
void append_folded(std::string& out, std::string_view value) {
  bool space = false, any = false;
  for (char c : value) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      space = any;
      continue;
    }
    if (space) out += ' ';
    space = false;
    any = true;
    out += c;
  }
}

}  // namespace

std::string canonical_request(const http::Request& request, const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, const CanonicalStyle& style) {
  std::string out;
  out.reserve(1024);
  (out += request.method) += '\n';
  (out += canonical_path(request.path(), style)) += '\n';
  append_query(out, request.query(), style);
  out += '\n';
  for (const auto& name : signed_headers) {
    (out += name) += ':';
    bool first = true;
    for (const auto& value : request.headers.all(name)) {
      if (!first) out += ',';
      first = false;
      append_folded(out, value);
    }
    out += '\n';
  }
  out += '\n';
  bool first = true;
  for (const auto& name : signed_headers) {
    if (!first) out += ';';
    first = false;
    out += name;
  }
  return (out += '\n') += payload_hash;
}

}  // namespace lambari::wire
