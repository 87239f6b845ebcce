// Zips for tests, byte by byte, so that they can be as wrong as a test wants.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace lambari::lambda::testing {

struct ZipEntry {
  std::string name;
  std::string data;
  std::uint32_t mode = 0100644;      // st_mode, as unix zips carry it
  std::uint16_t flags = 0x0800;      // UTF-8 name
  std::uint32_t claimed_size = ~0u;  // other than what data has
  std::uint32_t claimed_crc = ~0u;
};

inline void put16(std::string& out, std::uint32_t v) {
  out += static_cast<char>(v & 0xff);
  out += static_cast<char>((v >> 8) & 0xff);
}
inline void put32(std::string& out, std::uint32_t v) {
  put16(out, v & 0xffff);
  put16(out, v >> 16);
}

// Stored entries, made on unix.
inline std::string make_zip(const std::vector<ZipEntry>& entries) {
  std::string out, directory;
  for (const auto& e : entries) {
    const auto offset = static_cast<std::uint32_t>(out.size());
    const auto crc = e.claimed_crc == ~0u ? base::crc32(e.data) : e.claimed_crc;
    const auto size = e.claimed_size == ~0u ? static_cast<std::uint32_t>(e.data.size()) : e.claimed_size;
    const auto common = [&](std::string& to) {
      put16(to, 20);  // version needed
      put16(to, e.flags);
      put16(to, 0);  // stored
      put16(to, 0);
      put16(to, 0x21);
      put32(to, crc);
      put32(to, static_cast<std::uint32_t>(e.data.size()));
      put32(to, size);
      put16(to, static_cast<std::uint32_t>(e.name.size()));
      put16(to, 0);
    };
    put32(out, 0x04034b50);
    common(out);
    out += e.name;
    out += e.data;

    put32(directory, 0x02014b50);
    put16(directory, 0x031e);  // unix
    common(directory);
    put16(directory, 0);
    put16(directory, 0);
    put16(directory, 0);
    put32(directory, e.mode << 16);
    put32(directory, offset);
    directory += e.name;
  }
  const auto at = static_cast<std::uint32_t>(out.size());
  out += directory;
  put32(out, 0x06054b50);
  put16(out, 0);
  put16(out, 0);
  put16(out, static_cast<std::uint32_t>(entries.size()));
  put16(out, static_cast<std::uint32_t>(entries.size()));
  put32(out, static_cast<std::uint32_t>(directory.size()));
  put32(out, at);
  put16(out, 0);
  return out;
}

inline std::string hello_zip(const std::string& salt = {}) {
  return make_zip({{"index.py", "def handler(event, context):\n  return 'hello" + salt + "'\n"}});
}

}  // namespace lambari::lambda::testing
