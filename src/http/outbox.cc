#include "http/outbox.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "base/text.h"

namespace lambari::http {

namespace {

constexpr std::size_t kCopyBelow = 8 * 1024;  // copying less is cheaper than one more piece to gather
constexpr std::size_t kKeepCapacity = 16 * 1024;
constexpr int kPieces = 64;

bool breaks_message(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos; }

bool valid_name(std::string_view name) {
  if (name.empty()) return false;
  for (unsigned char c : name) {
    if (c <= 0x20 || c >= 0x7f || c == ':') return false;
  }
  return true;
}

bool reserved(std::string_view name) {
  switch (name.size()) {
    case 4: return base::iequals(name, "Date");
    case 10: return base::iequals(name, "Connection") || base::iequals(name, "Keep-Alive");
    case 14: return base::iequals(name, "Content-Length");
    case 17: return base::iequals(name, "Transfer-Encoding");
    default: return false;
  }
}

void append_number(std::string& to, std::size_t number) {
  char digits[20];
  auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  to.append(digits, end);
}

}  // namespace

void Outbox::add(std::string_view text) {
  text_ += text;
  size_ += text.size();
}

void Outbox::add_owned(std::string bytes) {
  if (bytes.size() < kCopyBelow) return add(bytes);
  size_ += bytes.size();
  inserts_.push_back({text_.size(), std::move(bytes)});
}

// `write` is like writev().
template <class Write>
Outbox::Sent Outbox::send_with(Write write) {
  while (size_ > 0) {
    std::array<iovec, kPieces> pieces;
    int count = 0;
    auto take = [&](const char* data, std::size_t size) {
      if (size > 0) pieces[static_cast<std::size_t>(count++)] = {const_cast<char*>(data), size};
    };
    auto at = text_sent_;
    auto offset = insert_offset_;
    auto next = inserts_sent_;
    for (; next < inserts_.size() && count + 2 < kPieces; ++next) {
      const auto& insert = inserts_[next];
      take(text_.data() + at, insert.at - at);
      take(insert.bytes.data() + offset, insert.bytes.size() - offset);
      at = insert.at;
      offset = 0;
    }
    if (next == inserts_.size()) take(text_.data() + at, text_.size() - at);

    auto sent = write(pieces.data(), count);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? Sent::blocked : Sent::broken;
    }
    advance(static_cast<std::size_t>(sent));
  }
  return Sent::all;
}

Outbox::Sent Outbox::send(int fd, std::size_t& bytes_out) {
  return send_with([&](iovec* pieces, int count) {
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = static_cast<std::size_t>(count);
    auto sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) bytes_out += static_cast<std::size_t>(sent);
    return sent;
  });
}

Outbox::Sent Outbox::send(TlsChannel& tls, int fd, std::size_t& bytes_out) {
  auto sent = send_with([&](iovec* pieces, int count) { return tls.write(fd, pieces, count, bytes_out); });
  if (sent != Sent::all || tls.push(fd, bytes_out)) return sent;
  return errno == EAGAIN ? Sent::blocked : Sent::broken;
}

void Outbox::advance(std::size_t bytes) {
  size_ -= bytes;
  if (size_ == 0) {
    text_.clear();
    if (text_.capacity() > kKeepCapacity) text_.shrink_to_fit();
    inserts_.clear();
    text_sent_ = inserts_sent_ = insert_offset_ = 0;
    return;
  }
  while (bytes > 0) {
    auto text_end = inserts_sent_ < inserts_.size() ? inserts_[inserts_sent_].at : text_.size();
    auto from_text = std::min(bytes, text_end - text_sent_);
    text_sent_ += from_text;
    bytes -= from_text;
    if (bytes == 0) break;
    auto& insert = inserts_[inserts_sent_].bytes;
    auto from_insert = std::min(bytes, insert.size() - insert_offset_);
    insert_offset_ += from_insert;
    bytes -= from_insert;
    if (insert_offset_ == insert.size()) {
      insert = {};
      ++inserts_sent_;
      insert_offset_ = 0;
    }
  }
}

void Outbox::add_head(const Response& response, const HeadFacts& facts, std::string_view date) {
  auto& to = text_;
  auto before = to.size();
  to += "HTTP/1.1 ";
  append_number(to, static_cast<std::size_t>(response.status));
  to += ' ';
  to += reason(response.status);
  to += "\r\n";
  to += date;
  for (const auto& [name, value] : response.headers) {
    if (reserved(name) || !valid_name(name) || breaks_message(value)) continue;
    to += name;
    to += ": ";
    to += value;
    to += "\r\n";
  }
  if (facts.framing == Framing::length) {
    to += "Content-Length: ";
    append_number(to, facts.length);
    to += "\r\n";
  } else if (facts.framing == Framing::chunked) {
    to += "Transfer-Encoding: chunked\r\n";
  }
  if (facts.close) {
    to += "Connection: close\r\n";
  } else if (facts.say_keep_alive) {
    to += "Connection: keep-alive\r\n";
  }
  to += "\r\n";
  size_ += to.size() - before;
}

bool asks_close(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (name.size() == 10 && base::iequals(name, "Connection") && base::iequals(value, "close")) return true;
  }
  return false;
}

}  // namespace lambari::http
