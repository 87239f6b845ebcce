#include "sandbox/link.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <system_error>
#include <thread>

#include "base/log.h"

extern char** environ;

namespace lambari::sandbox {
namespace {

using namespace std::chrono_literals;
using protocol::Ask;
using protocol::Reader;
using protocol::Tell;
using protocol::Writer;

constexpr auto kHelloTime = 10s;
constexpr auto kFarewellTime = 5s;

std::string text_of(int error) { return std::system_category().message(error); }

// One packet, without waiting. 1: got it; 0: nothing there; -1: the other side is gone.
int receive_packet(int socket, std::string& bytes, std::vector<Descriptor>& descriptors) {
  bytes.resize(protocol::kMaxMessage);
  descriptors.clear();
  iovec data{bytes.data(), bytes.size()};
  alignas(cmsghdr) char space[CMSG_SPACE(protocol::kMaxDescriptors * sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  ssize_t got;
  do got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return 0;
  if (got <= 0) return -1;
  for (auto* head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    auto count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
  bytes.resize(static_cast<std::size_t>(got));
  return 1;
}

}  // namespace

bool Slot::ready() const {
  std::lock_guard lock(mutex_);
  return ready_;
}

std::optional<Slot::Gone> Slot::gone() const {
  std::lock_guard lock(mutex_);
  return gone_;
}

std::optional<std::string> Slot::assigned() const {
  std::lock_guard lock(mutex_);
  return assigned_;
}

async::Task<bool> Slot::until_ready(std::chrono::milliseconds timeout) {
  const auto ticket = changed_.ticket();
  {
    std::lock_guard lock(mutex_);
    if (ready_ || gone_) co_return true;
  }
  co_return co_await changed_.wait(ticket, timeout);
}

async::Task<bool> Slot::until_assigned(std::chrono::milliseconds timeout) {
  const auto ticket = changed_.ticket();
  {
    std::lock_guard lock(mutex_);
    if (assigned_ || gone_) co_return true;
  }
  co_return co_await changed_.wait(ticket, timeout);
}

void Slot::on_gone(std::function<void()> call) {
  {
    std::lock_guard lock(mutex_);
    if (!gone_) {
      on_gone_ = std::move(call);
      return;
    }
  }
  call();
}

void Slot::set_gone(Gone gone) {
  std::function<void()> call;
  {
    std::lock_guard lock(mutex_);
    gone_ = std::move(gone);
    call.swap(on_gone_);
  }
  changed_.notify_all();
  if (call) call();
}

Link::Link(Descriptor socket, int process) : socket_(std::move(socket)), process_(process) {}

std::shared_ptr<Link> Link::start(const Program& program, Hello& hello) {
  int both[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) != 0) throw SandboxFailed("socketpair: " + text_of(errno));
  Descriptor ours(both[0]), theirs(both[1]);

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  // dup2 onto itself clears close-on-exec; a group of its own keeps a terminal's Ctrl-C away.
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), theirs.get());
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  const std::string words[] = {program.executable.string(),
                               std::to_string(theirs.get()),
                               program.isolated ? "isolated" : "plain",
                               program.runtimes.string(),
                               program.library.string(),
                               std::to_string(program.endpoint_port),
                               program.trusted.string(),
                               program.internet == Internet::nat     ? "nat"
                               : program.internet == Internet::pasta ? "pasta"
                                                                     : "none"};
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t process = -1;
  int failed = posix_spawn(&process, program.executable.c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) throw SandboxFailed(program.executable.string() + ": " + text_of(failed));
  theirs.reset();

  std::shared_ptr<Link> link(new Link(std::move(ours), process));
  pollfd wanted{link->socket_.get(), POLLIN, 0};
  std::string bytes;
  std::vector<Descriptor> descriptors;
  if (poll(&wanted, 1, static_cast<int>(std::chrono::milliseconds(kHelloTime).count())) != 1 ||
      receive_packet(link->socket_.get(), bytes, descriptors) != 1)
    throw SandboxFailed(program.executable.string() + " did not come up");
  Reader message(bytes);
  if (static_cast<Tell>(message.number()) != Tell::hello) throw SandboxFailed("lambari-sandbox is of another version");
  hello.problem = message.text();
  for (auto count = message.number(); count > 0; --count) {
    Capability one;
    one.name = message.text();
    one.available = message.number() != 0;
    one.detail = message.text();
    one.remedy = message.text();
    hello.capabilities.push_back(std::move(one));
  }
  return link;
}

Link::~Link() {
  {
    std::lock_guard lock(mutex_);
    alive_ = false;
  }
  shutdown(socket_.get(), SHUT_RDWR);  // the copy in receive() hears it too
  const auto until = std::chrono::steady_clock::now() + kFarewellTime;
  int status;
  while (waitpid(process_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) {
      ::kill(process_, SIGKILL);
      waitpid(process_, &status, 0);
      break;
    }
    std::this_thread::sleep_for(1ms);
  }
}

bool Link::alive() const {
  std::lock_guard lock(mutex_);
  return alive_;
}

async::Task<> Link::receive(std::shared_ptr<Link> self, boost::asio::io_context& context) {
  boost::asio::posix::stream_descriptor readable(context, fcntl(self->socket_.get(), F_DUPFD_CLOEXEC, 0));
  std::string bytes;
  std::vector<Descriptor> descriptors;
  std::weak_ptr<Link> weak = self;
  for (;;) {
    int got = receive_packet(readable.native_handle(), bytes, descriptors);
    if (got > 0) {
      self->told(bytes, std::move(descriptors));
      continue;
    }
    if (got < 0) break;
    self.reset();  // while it sleeps it does not keep the link
    boost::system::error_code error;
    co_await readable.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                 boost::asio::redirect_error(boost::asio::use_awaitable, error));
    self = weak.lock();
    if (error || !self || !self->alive()) co_return;
  }
  self->lost();
}

