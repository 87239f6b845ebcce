// Texts that clients hand to queues: URLs, ARNs, handles, and queue attributes (name, line feed, value).
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "services/sqs/attributes.h"
#include "services/sqs/rules.h"
#include "wire/fault.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lambari::sqs;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto faults = [](auto run) {
    try {
      run();
    } catch (const lambari::wire::Fault&) {
    }
  };
  faults([&] { parse_queue_url(input); });
  parse_queue_arn(input);
  faults([&] {
    if (encode_handle(decode_handle(input, 1)) != input) std::abort();
  });
  faults([&] { check_body(input); });
  const auto line = input.find('\n');
  if (line == input.npos) return 0;
  for (const bool fifo : {false, true})
    faults([&] {
      Queue queue;
      queue.fifo = fifo;
      apply_attributes(queue, {{std::string(input.substr(0, line)), std::string(input.substr(line + 1))}}, false);
      describe(queue, {"000000000000", "us-east-1", "q"});
    });
  return 0;
}
