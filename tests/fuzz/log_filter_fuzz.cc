// The first line is a filter pattern, the rest a message.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lang/log_filter.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line = input.find('\n');
  const auto message = line == input.npos ? std::string_view{} : input.substr(line + 1);
  try {
    lambari::lang::LogFilter::parse(input.substr(0, line)).matches(message);
  } catch (const lambari::lang::LogFilterError&) {
  }
  return 0;
}
