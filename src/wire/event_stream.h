// Results that come in events (application/vnd.amazon.eventstream), as they happen.
// https://smithy.io/2.0/aws/amazon-eventstream.html
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/task.h"
#include "http/message.h"
#include "wire/service.h"

namespace lambari::wire {

// Gives one event after another, each a typed union with exactly one member. Read by one coroutine, on the loop of the
// client's connection; destroyed when the client has left. A Fault that it throws ends the stream: it becomes an exception
// event where the union has a member of that name, else an error event.
class AnyEventSource {
 public:
  virtual ~AnyEventSource() = default;
  virtual async::Task<Value> next_value() = 0;  // an empty Value ends the stream
};

template <class T>
class EventSource : public AnyEventSource {
 public:
  virtual async::Task<std::optional<T>> next() = 0;  // nothing ends the stream
  async::Task<Value> next_value() final {
    auto event = co_await next();
    if (!event) co_return Value(nullptr, [](void*) {});
    co_return make_value(std::move(*event));
  }
};

// What a result holds where the model has an event stream.
struct AnyEventStream {
  std::shared_ptr<AnyEventSource> source;
};
template <class T>
struct EventStream : AnyEventStream {
  EventStream() = default;
  EventStream(std::shared_ptr<EventSource<T>> from) : AnyEventStream{std::move(from)} {}
};

inline constexpr std::string_view kEventStreamType = "application/vnd.amazon.eventstream";

// The body that writes the events of `stream`, a structure marked event_stream. `initial` is a message that goes first (what an
// RPC protocol's result holds beside the events); empty for none.
std::shared_ptr<http::BodySource> event_body(std::shared_ptr<AnyEventSource> source, const Shape& stream, Protocol protocol,
                                             std::string initial = {});

// ---- messages, for tests and for initial ones ----

struct EventHeader {
  std::string name;
  std::string type_and_value;  // as it is written: a type's number, then its value
};
EventHeader string_header(std::string_view name, std::string_view value);
std::string event_message(const std::vector<EventHeader>& headers, std::string_view payload);
std::string typed_message(std::string_view event_type, std::string_view content_type, std::string_view payload);

}  // namespace lambari::wire
