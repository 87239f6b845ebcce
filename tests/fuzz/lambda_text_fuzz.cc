// What functions and their clients send to the Lambda room as text: trace headers, heads of streamed answers, log lines.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "services/lambda/log_style.h"
#include "services/lambda/recursion.h"
#include "services/lambda/url_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambari::lambda;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto once = pass_through(input, "0123abcd");
  const auto twice = pass_through(once.header, "0123abcd");
  // What is written is read again, whatever came before it.
  if (twice.before != once.before + 1) __builtin_trap();
  read_head(input);
  passes({true, LogLevel::error, LogLevel::info}, input);
  return 0;
}
