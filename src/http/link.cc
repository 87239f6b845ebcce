#include "http/link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <vector>

#include "base/text.h"

namespace lambari::http {

namespace asio = boost::asio;
using Kind = ClientError::Kind;

namespace {

bool local_name(std::string_view host) {
  auto name = base::lower(host);
  return name == "localhost" || name.ends_with(".localhost");
}

// "[::1]" without its brackets.
std::string bare(std::string_view host) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return std::string(host);
}

}  // namespace

Destination parse_destination(std::string_view url) {
  auto bad = [&] { return ClientError(Kind::protocol, "not a URL this client reads: " + std::string(url)); };
  Destination to;
  if (url.starts_with("unix:")) {
    to.kind = Destination::Kind::unix_socket;
    to.host = url.substr(5);
    to.authority = "localhost";
    if (to.host.empty() || to.host.size() > 107) throw bad();
    return to;
  }
  auto colon = url.find("://");
  if (colon == std::string_view::npos) throw bad();
  auto scheme = url.substr(0, colon);
  if (base::iequals(scheme, "https")) {
    to.kind = Destination::Kind::tls;
  } else if (!base::iequals(scheme, "http")) {
    throw bad();
  }
  to.port = to.kind == Destination::Kind::tls ? 443 : 80;
  auto authority = url.substr(colon + 3);
  if (authority.ends_with('/')) authority.remove_suffix(1);
  if (authority.empty() || authority.find_first_of(std::string_view("/?#@ \r\n\t\0", 9)) != std::string_view::npos) throw bad();
  to.authority = authority;
  auto host = authority;
  auto port_mark = authority.starts_with('[') ? authority.find(':', authority.find(']')) : authority.find(':');
  if (port_mark != std::string_view::npos) {
    auto port = base::parse_int(authority.substr(port_mark + 1));
    if (!port || *port < 1 || *port > 65535) throw bad();
    to.port = static_cast<std::uint16_t>(*port);
    host = authority.substr(0, port_mark);
  }
  to.host = bare(host);
  if (to.host.empty()) throw bad();
  return to;
}

Link::Link(asio::io_context& context) : socket_(context), resolver_(context), timer_(context) {}

void Link::arm(Clock::time_point deadline) {
  wrote_ = false;
  timer_.expires_at(deadline);
  timer_.async_wait([weak = weak_from_this(), mine = ++armed_](boost::system::error_code error) {
    auto self = weak.lock();
    if (error || !self || self->armed_ != mine) return;
    self->timed_out_ = true;
    self->resolver_.cancel();
    boost::system::error_code ignored;
    self->socket_.close(ignored);
  });
}

void Link::disarm() {
  ++armed_;
  timer_.cancel();
}

void Link::check(const boost::system::error_code& error, Kind kind, const char* what) const {
  if (timed_out_) throw ClientError(Kind::timeout, std::string(what) + ": took too long");
  if (error) throw ClientError(kind, std::string(what) + ": " + error.message());
}

async::Task<> Link::connect(Destination to, asio::ssl::context* tls) {
  boost::system::error_code error;
  if (to.kind == Destination::Kind::unix_socket) {
    asio::local::stream_protocol::endpoint endpoint(to.host);
    co_await socket_.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
    check(error, Kind::connect, "connect");
    co_return;
  }
  co_await connect_tcp(to);
  if (to.kind != Destination::Kind::tls) co_return;
  tls_ = std::make_unique<asio::ssl::stream<Socket&>>(socket_, *tls);
  boost::system::error_code not_an_address;
  asio::ip::make_address(to.host, not_an_address);
  if (not_an_address) SSL_set_tlsext_host_name(tls_->native_handle(), to.host.c_str());  // SNI carries names only
  tls_->set_verify_mode(asio::ssl::verify_peer);
  tls_->set_verify_callback(asio::ssl::host_name_verification(to.host));
  co_await tls_->async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, error));
  check(error, Kind::tls, "TLS handshake");
}

async::Task<> Link::connect_tcp(Destination to) {
  boost::system::error_code error;
  std::vector<asio::ip::tcp::endpoint> endpoints;
  auto address = asio::ip::make_address(to.found.port != 0 ? to.found.address : to.host, error);
  if (!error) {
    endpoints.emplace_back(address, to.found.port != 0 ? to.found.port : to.port);
  } else if (local_name(to.host)) {
    endpoints.emplace_back(asio::ip::address_v4::loopback(), to.port);
    endpoints.emplace_back(asio::ip::address_v6::loopback(), to.port);
  } else {
    error = {};
    auto found = co_await resolver_.async_resolve(to.host, std::to_string(to.port), asio::ip::resolver_base::numeric_service,
                                                  asio::redirect_error(asio::use_awaitable, error));
    check(error, Kind::resolve, "resolve");
    for (const auto& each : found) endpoints.push_back(each.endpoint());
  }
  error = asio::error::host_not_found;
  for (const auto& endpoint : endpoints) {
    boost::system::error_code ignored;
    socket_.close(ignored);
    error = {};
    co_await socket_.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
    if (!error || timed_out_) break;
  }
  check(error, Kind::connect, "connect");
  int on = 1;
  setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

async::Task<> Link::write(std::string_view head, std::string_view body) {
  std::array<asio::const_buffer, 2> pieces{asio::buffer(head), asio::buffer(body)};
  boost::system::error_code error;
  std::size_t sent = 0;
  if (tls_) {
    sent = co_await asio::async_write(*tls_, pieces, asio::redirect_error(asio::use_awaitable, error));
  } else {
    sent = co_await asio::async_write(socket_, pieces, asio::redirect_error(asio::use_awaitable, error));
  }
  wrote_ = wrote_ || sent > 0;
  check(error, Kind::connect, "send");
}

async::Task<std::size_t> Link::read(char* to, std::size_t size) {
  boost::system::error_code error;
  std::size_t got = 0;
  if (tls_) {
    got = co_await tls_->async_read_some(asio::buffer(to, size), asio::redirect_error(asio::use_awaitable, error));
  } else {
    got = co_await socket_.async_read_some(asio::buffer(to, size), asio::redirect_error(asio::use_awaitable, error));
  }
  if (error == asio::error::eof && !timed_out_) co_return 0;
  check(error, Kind::connect, "receive");
  co_return got;
}

bool Link::alive() {
  if (timed_out_ || !socket_.is_open()) return false;
  char byte;
  auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got > 0) return tls_ != nullptr;  // TLS sends tickets on its own; plain HTTP has nothing to say unasked
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace lambari::http
