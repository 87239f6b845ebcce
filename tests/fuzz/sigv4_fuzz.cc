#include "base/text.h"
#include "wire/aws_chunked.h"
#include "wire/sigv4.h"
#include "wire_fuzz.h"

using namespace lambari;

namespace {

// Lines: method, target, headers, an empty line, the body.
http::Request parse(std::string_view text) {
  http::Request request;
  auto line = [&] {
    auto [one, rest] = base::cut(text, '\n');
    text = rest;
    return one;
  };
  request.method = line();
  request.target = line();
  while (!text.empty()) {
    auto one = line();
    if (one.empty()) break;
    auto [name, value] = base::cut(one, ':');
    request.headers.add(std::string(name), std::string(value));
  }
  request.body = text;
  return request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  http::Request request = parse({reinterpret_cast<const char*>(data), size});
  try {
    if (auto as = wire::read_signature(request)) wire::verify_signature(request, *as, "secret", as->time);
  } catch (const wire::Fault&) {
  }
  // The chunk reader on its own: the fuzzer does not find signatures.
  for (const char* kind : {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"}) {
    http::Request one = request;
    try {
      wire::decode_aws_chunked(one, kind, {"key", "20260131T000000Z", "scope", "previous"});
    } catch (const wire::Fault&) {
    }
  }
  return 0;
}
