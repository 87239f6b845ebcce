// What happens in an environment, told to extensions that subscribe: platform events and the lines of the function and of
// extensions, in batches to a listener of theirs. Telemetry API 2022-07-01, and the Logs API before it.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "async/gate.h"
#include "async/task.h"
#include "base/json.h"
#include "sandbox/descriptor.h"
#include "sandbox/extensions.h"

namespace lambari::sandbox {

// What a subscriber asks for. Sizes are bounded as AWS bounds them.
struct Subscription {
  bool platform = false, function = false, extension = false;
  bool logs_api = false;    // the older one
  bool structured = false;  // lines that are JSON come as that, where the function logs JSON; before schema 2022-12-13 as text
  bool tcp = false;         // lines over a connection instead of POSTs
  std::uint16_t port = 0;
  std::string authority, path;
  std::size_t max_items = 10'000, max_bytes = 262'144;
  std::chrono::milliseconds timeout{1'000};
  std::vector<std::string> types;
};
// The body of PUT /telemetry or /logs. Pure.
std::variant<Subscription, Extensions::Refusal> parse_subscription(const std::string& body, bool logs_api);

// Thread-safe.
class Telemetry : public std::enable_shared_from_this<Telemetry> {
 public:
  enum class Source { platform, function, extension };
  // A socket to a listener in the environment, or none.
  using Connect = std::function<async::Task<Descriptor>(std::uint16_t port)>;

  Telemetry(boost::asio::io_context& context, Connect connect) : context_(context), connect_(std::move(connect)) {}

  // Replaces what the extension has subscribed to before. It also gets what was recorded since the environment's start. False
  // once subscriptions are closed.
  bool subscribe(const std::string& extension, Subscription subscription);
  void close_subscriptions();  // the Init phase is over

  bool heard() const { return heard_; }  // by somebody, or by who may yet subscribe
  // `type` is the event's: "platform.start", "function". Cheap when it is not heard.
  void record(Source source, std::string_view type, base::json::value record);
  void record_line(Source source, const std::string& line, bool logs_json);
  void flush();            // what waits goes out now, full or not
  void hold(bool frozen);  // while it is frozen the environment takes nothing: nothing is sent
  void close();            // nothing goes out any more

 private:
  struct Event {
    Source source;
    std::string text;
    std::string unstructured;  // the same for who subscribed by an older schema, where that is another text
  };
  struct Subscriber {
    Subscription wants;
    std::deque<std::string> waiting;
    std::size_t bytes = 0, dropped = 0, dropped_bytes = 0;
    std::chrono::steady_clock::time_point since;  // of the oldest that waits
    bool hurry = false, gone = false;
    async::Event changed;
  };
  void record_subscription(bool logs_api, base::json::object record);
  void publish(Event event);
  void put(Subscriber& subscriber, const Event& event);  // under the mutex
  static async::Task<> deliver(std::shared_ptr<Telemetry> self, std::shared_ptr<Subscriber> subscriber);
  async::Task<bool> send(std::shared_ptr<Subscriber> subscriber, std::string body);

  boost::asio::io_context& context_;
  const Connect connect_;
  std::mutex mutex_;
  std::deque<Event> history_;  // for whom subscribes later
  std::size_t history_bytes_ = 0;
  std::map<std::string, std::shared_ptr<Subscriber>> subscribers_;
  std::atomic<bool> heard_ = true;
  bool open_ = true;  // to subscriptions
  bool frozen_ = false;
  bool closed_ = false;
};

}  // namespace lambari::sandbox
