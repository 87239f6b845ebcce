// The first line is what a function answered to a batch, the second a filter pattern, the rest a record.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"
#include "services/lambda/sources/rules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambari;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto [answer, more] = base::cut(input, '\n');
  const auto [pattern, record] = base::cut(more, '\n');
  const std::vector<sources::Record> batch = {{"a", "h", "", std::string(record)}, {"b", "h", "", "{}"}};
  const auto failed = sources::reported_failures(answer, batch);
  if (failed && failed->size() > batch.size()) __builtin_trap();
  try {
    sources::Filter({std::string(pattern)}).passes(sources::message_for_filter(record));
  } catch (const lang::EventPatternError&) {
  }
  return 0;
}
