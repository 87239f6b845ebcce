// Bytes from anybody through the parsers of the HTTP server and client. The same bytes must give the same requests however
// they are cut into reads.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/parser.h"
#include "http/response_parser.h"

using lambari::http::RequestParser;
using lambari::http::ResponseParser;

namespace {

constexpr std::size_t kHeaderBytes = 4096, kFields = 50, kBody = 4096;

// What a server would see: every request that became whole. (Whether the rest has failed yet or needs more bytes first may
// depend on the cuts.)
std::string requests(std::string_view bytes, std::size_t step) {
  RequestParser parser(kHeaderBytes, kFields);
  std::string seen, window;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    window += bytes.substr(at, step);
    for (;;) {
      auto used = parser.feed(window);
      if (used > window.size()) std::abort();
      window.erase(0, used);
      if (parser.state() == RequestParser::State::ready) {
        parser.accept_body(kBody);
        continue;
      }
      if (parser.state() != RequestParser::State::done) break;
      seen += parser.keep_alive() ? "+" : "-";
      auto request = parser.take();
      if (request.body.size() > kBody || request.headers.size() > kFields + 2) std::abort();
      seen += request.method + " " + request.target + "\n" + request.body + "\n";
      for (const auto& [name, value] : request.headers) {
        if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) std::abort();
        seen += name + ":" + value + "\n";
      }
    }
    if (parser.state() == RequestParser::State::failed) break;
  }
  return seen;
}

// The same requests, their bodies taken while they come.
std::string streamed(std::string_view bytes, std::size_t step) {
  RequestParser parser(kHeaderBytes, kFields);
  std::string seen, window, body;
  lambari::http::Request head;
  bool open = false, keep_alive = false;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    window += bytes.substr(at, step);
    for (;;) {
      auto used = parser.feed(window);
      if (used > window.size()) std::abort();
      window.erase(0, used);
      if (open) body += parser.take_body();
      if (body.size() > kBody) std::abort();
      if (parser.state() == RequestParser::State::ready) {
        keep_alive = parser.keep_alive();
        parser.accept_body(kBody);
        if (parser.state() == RequestParser::State::failed) break;
        head = parser.take_head();
        open = true;
        continue;
      }
      if (parser.state() != RequestParser::State::done) break;
      if (!open) {
        keep_alive = parser.keep_alive();
        head = parser.take_head();
      }
      if (parser.trailers().size() > kHeaderBytes) std::abort();
      parser.take();
      seen += (keep_alive ? "+" : "-") + head.method + " " + head.target + "\n" + body + "\n";
      for (const auto& [name, value] : head.headers) seen += name + ":" + value + "\n";
      body.clear();
      open = false;
    }
    if (parser.state() == RequestParser::State::failed) break;
  }
  return seen;
}

void response(std::string_view bytes, std::size_t step, bool head_only) {
  ResponseParser parser(kBody, head_only);
  std::string window;
  for (std::size_t at = 0; at < bytes.size() && parser.state() == ResponseParser::State::reading; at += step) {
    window += bytes.substr(at, step);
    auto used = parser.feed(window);
    if (used > window.size()) std::abort();
    window.erase(0, used);
  }
  parser.feed_end();
  if (parser.state() == ResponseParser::State::reading || parser.response().body.size() > kBody) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::size_t step = 1 + data[0] % 64;
  bool head_only = data[0] & 0x80;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (requests(bytes, step) != requests(bytes, bytes.size()) || streamed(bytes, step) != requests(bytes, step)) std::abort();
  response(bytes, step, head_only);
  return 0;
}
