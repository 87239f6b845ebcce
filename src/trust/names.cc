#include "trust/names.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace lambari::trust {
namespace {

// amazonaws.com: almost every service. on.aws: function URLs, VPC lattice. api.aws: dual-stack endpoints. amazoncognito.com:
// hosted sign-in pages. cloudfront.net: distributions.
constexpr std::array<std::string_view, 6> kAws = {"amazonaws.com", "amazonaws.com.cn",  "on.aws",
                                                  "api.aws",       "amazoncognito.com", "cloudfront.net"};
constexpr std::array<std::string_view, 2> kHere = {"localhost", "sandbox.localdomain"};
constexpr std::array<std::string_view, 12> kVouched = {
    "amazonaws.com", "amazonaws.com.cn", "on.aws", "api.aws", "amazoncognito.com", "cloudfront.net", "localhost", "localdomain",
    "local",         "internal",         "test",   "lambari"};

bool under(std::string_view host, std::string_view suffix) {
  if (host.size() < suffix.size() || !base::iequals(host.substr(host.size() - suffix.size()), suffix)) return false;
  return host.size() == suffix.size() || host[host.size() - suffix.size() - 1] == '.';
}

bool under_any(std::string_view host, std::span<const std::string_view> suffixes) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return std::ranges::any_of(suffixes, [&](std::string_view suffix) { return under(host, suffix); });
}

}  // namespace

bool is_aws_name(std::string_view host) { return under_any(host, kAws); }
bool is_served_name(std::string_view host) { return under_any(host, kAws) || under_any(host, kHere); }
std::span<const std::string_view> vouched_suffixes() { return kVouched; }
bool may_be_vouched(std::string_view host) { return under_any(host, kVouched); }

}  // namespace lambari::trust
