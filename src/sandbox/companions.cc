#include "sandbox/companions.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "sandbox/receive_record.h"

namespace lambari::sandbox {

namespace asio = boost::asio;
using protocol::CompanionAsk;
using protocol::CompanionTell;

Companions::Companions(asio::io_context& context, Descriptor line, std::shared_ptr<Extensions> extensions)
    : context_(context), line_(context), extensions_(std::move(extensions)) {
  fcntl(line.get(), F_SETFL, fcntl(line.get(), F_GETFL) | O_NONBLOCK);
  line_.assign(line.release());
}

void Companions::send(CompanionAsk ask) {
  std::lock_guard lock(mutex_);
  if (!closed_) (void)!::send(line_.native_handle(), &ask, sizeof ask, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// The other side sleeps in recv() and the socket is empty: this neither waits nor is cut short.
void Companions::launch(const std::string& message) {
  std::lock_guard lock(mutex_);
  if (!closed_) (void)!::send(line_.native_handle(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Companions::start_runtime() { send({CompanionAsk::start_runtime}); }
void Companions::terminate_runtime() { send({CompanionAsk::terminate}); }

bool Companions::take() {
  CompanionTell told{};
  Descriptor descriptor;
  const auto size = receive_record(line_.native_handle(), told, descriptor);
  if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  if (size != sizeof told) return false;
  switch (told.kind) {
    case CompanionTell::output: {
      std::lock_guard lock(mutex_);
      if (output_ || closed_ || !descriptor) return true;
      output_ = std::make_shared<Output>(context_, std::move(descriptor));
      if (sink_) output_->begin(sink_);
      asio::co_spawn(context_, Output::watch(output_), asio::detached);
      return true;
    }
    case CompanionTell::not_started: extensions_->not_started(told.which, static_cast<int>(told.status)); return true;
    case CompanionTell::ended: extensions_->ended(told.which, static_cast<int>(told.status)); return true;
    case CompanionTell::runtime_ended: extensions_->runtime_ended(); return true;
  }
  return true;
}

async::Task<> Companions::receive(std::shared_ptr<Companions> self) {
  for (;;) {
    {
      std::lock_guard lock(self->mutex_);
      if (self->closed_) break;
    }
    boost::system::error_code error;
    co_await self->line_.async_wait(asio::posix::stream_descriptor::wait_read, asio::redirect_error(asio::use_awaitable, error));
    if (error || !self->take()) break;
  }
  std::lock_guard lock(self->mutex_);
  self->closed_ = true;
  boost::system::error_code ignored;
  self->line_.close(ignored);
}

void Companions::begin(LineSink sink) {
  std::lock_guard lock(mutex_);
  sink_ = sink;
  if (output_) output_->begin(std::move(sink));
}

void Companions::end() {
  std::lock_guard lock(mutex_);
  sink_ = nullptr;
  if (output_) output_->end();
}

void Companions::close() {
  {
    std::lock_guard lock(mutex_);
    sink_ = nullptr;
    if (output_) output_->close();
  }
  asio::post(context_, [self = shared_from_this()] {
    std::lock_guard lock(self->mutex_);
    self->closed_ = true;
    boost::system::error_code ignored;
    if (self->line_.is_open()) self->line_.cancel(ignored);
  });
}

}  // namespace lambari::sandbox
