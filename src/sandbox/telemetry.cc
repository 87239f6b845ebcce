#include "sandbox/telemetry.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/clock.h"
#include "base/text.h"
#include "sandbox/until_late.h"

namespace lambari::sandbox {

namespace asio = boost::asio;
namespace json = base::json;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kHistoryBytes = 1024 * 1024;
constexpr std::size_t kWaitingBytes = 8 * 1024 * 1024;  // per subscriber; beyond it lines are dropped, and that is told
constexpr auto kAnswerTime = 2s;
constexpr int kTries = 3;

base::Timestamp now() {
  return {std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

// Writes all of `text`, then, when asked, reads until the head of an answer is there. False when that fails or takes too long.
async::Task<bool> talk(asio::io_context& context, Descriptor socket, std::string text, bool answer) {
  asio::steady_timer timer(context, kAnswerTime);
  const auto stream = open_until_late(context, timer, std::move(socket));
  bool well = stream != nullptr;
  std::string_view left = text;
  std::string got;
  while (well && (!left.empty() || (answer && got.find('\n') == std::string::npos))) {
    boost::system::error_code error;
    co_await stream->async_wait(
        left.empty() ? asio::posix::stream_descriptor::wait_read : asio::posix::stream_descriptor::wait_write,
        asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      well = false;
    } else if (!left.empty()) {
      const auto sent = ::send(stream->native_handle(), left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) left.remove_prefix(static_cast<std::size_t>(sent));
      well = sent > 0 || (sent < 0 && (errno == EAGAIN || errno == EINTR));
    } else {
      char buffer[1024];
      const auto size = ::recv(stream->native_handle(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (size > 0) got.append(buffer, static_cast<std::size_t>(size));
      well = size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
    }
  }
  timer.cancel();
  // "HTTP/1.1 200 OK"
  co_return well && (!answer || (got.size() > 9 && got[9] == '2'));
}

Extensions::Refusal invalid(std::string message) { return {400, "ValidationError", std::move(message)}; }

// 9001 is the Runtime API's.
bool may_listen(long long port) { return port >= 1 && port <= 65'535 && port != 9001; }

// Nothing when the URI is not one of the environment's own listeners.
bool read_destination(std::string_view uri, Subscription& into) {
  constexpr std::string_view kScheme = "http://";
  if (!base::iequals(uri.substr(0, kScheme.size()), kScheme)) return false;
  uri.remove_prefix(kScheme.size());
  const auto slash = std::min(uri.find('/'), uri.size());
  into.authority = uri.substr(0, slash);
  into.path = slash < uri.size() ? std::string(uri.substr(slash)) : "/";
  const auto [host, port] = base::cut(into.authority, ':');
  const auto number = port.empty() ? std::optional<long long>(80) : base::parse_int(port);
  if ((host != "sandbox" && host != "sandbox.localdomain") || !number || !may_listen(*number)) return false;
  if (into.path.find_first_of(" \r\n") != std::string::npos) return false;
  into.port = static_cast<std::uint16_t>(*number);
  return true;
}

}  // namespace

std::variant<Subscription, Extensions::Refusal> parse_subscription(const std::string& body, bool logs_api) {
  Subscription wants;
  wants.logs_api = logs_api;
  const auto document = base::parse_json(body);
  if (!document || !document->is_object()) return invalid("The subscription is not a JSON object");
  const auto& all = document->as_object();

  // https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#telemetry-api-function
  const auto* schema = all.if_contains("schemaVersion");
  const auto is = [&](const char* version) { return *schema == version; };
  if (!schema && !logs_api) return invalid("schemaVersion is missing");
  if (schema && !(logs_api ? is("2020-08-15") || is("2021-03-18") : is("2022-07-01") || is("2022-12-13") || is("2025-01-29")))
    return invalid("schemaVersion is not one of this API's");
  wants.structured = !logs_api && !is("2022-07-01");

  const auto* types = all.if_contains("types");
  if (!types || !types->is_array() || types->as_array().empty()) return invalid("types is missing");
  for (const auto& type : types->as_array()) {
    if (type == "platform") {
      wants.platform = true;
    } else if (type == "function") {
      wants.function = true;
    } else if (type == "extension") {
      wants.extension = true;
    } else {
      return invalid("types: platform, function and extension are known");
    }
    wants.types.emplace_back(type.as_string());
  }

  const auto* to = all.if_contains("destination");
  if (!to || !to->is_object()) return invalid("destination is missing");
  const auto& destination = to->as_object();
  const auto* protocol = destination.if_contains("protocol");
  if (!protocol || !protocol->is_string()) return invalid("destination.protocol is missing");
  if (protocol->as_string() == "HTTP") {
    const auto* uri = destination.if_contains("URI");
    if (!uri) uri = destination.if_contains("uri");
    if (!uri || !uri->is_string() || !read_destination(std::string_view(uri->as_string()), wants))
      return invalid("destination.URI must be like http://sandbox.localdomain:8080, and not on port 9001");
  } else if (protocol->as_string() == "TCP") {
    const auto* port = destination.if_contains("port");
    if (!port || !port->is_int64() || !may_listen(port->as_int64()))
      return invalid("destination.port must be a port, and not 9001");
    wants.tcp = true;
    wants.port = static_cast<std::uint16_t>(port->as_int64());
  } else {
    return invalid("destination.protocol must be HTTP or TCP");
  }

  const auto* buffering = all.if_contains("buffering");
  if (buffering && !buffering->is_object()) return invalid("buffering must be an object");
  const auto bounded = [&](const char* name, long long least, long long most) -> std::optional<long long> {
    const auto* value = buffering ? buffering->as_object().if_contains(name) : nullptr;
    if (!value || value->is_null()) return std::nullopt;
    if (!value->is_int64()) return -1;
    return value->as_int64() < least || value->as_int64() > most ? -1 : value->as_int64();
  };
  const auto items = bounded("maxItems", 1'000, 10'000), bytes = bounded("maxBytes", 262'144, 1'048'576),
             time = bounded("timeoutMs", 25, 30'000);
  if (items == -1) return invalid("buffering.maxItems must be 1000 to 10000");
  if (bytes == -1) return invalid("buffering.maxBytes must be 262144 to 1048576");
  if (time == -1) return invalid("buffering.timeoutMs must be 25 to 30000");
  if (items) wants.max_items = static_cast<std::size_t>(*items);
  if (bytes) wants.max_bytes = static_cast<std::size_t>(*bytes);
  if (time) wants.timeout = std::chrono::milliseconds(*time);
  return wants;
}

void Telemetry::put(Subscriber& subscriber, const Event& event) {
  const auto& text = subscriber.wants.structured || event.unstructured.empty() ? event.text : event.unstructured;
  if (subscriber.bytes + text.size() > kWaitingBytes) {
    ++subscriber.dropped;
    subscriber.dropped_bytes += text.size();
    return;
  }
  if (subscriber.waiting.empty()) subscriber.since = std::chrono::steady_clock::now();
  subscriber.bytes += text.size();
  subscriber.waiting.push_back(text);
}

namespace {
bool hears(const Subscription& wants, Telemetry::Source source) {
  switch (source) {
    case Telemetry::Source::platform: return wants.platform;
    case Telemetry::Source::function: return wants.function;
    case Telemetry::Source::extension: return wants.extension;
  }
  return false;
}
}  // namespace

bool Telemetry::subscribe(const std::string& extension, Subscription subscription) {
  auto subscriber = std::make_shared<Subscriber>();
  subscriber->wants = std::move(subscription);
  json::array types;
  for (const auto& type : subscriber->wants.types) types.emplace_back(type);
  json::object record{{"name", extension}, {"state", "Subscribed"}, {"types", std::move(types)}};
  const bool logs_api = subscriber->wants.logs_api;
  {
    std::lock_guard lock(mutex_);
    if (!open_) return false;
    auto& place = subscribers_[extension];
    if (place) {
      place->gone = true;
      place->changed.notify_all();
    }
    for (const auto& event : history_)
      if (hears(subscriber->wants, event.source)) put(*subscriber, event);
    place = subscriber;
  }
  asio::co_spawn(context_, deliver(shared_from_this(), subscriber), asio::detached);
  record_subscription(logs_api, std::move(record));
  return true;
}

void Telemetry::close_subscriptions() {
  if (!heard_) return;
  std::lock_guard lock(mutex_);
  open_ = false;
  history_.clear();
  if (subscribers_.empty()) heard_ = false;
}

void Telemetry::record_subscription(bool logs_api, json::object record_) {
  record(Source::platform, logs_api ? "platform.logsSubscription" : "platform.telemetrySubscription", std::move(record_));
}

namespace {
std::string text_of(const std::string& time, std::string_view type, json::value record) {
  return base::to_json(json::object{{"time", time}, {"type", type}, {"record", std::move(record)}});
}
}  // namespace

void Telemetry::record(Source source, std::string_view type, json::value record) {
  if (heard_) publish({source, text_of(base::iso8601(now(), true), type, std::move(record)), {}});
}

void Telemetry::record_line(Source source, const std::string& line, bool logs_json) {
  if (!heard_) return;
  const auto type = source == Source::function ? "function" : "extension";
  const auto time = base::iso8601(now(), true);
  Event event{source, text_of(time, type, json::value(line)), {}};
  if (auto document = logs_json ? base::parse_json(line) : std::nullopt; document && document->is_object())
    event.unstructured = std::exchange(event.text, text_of(time, type, std::move(*document)));
  publish(std::move(event));
}

void Telemetry::publish(Event event) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  for (auto& [name, subscriber] : subscribers_) {
    if (!hears(subscriber->wants, event.source)) continue;
    put(*subscriber, event);
    subscriber->changed.notify_all();
  }
  if (!open_) return;
  history_bytes_ += event.text.size() + event.unstructured.size();
  history_.push_back(std::move(event));
  while (history_bytes_ > kHistoryBytes) {
    history_bytes_ -= history_.front().text.size() + history_.front().unstructured.size();
    history_.pop_front();
  }
}

void Telemetry::flush() {
  std::lock_guard lock(mutex_);
  for (auto& [name, subscriber] : subscribers_) {
    subscriber->hurry = true;
    subscriber->changed.notify_all();
  }
}

void Telemetry::hold(bool frozen) {
  std::lock_guard lock(mutex_);
  frozen_ = frozen;
  for (auto& [name, subscriber] : subscribers_) subscriber->changed.notify_all();
}

void Telemetry::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  open_ = heard_ = false;
  history_.clear();
  for (auto& [name, subscriber] : subscribers_) {
    subscriber->gone = true;
    subscriber->changed.notify_all();
  }
  subscribers_.clear();
}

async::Task<bool> Telemetry::send(std::shared_ptr<Subscriber> subscriber, std::string body) {
  const auto& wants = subscriber->wants;
  auto socket = co_await connect_(wants.port);
  if (!socket) co_return false;
  auto text = wants.tcp ? std::move(body)
                        : fmt::format(
                              "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
                              "Connection: close\r\n\r\n{}",
                              wants.path, wants.authority, body.size(), body);
  co_return co_await talk(context_, std::move(socket), std::move(text), !wants.tcp);
}

// One subscriber's batches, one after another. What could not be sent is tried again with what came since.
async::Task<> Telemetry::deliver(std::shared_ptr<Telemetry> self, std::shared_ptr<Subscriber> subscriber) {
  auto& s = *subscriber;
  std::deque<std::string> batch;
  std::size_t batch_bytes = 0;
  int failures = 0;
  for (;;) {
    const auto ticket = s.changed.ticket();
    auto pause = std::chrono::milliseconds(24h);
    bool frozen = false;
    {
      std::lock_guard lock(self->mutex_);
      if (s.gone) co_return;
      frozen = self->frozen_;
      const auto& wants = s.wants;
      const auto age = std::chrono::steady_clock::now() - s.since;
      const bool due = !s.waiting.empty() &&
                       (s.hurry || s.waiting.size() >= wants.max_items || s.bytes >= wants.max_bytes || age >= wants.timeout);
      if (due && !frozen) {
        while (!s.waiting.empty() && batch.size() < wants.max_items &&
               (batch.empty() || batch_bytes + s.waiting.front().size() <= wants.max_bytes)) {
          batch_bytes += s.waiting.front().size();
          s.bytes -= s.waiting.front().size();
          batch.push_back(std::move(s.waiting.front()));
          s.waiting.pop_front();
        }
        if (s.waiting.empty()) s.hurry = false;
        s.since = std::chrono::steady_clock::now();
      } else if (!s.waiting.empty() && !frozen) {
        pause = std::chrono::ceil<std::chrono::milliseconds>(wants.timeout - age);
      }
    }
    if (batch.empty() || frozen) {
      co_await s.changed.wait(ticket, pause);
      continue;
    }
    std::string body;
    for (const auto& text : batch) {
      body += s.wants.tcp ? "" : body.empty() ? "[" : ",";
      body += text;
      if (s.wants.tcp) body += '\n';
    }
    if (!s.wants.tcp) body += ']';
    const bool sent = co_await self->send(subscriber, std::move(body));
    std::size_t dropped = 0, dropped_bytes = 0;
    {
      std::lock_guard lock(self->mutex_);
      if (s.gone) co_return;
      if (!sent && self->frozen_) continue;  // nobody's fault
      const bool lost = !sent && ++failures >= kTries;
      if (lost) {
        s.dropped += batch.size();
        s.dropped_bytes += batch_bytes;
      }
      if (sent || lost) {
        batch.clear();
        batch_bytes = 0;
        failures = 0;
      }
      if (batch.empty()) std::swap(dropped, s.dropped), std::swap(dropped_bytes, s.dropped_bytes);
    }
    if (dropped)
      self->record(Source::platform, "platform.logsDropped",
                   json::object{{"reason", "Consumer seems to have fallen behind as it has not acknowledged receipt of logs."},
                                {"droppedRecords", dropped},
                                {"droppedBytes", dropped_bytes}});
    if (!batch.empty()) co_await s.changed.wait(s.changed.ticket(), 1s);
  }
}

}  // namespace lambari::sandbox
