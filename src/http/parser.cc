#include "http/parser.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <string>

#include "base/text.h"

namespace lambari::http {

namespace beast = boost::beast;

namespace {

using BeastText = beast::string_view;

std::string_view view(BeastText text) { return {text.data(), text.size()}; }

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kToken = make_token_table();

bool valid_authority(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && !std::strchr("/?#@\\\"<>^`{|}", c); });
}

// The syntax of one message, by Beast; the fields go straight into a Request.
class Syntax final : public beast::http::basic_parser<true> {
 public:
  Syntax(Request& request, Headers& trailers) : request_(request), trailers_(trailers) {
    eager(false);
    body_limit(boost::none);
    header_limit(UINT32_MAX);  // RequestParser has counted already
  }

  int version = 0;
  bool oversized_list = false;  // "Content-Length: 5, 5"

 private:
  using error_code = beast::error_code;

  void on_request_impl(beast::http::verb, BeastText method, BeastText target, int number, error_code&) override {
    request_.method.assign(method.data(), method.size());
    request_.target.assign(target.data(), target.size());
    version = number;
  }
  void on_response_impl(int, BeastText, int, error_code&) override {}
  void on_field_impl(beast::http::field field, BeastText name, BeastText value, error_code&) override {
    if (is_header_done()) return trailers_.add(std::string(view(name)), std::string(view(value)));
    if (field == beast::http::field::content_length && value.find(',') != BeastText::npos) oversized_list = true;
    request_.headers.add(std::string(view(name)), std::string(view(value)));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    // A claim is not yet a body: the rest grows with what really comes.
    if (length) request_.body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, 256 * 1024)));
  }
  std::size_t on_body_impl(BeastText bytes, error_code&) override {
    request_.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, BeastText extensions, error_code& error) override {
    for (char c : extensions) {
      if (static_cast<unsigned char>(c) < 0x20 && c != '\t') error = beast::http::error::bad_chunk_extension;
    }
  }
  std::size_t on_chunk_body_impl(std::uint64_t, BeastText bytes, error_code&) override {
    request_.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(error_code&) override {}

  Request& request_;
  Headers& trailers_;
};

}  // namespace

struct RequestParser::Impl {
  Impl(std::size_t header_bytes, std::size_t header_fields) : header_bytes(header_bytes), header_fields(header_fields) {}

  const std::size_t header_bytes;
  const std::size_t header_fields;
  State state = State::idle;
  int status = 400;
  Request request;
  Headers trailers;
  std::optional<Syntax> syntax;
  bool expects_continue = false;
  // Where the search for the end of the head stands, in the bytes not used yet.
  std::size_t line = 0, scanned = 0, lines = 0;

  void fail(int with) {
    state = State::failed;
    status = with;
  }

  void begin() {
    request = {};
    trailers = {};
    syntax.emplace(request, trailers);
    expects_continue = false;
    line = scanned = lines = 0;
    state = State::head;
  }

  // The size of the head, empty line included, or 0 when it is not whole (or bad: then state is failed).
  std::size_t find_end(std::string_view bytes) {
    for (;;) {
      auto* found = static_cast<const char*>(std::memchr(bytes.data() + scanned, '\n', bytes.size() - scanned));
      if (!found) {
        scanned = bytes.size();
        if (bytes.size() >= header_bytes) fail(431);
        return 0;
      }
      auto end = static_cast<std::size_t>(found - bytes.data());
      if (end == line || bytes[end - 1] != '\r') return fail(400), 0;
      if (end >= header_bytes) return fail(431), 0;
      if (end - 1 == line) return end + 1;
      if (bytes[line] == ' ' || bytes[line] == '\t') return fail(400), 0;  // obs-fold
      if (lines++ > header_fields) return fail(431), 0;
      line = scanned = end + 1;
    }
  }

  void read_head(std::string_view head) {
    request.headers.reserve(std::min<std::size_t>(lines + 2, 32));
    beast::error_code error;
    auto used = syntax->put(boost::asio::const_buffer(head.data(), head.size()), error);
    if (error == beast::http::error::bad_version) return fail(looks_like_version(head) ? 505 : 400);
    if (error || used != head.size() || !syntax->is_header_done()) return fail(400);
    if (int refused = check()) return fail(refused);
    state = syntax->is_done() ? State::done : State::ready;
    syntax->eager(true);
  }

  static bool looks_like_version(std::string_view head) {
    auto first = head.substr(0, head.find('\r'));
    if (first.size() < 8 || std::count(first.begin(), first.end(), ' ') != 2) return false;
    auto version = first.substr(first.size() - 8);
    return version.starts_with("HTTP/") && version[5] >= '0' && version[5] <= '9' && version[6] == '.' && version[7] >= '0' &&
           version[7] <= '9';
  }

