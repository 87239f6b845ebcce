// The first line is an action, the second a resource, the rest a policy document; read as each kind.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lang/policy.h"

namespace {

struct Context final : lambari::lang::PolicyContext {
  explicit Context(std::string_view value) : value(value) {}
  bool find(std::string_view key, std::vector<std::string_view>& values) const override {
    if (key.size() % 3 == 0) return false;
    values.assign(key.size() % 3, value);
    return true;
  }
  std::string_view value;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambari::lang;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  auto line = [&] {
    const auto end = rest.find('\n');
    const auto out = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    return out;
  };
  const auto action = line(), resource = line();
  const Context context(resource);
  const PolicyRequester who{"000000000000", resource, resource, action, action, false};
  for (const auto kind : {PolicyKind::identity, PolicyKind::resource, PolicyKind::trust}) {
    try {
      Policy::parse(rest, kind).evaluate({action, resource, context, who});
    } catch (const PolicyError&) {
    }
  }
  return 0;
}
