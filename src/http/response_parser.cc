#include "http/response_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <optional>

namespace lambari::http {

namespace beast = boost::beast;

namespace {

using BeastText = beast::string_view;

constexpr std::size_t kHeaderBytes = 256 * 1024;
constexpr int kInterimResponses = 16;

class Syntax final : public beast::http::basic_parser<false> {
 public:
  Syntax(Response& response, std::size_t limit, bool head_only) : response_(response) {
    eager(false);
    skip(head_only);
    body_limit(limit);
    header_limit(kHeaderBytes);
  }

 private:
  using error_code = beast::error_code;

  void on_request_impl(beast::http::verb, BeastText, BeastText, int, error_code&) override {}
  void on_response_impl(int status, BeastText, int, error_code&) override { response_.status = status; }
  void on_field_impl(beast::http::field, BeastText name, BeastText value, error_code&) override {
    if (is_header_done()) return;  // trailers are read and dropped
    response_.headers.add({name.data(), name.size()}, {value.data(), value.size()});
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (length) response_.body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, 256 * 1024)));
  }
  std::size_t on_body_impl(BeastText bytes, error_code&) override {
    response_.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, BeastText, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastText bytes, error_code&) override {
    response_.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(error_code&) override {}

  Response& response_;
};

}  // namespace

struct ResponseParser::Impl {
  Impl(std::size_t limit, bool head_only) : limit(limit), head_only(head_only) { begin(); }

  void begin() {
    response = {};
    syntax.emplace(response, limit, head_only);
  }

  const std::size_t limit;
  const bool head_only;
  State state = State::reading;
  int interim = 0;
  Response response;
  std::optional<Syntax> syntax;
};

ResponseParser::ResponseParser(std::size_t body_limit, bool head_only) : impl_(std::make_unique<Impl>(body_limit, head_only)) {}
ResponseParser::~ResponseParser() = default;

std::size_t ResponseParser::feed(std::string_view bytes) {
  auto& self = *impl_;
  std::size_t used = 0;
  while (self.state == State::reading && used < bytes.size()) {
    auto rest = bytes.substr(used);
    // Beast asserts that no rest of a chunked body is shorter than "0\r\n\r\n".
    if (self.syntax->is_header_done() && self.syntax->chunked() && rest.size() < 5) break;
    beast::error_code error;
    auto step = self.syntax->put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    used += step;
    if (error == beast::http::error::need_more) {
      if (rest.size() - step > kHeaderBytes) self.state = State::failed;
      break;
    }
    if (error == beast::http::error::body_limit) {
      self.state = State::too_large;
    } else if (error) {
      self.state = State::failed;
    } else if (self.syntax->is_done()) {
      auto status = self.response.status;
      if (status >= 200) {
        self.state = State::done;
      } else if (status == 101 || ++self.interim > kInterimResponses) {
        self.state = State::failed;  // we never ask for an upgrade
      } else {
        self.begin();
      }
    }
  }
  return used;
}

void ResponseParser::feed_end() {
  auto& self = *impl_;
  if (self.state != State::reading) return;
  beast::error_code error;
  if (self.syntax->got_some()) self.syntax->put_eof(error);
  self.state = self.syntax->got_some() && !error && self.syntax->is_done() ? State::done : State::failed;
}

ResponseParser::State ResponseParser::state() const { return impl_->state; }
bool ResponseParser::keep_alive() const { return impl_->syntax->keep_alive() && !impl_->syntax->need_eof(); }
Response& ResponseParser::response() { return impl_->response; }

}  // namespace lambari::http
