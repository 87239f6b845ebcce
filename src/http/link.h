// One connection of the client: TCP, unix or TLS over TCP, with a deadline that ends whatever it is doing.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "async/task.h"
#include "http/client.h"

namespace lambari::http {

// Where a URL leads.
struct Destination {
  enum class Kind { plain, tls, unix_socket } kind = Kind::plain;
  std::string host;  // or the path of a unix socket
  std::uint16_t port = 0;
  std::string authority;  // what Host says when the request does not
  Place found;            // connect there instead, unless its port is 0
};

// Throws ClientError(protocol).
Destination parse_destination(std::string_view url);

// Lives on one loop. Failures are ClientError, and ClientError(timeout) once the deadline has passed.
class Link : public std::enable_shared_from_this<Link> {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Link(boost::asio::io_context& context);

  void arm(Clock::time_point deadline);
  void disarm();

  async::Task<> connect(Destination to, boost::asio::ssl::context* tls);
  async::Task<> write(std::string_view head, std::string_view body);
  // 0 at the end of the stream.
  async::Task<std::size_t> read(char* to, std::size_t size);

  // Whether an idle connection is still good, as far as can be told without waiting.
  bool alive();

  bool wrote() const { return wrote_; }  // any byte since the last arm()
  Clock::time_point idle_since{};

 private:
  using Socket = boost::asio::generic::stream_protocol::socket;

  async::Task<> connect_tcp(Destination to);
  void check(const boost::system::error_code& error, ClientError::Kind kind, const char* what) const;

  Socket socket_;
  std::unique_ptr<boost::asio::ssl::stream<Socket&>> tls_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::steady_timer timer_;
  std::uint64_t armed_ = 0;  // tells a late callback of an earlier deadline from this one
  bool timed_out_ = false;
  bool wrote_ = false;
};

}  // namespace lambari::http
