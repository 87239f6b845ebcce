#include "wire/scope.h"

#include "base/text.h"

namespace lambari::wire {

std::optional<Scope> parse_scope(std::string_view credential) {
  auto parts = base::split(credential, '/');
  // An access key id may hold slashes itself; the scope is the last four parts.
  if (parts.size() < 5 || parts.back() != "aws4_request") return std::nullopt;
  std::size_t n = parts.size();
  Scope scope{std::string(credential.substr(0, static_cast<std::size_t>(parts[n - 4].data() - credential.data()) - 1)),
              std::string(parts[n - 4]), std::string(parts[n - 3]), std::string(parts[n - 2])};
  if (scope.access_key_id.empty()) return std::nullopt;
  return scope;
}

std::optional<Scope> credential_scope(const http::Request& request) {
  if (auto header = request.headers.find("Authorization")) {
    auto at = header->find("Credential=");
    if (at == std::string_view::npos) return std::nullopt;
    auto rest = header->substr(at + 11);
    return parse_scope(rest.substr(0, rest.find_first_of(", \t")));
  }
  auto query = request.query();
  auto at = query.find("X-Amz-Credential=");
  if (at == std::string_view::npos || (at > 0 && query[at - 1] != '&')) return std::nullopt;
  auto rest = query.substr(at + 17);
  return parse_scope(base::percent_decode(rest.substr(0, rest.find('&')), true));
}

}  // namespace lambari::wire