  // 0, or the status to refuse with.
  int check() {
    if (syntax->oversized_list) return 400;
    int hosts = 0;
    bool coded = false;
    for (const auto& field : request.headers) {
      switch (field.name.size()) {
        case 4:
          if (base::iequals(field.name, "Host")) {
            if (++hosts > 1 || !valid_authority(field.value)) return 400;
          }
          break;
        case 6:
          if (base::iequals(field.name, "Expect") && syntax->version == 11) {
            if (!base::iequals(field.value, "100-continue")) return 417;
            expects_continue = true;
          }
          break;
        case 17:
          if (base::iequals(field.name, "Transfer-Encoding")) {
            if (coded || syntax->version == 10) return 400;
            coded = true;
            if (!base::iequals(field.value, "chunked")) return 501;
          }
          break;
        default: break;
      }
    }
    if (hosts == 0 && syntax->version == 11) return 400;
    return reduce_target();
  }

  // Absolute-form and authority-form become what the origin form of the same request is.
  int reduce_target() {
    auto& target = request.target;
    if (target.starts_with('/')) return 0;
    if (target == "*") return request.method == "OPTIONS" ? 0 : 400;
    if (request.method == "CONNECT") {
      if (!valid_authority(target)) return 400;
      request.headers.set("Host", target);
      target = "/";
      return 0;
    }
    auto colon = target.find("://");
    if (colon == std::string::npos) return 400;
    auto scheme = std::string_view(target).substr(0, colon);
    if (!base::iequals(scheme, "http") && !base::iequals(scheme, "https")) return 400;
    auto start = colon + 3;
    auto end = std::min(target.find_first_of("/?", start), target.size());
    auto authority = target.substr(start, end - start);
    if (authority.empty() || !valid_authority(authority)) return 400;
    auto rest = target.substr(end);
    request.headers.set("Host", std::move(authority));
    request.absolute = true;
    if (rest.empty() && request.method == "OPTIONS") {
      target = "*";
    } else {
      target = rest.starts_with('/') ? std::move(rest) : "/" + rest;
    }
    return 0;
  }

  std::size_t read_body(std::string_view bytes) {
    if (bytes.empty()) return 0;
    // No rest of a chunked body is shorter than "0\r\n\r\n"; Beast asserts that it need not look at less.
    if (syntax->chunked() && bytes.size() < 5) return 0;
    beast::error_code error;
    auto used = syntax->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    if (error == beast::http::error::need_more) {
      // A chunk's size line or the trailers do not come to an end.
      if (bytes.size() - used > header_bytes) fail(400);
    } else if (error == beast::http::error::body_limit) {
      fail(413);
    } else if (error) {
      fail(400);
    } else if (syntax->is_done()) {
      state = State::done;
    }
    return used;
  }
};

RequestParser::RequestParser(std::size_t header_bytes, std::size_t header_fields)
    : impl_(std::make_unique<Impl>(header_bytes, header_fields)) {}
RequestParser::~RequestParser() = default;

std::size_t RequestParser::feed(std::string_view bytes) {
  auto& self = *impl_;
  std::size_t used = 0;
  if (self.state == State::idle) {
    // RFC 9112 2.2: empty lines before a request are skipped.
    while (bytes.size() >= used + 2 && bytes[used] == '\r' && bytes[used + 1] == '\n') used += 2;
    bytes.remove_prefix(used);
    if (bytes.empty() || bytes == "\r") return used;
    self.begin();
    if (!kToken[static_cast<unsigned char>(bytes[0])]) self.fail(400);
  }
  if (self.state == State::head) {
    auto size = self.find_end(bytes);
    if (size == 0) return used;
    self.read_head(bytes.substr(0, size));
    return used + size;
  }
  if (self.state == State::body) return used + self.read_body(bytes);
  return used;
}

RequestParser::State RequestParser::state() const { return impl_->state; }
int RequestParser::status() const { return impl_->status; }
Request& RequestParser::request() { return impl_->request; }
bool RequestParser::keep_alive() const { return impl_->syntax->keep_alive(); }
bool RequestParser::http_1_0() const { return impl_->syntax->version == 10; }
bool RequestParser::expects_continue() const { return impl_->expects_continue; }

std::optional<std::uint64_t> RequestParser::content_length() const {
  auto length = impl_->syntax->content_length();
  return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

void RequestParser::accept_body(std::size_t limit) {
  auto length = content_length();
  if (length && *length > limit) return impl_->fail(413);
  impl_->syntax->body_limit(limit);
  impl_->state = State::body;
}

Request RequestParser::take_head() { return std::exchange(impl_->request, {}); }
std::string RequestParser::take_body() { return std::exchange(impl_->request.body, {}); }
const Headers& RequestParser::trailers() const { return impl_->trailers; }

Request RequestParser::take() {
  impl_->state = State::idle;
  return std::move(impl_->request);
}

}  // namespace lambari::http
