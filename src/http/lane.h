// One loop's share of a server: the connections that live on that loop, and what they use in turn. Everything here is
// touched by that loop's thread only, except where atomic.
#pragma once

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/gate.h"
#include "http/outbox.h"
#include "http/parser.h"
#include "http/server.h"
#include "http/tls.h"

namespace lambari::http {

struct Core;
class Lane;
class Connection;

using ConnectionHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
struct Group;

// What the listeners of one name use up together.
struct Share {
  std::atomic<std::size_t> connections{0}, bytes{0};
};

// A socket that listens.
struct Listener {
  Listener(boost::asio::io_context& context, int fd, std::string name, std::shared_ptr<Share> share)
      : name(std::move(name)), share(std::move(share)), socket(context, fd) {}

  const std::string name;
  const std::shared_ptr<Share> share;  // null where only the limits of all hold
  std::uint16_t port = 0;
  std::string unix_path;  // removed when closed
  unsigned lane = 0;      // where it accepts
  bool spread = false;    // its connections go to all lanes in turn, not only to `lane`
  std::atomic<bool> closed{false};
  boost::asio::posix::stream_descriptor socket;
};

struct Peer {
  std::string address;
  std::uint16_t port = 0;
  bool refused = false;  // there are too many: it only hears that
};

// A number one thread writes and others read.
class Counter {
 public:
  void add(std::uint64_t by) { value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// "127.0.0.1", "::1"; empty when it is neither kind.
std::string address_text(const sockaddr_storage& address);

// Milliseconds of steady time, as coarse as the kernel's tick: reading it costs next to nothing.
std::int64_t coarse_now();

class Lane {
 public:
  Lane(boost::asio::io_context& context, std::chrono::milliseconds sweep_every);

  boost::asio::io_context& context() { return context_; }

  // Takes the connection in, or closes it when its listener is closed meanwhile. Core has counted it already.
  void begin(std::shared_ptr<Core> core, const std::shared_ptr<Listener>& listener, int fd, Peer peer);
  void close_group(const Listener* listener);
  void close_all();
  void wake_all();

  // Writes what `connection` has gathered as soon as this loop comes back to its queue: its handler is waiting for something.
  void flush_soon(std::shared_ptr<Core> core, std::shared_ptr<Connection> connection);

  std::string_view date_line();

  // What a read goes into before it is parsed; valid until the next suspension.
  std::array<char, 64 * 1024> scratch;

  Counter accepted, refused, requests, bytes_in, bytes_out, handshakes, handshakes_failed;

 private:
  void sweep_later(std::shared_ptr<Core> core);

  boost::asio::io_context& context_;
  boost::asio::steady_timer sweep_timer_;
  std::chrono::milliseconds sweep_every_;
  bool sweeping_ = false;
  std::unordered_map<const Listener*, std::shared_ptr<Group>> groups_;
  std::weak_ptr<std::vector<std::shared_ptr<Connection>>> dirty_;  // owned by the flush that is posted
  std::int64_t date_second_ = -1;
  std::string date_line_;
};

// What all lanes of a server share.
struct Core {
  Core(async::Loops& loops, Handler handler, Limits limits, ChooseBody choose_body);

  async::Loops& loops;
  const Handler handler;
  const Limits limits;
  const ChooseBody choose_body;
  std::shared_ptr<const ServerTls> tls;  // set before the first listener, as is the next
  Proxy proxy;
  std::vector<std::unique_ptr<Lane>> lanes;
  std::atomic<bool> draining{false};
  std::atomic<bool> closed{false};
  std::atomic<std::size_t> open{0};
  std::atomic<std::size_t> bytes{0};  // of all shares
  std::atomic<unsigned> refusing{0};

  // Counts a connection in, unless there are too many.
  bool admit(Share* share);
  // Counts bytes in, unless these are too many; the first ones of a share are taken whatever they are.
  bool hold(Share& share, std::size_t more);
  void let_go(Share& share, std::size_t less);

  // A connection that was counted in `open`, or in `refusing`, is no more.
  void gone(Share* share);
  void refused_gone();
  async::Event emptied;  // told when `open` comes to zero while draining
};

class Connection : public ConnectionHook {
 public:
  Connection(std::shared_ptr<Core> core, Lane& lane, std::shared_ptr<Group> group, int fd, Peer peer);
  ~Connection();
  Connection(const Connection&) = delete;

  // The whole life of it.
  static async::Task<> serve(std::shared_ptr<Connection> self);

  // From the lane, while serve() is suspended:
  void close();                   // at once; a handler that runs is not interrupted, its answer goes nowhere
  void expire(std::int64_t now);  // past its deadline: wakes serve()
  void wake();                    // a drain began
  void flush_now();

 private:
  friend class Lane;
  class Body;
  enum class Fill { some, none, ended };

  void parse();
  void stash();
  Fill fill();
  void begin_tls();
  Fill unseal(std::string_view bytes);
  void take_in(std::string_view bytes);
  bool unsent() const { return !outbox_.empty() || (tls_ && tls_->unsent() > 0); }
  Outbox::Sent send();
  async::Task<bool> flush();
  async::Task<bool> answer_connect(std::string authority);
  bool begin_again();
  async::Task<> read_on();
  async::Task<bool> stream(std::shared_ptr<Connection> self, std::shared_ptr<BodySource> source, bool chunked);
  async::Task<> finish(bool linger);
  void part();
  std::chrono::milliseconds patience(RequestParser::State state) const;
  void consume(std::size_t bytes);
  bool all_parsed() const { return kept_from_ == kept_.size() && fresh_.empty(); }
  BodyPolicy body_policy();
  bool accept_body(const BodyPolicy& policy);
  bool hold(std::size_t& held, std::size_t bytes);
  void let_go(std::size_t& held);
  void refuse(int status);
  void refuse(int status, std::string_view text);

  std::shared_ptr<Core> core_;
  Lane& lane_;
  std::shared_ptr<Group> group_;
  boost::asio::posix::stream_descriptor socket_;
  Peer peer_;
  RequestParser parser_;
  Outbox outbox_;
  std::unique_ptr<TlsChannel> tls_;  // once the peer has begun with it
  bool untold_ = true;               // the first byte tells whether it does
  std::string kept_;                 // bytes not parsed yet that outlived the scratch buffer
  std::size_t kept_from_ = 0;
  std::string_view fresh_;           // bytes not parsed yet that are in the scratch buffer
  std::size_t held_ = 0, said_ = 0;  // bytes of its request and of its answers that its share counts
  std::int64_t deadline_;
  bool expired_ = false;
  bool closed_ = false;
  bool dirty_ = false;
  bool more_expected_ = false;  // the last read filled the buffer
};

// The connections of one listener on one lane.
struct Group {
  std::string name;
  std::uint16_t port = 0;
  std::shared_ptr<Share> share;
  boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>> connections;
};

}  // namespace lambari::http
