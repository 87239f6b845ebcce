#include "dns/forward.h"

#include <arpa/nameser.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/text.h"
#include "dns/message.h"

namespace lambari::dns {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kPatience{2};
constexpr std::size_t kMost = 3;  // as glibc's resolver
constexpr int kStrangers = 8;     // packets that answer something else

// A socket that is closed when its time is over: what waits on it then ends with an error.
template <class Protocol>
std::shared_ptr<typename Protocol::socket> open_until_late(asio::steady_timer& timer, const Protocol& protocol) {
  auto socket = std::make_shared<typename Protocol::socket>(timer.get_executor());
  boost::system::error_code ignored;
  socket->open(protocol, ignored);
  timer.expires_after(kPatience);
  timer.async_wait([weak = std::weak_ptr(socket)](boost::system::error_code cancelled) {
    auto late = weak.lock();
    boost::system::error_code none;
    if (!cancelled && late) late->close(none);
  });
  return socket;
}

bool answers(std::string_view said, std::string_view query) {
  return said.size() >= NS_HFIXEDSZ && query.size() >= NS_HFIXEDSZ && said.substr(0, 2) == query.substr(0, 2) && (said[2] & 0x80);
}

async::Task<std::string> ask_by_packet(asio::ip::udp::endpoint server, std::string query) {
  // A socket a query: its port is one more thing that a stranger would have to guess.
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto socket = open_until_late(timer, server.protocol());
  boost::system::error_code error;
  auto into_error = [&] { return asio::redirect_error(asio::use_awaitable, error); };
  socket->connect(server, error);
  if (!error) co_await socket->async_send(asio::buffer(query), into_error());
  std::string said(kLargestMessage, '\0');
  for (int i = 0; i < kStrangers && !error; ++i) {
    const auto size = co_await socket->async_receive(asio::buffer(said), into_error());
    if (!error && answers({said.data(), size}, query)) co_return said.substr(0, size);
  }
  co_return "";
}

async::Task<std::string> ask_by_stream(asio::ip::tcp::endpoint server, std::string query) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto socket = open_until_late(timer, server.protocol());
  boost::system::error_code error;
  auto into_error = [&] { return asio::redirect_error(asio::use_awaitable, error); };
  co_await socket->async_connect(server, into_error());
  query.insert(0, {static_cast<char>(query.size() >> 8), static_cast<char>(query.size())});
  if (!error) co_await asio::async_write(*socket, asio::buffer(query), into_error());
  unsigned char length[2] = {};
  if (!error) co_await asio::async_read(*socket, asio::buffer(length), into_error());
  std::string said(static_cast<std::size_t>(length[0]) << 8 | length[1], '\0');
  if (!error) co_await asio::async_read(*socket, asio::buffer(said), into_error());
  co_return !error && answers(said, std::string_view(query).substr(2)) ? said : "";
}

async::Task<std::string> ask_servers(std::filesystem::path file, std::uint16_t port, std::string query) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  for (const auto& name : name_servers(text.str())) {
    const auto server = asio::ip::make_address(name);
    auto said = co_await ask_by_packet({server, port}, query);
    if (said.empty()) continue;
    if (!(said[2] & 0x02)) co_return said;
    auto whole = co_await ask_by_stream({server, port}, query);
    co_return whole.empty() ? said : whole;
  }
  const auto read = read_query(query);
  co_return read ? answer(query, *read, Code::failed) : "";
}

}  // namespace

std::vector<std::string> name_servers(std::string_view resolv_conf) {
  std::vector<std::string> all;
  for (auto line : base::split(resolv_conf, '\n')) {
    std::istringstream words{std::string(line)};
    std::string what, address;
    words >> what >> address;
    boost::system::error_code error;
    if (what != "nameserver" || all.size() >= kMost) continue;
    asio::ip::make_address(address, error);
    if (!error) all.push_back(address);
  }
  if (all.empty()) all.push_back("127.0.0.1");
  return all;
}

Resolve forward_to_host(std::filesystem::path file, std::uint16_t port) {
  return [file = std::move(file), port](std::string, std::string query) { return ask_servers(file, port, std::move(query)); };
}

}  // namespace lambari::dns