void Link::told(std::string_view bytes, std::vector<Descriptor> descriptors) {
  try {
    Reader message(bytes);
    const auto tell = static_cast<Tell>(message.number());
    const auto id = message.number();
    std::shared_ptr<Slot> slot;
    {
      std::lock_guard lock(mutex_);
      auto found = slots_.find(id);
      if (found == slots_.end()) return;
      slot = found->second;
      if (tell == Tell::gone) slots_.erase(found);
    }
    if (tell == Tell::gone) {
      Slot::Gone gone;
      gone.has_status = message.number() != 0;
      gone.status = static_cast<int>(message.number());
      gone.out_of_memory = message.number() != 0;
      gone.peak_bytes = message.number();
      gone.problem = message.text();
      slot->set_gone(std::move(gone));
      return;
    }
    {
      std::lock_guard lock(slot->mutex_);
      if (tell == Tell::ready) {
        const auto has = message.number();
        auto& parts = slot->parts_;
        parts.runtime_port = static_cast<std::uint16_t>(message.number());
        parts.endpoint_port = static_cast<std::uint16_t>(message.number());
        std::size_t next = 0;
        auto take = [&](Descriptor& into) { into = std::move(descriptors.at(next++)); };
        for (auto* part : {&parts.runtime, &parts.endpoint}) take(*part);
        if (has & protocol::kHasNetwork)
          for (auto* part : {&parts.https, &parts.http, &parts.names_udp, &parts.names_tcp, &parts.network}) take(*part);
        for (auto* part : {&parts.output, &parts.launch}) take(*part);
        if (has & protocol::kHasPeak) take(parts.peak);
        if (has & protocol::kHasFreezer) take(parts.freezer);
        parts.freezer_v2 = has & protocol::kFreezerIsV2;
        // The socket is new and empty, so this does not wait; a process that died does not read it.
        if (!slot->primer_.empty())
          ::send(parts.launch.get(), slot->primer_.data(), slot->primer_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        slot->ready_ = true;
      } else if (tell == Tell::assigned) {
        slot->assigned_ = message.text();
      }
    }
    slot->changed_.notify_all();
  } catch (const std::exception& error) {
    base::log_error("sandbox message", {{"error", error.what()}});
  }
}

void Link::lost() {
  std::map<std::uint64_t, std::shared_ptr<Slot>> slots;
  {
    std::lock_guard lock(mutex_);
    if (alive_) base::log_error("lambari-sandbox is gone", {});
    alive_ = false;
    slots.swap(slots_);
  }
  for (auto& [id, slot] : slots) slot->set_gone({.problem = "lambari-sandbox is gone"});
}

// The other side always reads soon, so a full socket is waited for, a second at most.
void Link::send(const Writer& message) {
  const auto& bytes = message.bytes();
  if (bytes.size() > protocol::kMaxMessage) throw SandboxFailed("sandbox message too large");
  for (;;) {
    if (::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return;
    if (errno == EINTR) continue;
    pollfd wanted{socket_.get(), POLLOUT, 0};
    if ((errno != EAGAIN && errno != EWOULDBLOCK) || poll(&wanted, 1, 1000) != 1)
      throw SandboxFailed("lambari-sandbox is gone; restart lambari");
  }
}

std::shared_ptr<Slot> Link::prepare(const std::string& pack, protocol::Mode mode, std::string primer) {
  std::shared_ptr<Slot> slot;
  {
    std::lock_guard lock(mutex_);
    if (!alive_) throw SandboxFailed("lambari-sandbox is gone; restart lambari");
    slot = std::make_shared<Slot>(++last_id_, std::move(primer));
    slots_[slot->id] = slot;
  }
  send(Writer(Ask::prepare).number(slot->id).text(pack).number(static_cast<std::uint64_t>(mode)));
  return slot;
}

void Link::assign(const Slot& slot, int memory_mb, int tmp_mb, const std::string& code, bool whole,
                  const std::vector<std::string>& layers) {
  Writer message(Ask::assign);
  message.number(slot.id).number(static_cast<std::uint64_t>(memory_mb)).number(static_cast<std::uint64_t>(tmp_mb)).text(code);
  message.number(whole).number(layers.size());
  for (const auto& layer : layers) message.text(layer);
  send(message);
}

void Link::terminate(const Slot& slot) noexcept { tell(Ask::terminate, slot); }
void Link::kill(const Slot& slot) noexcept { tell(Ask::kill, slot); }

void Link::tell(protocol::Ask what, const Slot& slot) noexcept {
  try {
    send(Writer(what).number(slot.id));
  } catch (const std::exception&) {  // then it is gone already
  }
}

}  // namespace lambari::sandbox
