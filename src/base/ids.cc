#include "base/ids.h"

#include <openssl/rand.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "base/bytes.h"

namespace lambari::base {
namespace {

// OpenSSL's generator costs about a microsecond a call; a small buffer per thread makes an id cheap.
void fill(char* out, std::size_t count) {
  struct Buffer {
    std::array<char, 4096> bytes;
    std::size_t used = 4096;
  };
  thread_local Buffer buffer;
  if (count > buffer.bytes.size()) {
    if (RAND_bytes(reinterpret_cast<unsigned char*>(out), static_cast<int>(count)) != 1)
      throw std::runtime_error("no randomness");
    return;
  }
  if (buffer.used + count > buffer.bytes.size()) {
    if (RAND_bytes(reinterpret_cast<unsigned char*>(buffer.bytes.data()), static_cast<int>(buffer.bytes.size())) != 1)
      throw std::runtime_error("no randomness");
    buffer.used = 0;
  }
  std::memcpy(out, buffer.bytes.data() + buffer.used, count);
  std::memset(buffer.bytes.data() + buffer.used, 0, count);
  buffer.used += count;
}

}  // namespace

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  fill(out.data(), count);
  return out;
}

std::uint64_t random_u64() {
  std::uint64_t value;
  fill(reinterpret_cast<char*>(&value), sizeof value);
  return value;
}

std::string random_text(std::size_t count, std::string_view alphabet) {
  const unsigned limit = 256 - 256 % alphabet.size();
  std::string out;
  out.reserve(count);
  while (out.size() < count) {
    unsigned char c;
    fill(reinterpret_cast<char*>(&c), 1);
    if (c < limit) out += alphabet[c % alphabet.size()];
  }
  return out;
}

std::string uuid() {
  std::string raw = random_bytes(16);
  raw[6] = static_cast<char>((raw[6] & 0x0f) | 0x40);
  raw[8] = static_cast<char>((raw[8] & 0x3f) | 0x80);
  std::string text = hex(raw);
  for (std::size_t at : {8, 13, 18, 23}) text.insert(at, 1, '-');
  return text;
}

}  // namespace lambari::base
