#include "async/visit.h"

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace lambari::async {

// Asio shuts the services of a context down in reverse order of their making, so this one before the context's own queue.
class Visit::Service : public boost::asio::execution_context::service {
 public:
  using key_type = Service;
  static inline boost::asio::execution_context::id id;

  explicit Service(boost::asio::execution_context& context) : service(context) {}

  void enter() {
    std::lock_guard lock(mutex_);
    ++visits_;
  }
  void leave() {
    std::lock_guard lock(mutex_);  // to the end of the notification: the service may be gone right after
    if (--visits_ == 0) left_.notify_all();
  }
  void shutdown() noexcept override {
    std::unique_lock lock(mutex_);
    left_.wait(lock, [this] { return visits_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable left_;
  std::size_t visits_ = 0;  // guarded by mutex_
};

Visit::Visit(boost::asio::execution_context& context) : service_(boost::asio::use_service<Service>(context)) { service_.enter(); }

Visit::~Visit() { service_.leave(); }

}  // namespace lambari::async
