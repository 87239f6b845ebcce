#include "http/lane.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "base/clock.h"

namespace lambari::http {

namespace asio = boost::asio;

namespace {

// Deadlines are looked at this often: in time for the shortest of them, and seldom enough to cost nothing.
std::chrono::milliseconds sweep_interval(const Limits& limits) {
  auto shortest = std::min({limits.header_time, limits.body_stall, limits.idle});
  return std::clamp(shortest / 8, std::chrono::milliseconds(5), std::chrono::milliseconds(500));
}

// The more is used, the less one may have: the total is never reached by those that want all of it (Choudhury and Hahne, "Dynamic
// queue length thresholds for shared-memory packet switches").
std::size_t part_of(std::size_t total, std::size_t used, std::size_t least) {
  return std::max((total - std::min(total, used)) / 8, least);
}

}  // namespace

std::int64_t coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

Core::Core(async::Loops& loops, Handler handler, Limits limits, ChooseBody choose_body)
    : loops(loops), handler(std::move(handler)), limits(limits), choose_body(std::move(choose_body)) {
  for (unsigned i = 0; i < loops.size(); ++i) {
    lanes.push_back(std::make_unique<Lane>(loops.context(i), sweep_interval(limits)));
  }
}

bool Core::admit(Share* share) {
  const auto all = open.fetch_add(1);
  if (!share) {
    if (all < limits.connections) return true;
  } else if (share->connections.fetch_add(1) < part_of(limits.connections, all, limits.least_connections)) {
    return true;
  } else {
    share->connections.fetch_sub(1);
  }
  open.fetch_sub(1);
  return false;
}

bool Core::hold(Share& share, std::size_t more) {
  const auto all = bytes.fetch_add(more);
  const auto before = share.bytes.fetch_add(more);
  if (before == 0 || before + more <= part_of(limits.bytes, all, limits.least_bytes)) return true;
  let_go(share, more);
  return false;
}

void Core::let_go(Share& share, std::size_t less) {
  share.bytes.fetch_sub(less);
  bytes.fetch_sub(less);
}

void Core::gone(Share* share) {
  if (share) share->connections.fetch_sub(1);
  if (open.fetch_sub(1) == 1 && draining) emptied.notify_all();
}

void Core::refused_gone() { refusing.fetch_sub(1); }

Lane::Lane(asio::io_context& context, std::chrono::milliseconds sweep_every)
    : context_(context), sweep_timer_(context), sweep_every_(sweep_every) {}

void Lane::begin(std::shared_ptr<Core> core, const std::shared_ptr<Listener>& listener, int fd, Peer peer) {
  if (listener->closed || core->closed) {
    ::close(fd);
    peer.refused ? core->refused_gone() : core->gone(listener->share.get());
    return;
  }
  auto& group = groups_[listener.get()];
  if (!group) group = std::make_shared<Group>(Group{.name = listener->name, .port = listener->port, .share = listener->share});
  (peer.refused ? refused : accepted).add(1);
  auto connection = std::make_shared<Connection>(core, *this, group, fd, std::move(peer));
  asio::co_spawn(context_, Connection::serve(std::move(connection)), asio::detached);
  if (!sweeping_) sweep_later(std::move(core));
}

void Lane::close_group(const Listener* listener) {
  auto found = groups_.find(listener);
  if (found == groups_.end()) return;
  for (auto& connection : found->second->connections) connection.close();
  groups_.erase(found);
}

void Lane::close_all() {
  for (auto& [listener, group] : groups_) {
    for (auto& connection : group->connections) connection.close();
  }
}

void Lane::wake_all() {
  for (auto& [listener, group] : groups_) {
    for (auto& connection : group->connections) connection.wake();
  }
}

void Lane::sweep_later(std::shared_ptr<Core> core) {
  sweeping_ = true;
  sweep_timer_.expires_after(sweep_every_);
  sweep_timer_.async_wait([this, core = std::move(core)](boost::system::error_code error) mutable {
    if (error) return;
    bool any = false;
    auto now = coarse_now();
    for (auto& [listener, group] : groups_) {
      for (auto& connection : group->connections) {
        any = true;
        connection.expire(now);
      }
    }
    sweeping_ = false;
    if (any) sweep_later(std::move(core));
  });
}

void Lane::flush_soon(std::shared_ptr<Core> core, std::shared_ptr<Connection> connection) {
  if (std::exchange(connection->dirty_, true)) return;
  if (auto waiting = dirty_.lock()) {
    waiting->push_back(std::move(connection));
    return;
  }
  auto batch = std::make_shared<std::vector<std::shared_ptr<Connection>>>(1, std::move(connection));
  dirty_ = batch;
  asio::post(context_, [this, core = std::move(core), batch = std::move(batch)] {
    dirty_.reset();
    for (auto& each : *batch) each->flush_now();
  });
}

std::string_view Lane::date_line() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != date_second_) {
    date_second_ = now.tv_sec;
    date_line_ = "Date: " + base::http_date({std::int64_t{now.tv_sec} * 1000}) + "\r\n";
  }
  return date_line_;
}

}  // namespace lambari::http
