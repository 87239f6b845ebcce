// What passes between an invocation and the runtime that serves it: the invocation waits here for GET /next, the runtime for an
// invocation, and the answer comes back. One per environment; thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "async/gate.h"
#include "sandbox/extensions.h"
#include "sandbox/sandbox.h"
#include "sandbox/telemetry.h"

namespace lambari::sandbox {

inline constexpr std::size_t kMaxResponse = 6'291'556;  // AWS: 6 MB and room for its envelope

inline constexpr std::string_view kTruncatedResponse = "Runtime.TruncatedResponse";  // the connection ended inside it

class Exchange {
 public:
  // How a runtime answered, or what it said about its start.
  struct Answer {
    Outcome::Kind kind = Outcome::Kind::success;
    std::string payload;
    std::string error_type;
    std::string content_type;
    bool in_pieces = false;  // as a function that streams gives it
    bool streamed = false;   // the sink has it
    std::size_t bytes = 0;
    std::chrono::steady_clock::time_point when;
  };

  // `external` are the programs of extensions, as the function sees them; `telemetry` is never null.
  Exchange(const std::vector<std::string>& external, std::shared_ptr<Telemetry> telemetry, ExtensionNews news = nullptr);

  Extensions& extensions() { return *extensions_; }
  std::shared_ptr<Extensions> shared_extensions() { return extensions_; }
  Telemetry& telemetry() { return *telemetry_; }
  const ExtensionNews& news() const { return news_; }  // may be empty
  // What registering extensions are told.
  struct Facts {
    std::string name, version, handler, account;
  };
  Facts facts() const;
  void set_facts(Facts facts);

  // --- the invocation's side
  // For the next GET /next; it waits until extensions are ready too.
  void offer(Invocation invocation);
  std::optional<std::chrono::steady_clock::time_point> taken() const;  // when the runtime took it
  std::optional<Answer> take_answer();
  bool waited() const;  // the runtime has asked for work at least once: its start is over
  bool asking() const;  // it waits for work; to_invoker() tells when it comes to do so after a failure or a stream
  async::Event& to_invoker() { return events_->invoker; }

  // --- the runtime's side
  // Waits for an invocation; nothing when the environment closes.
  async::Task<std::optional<Invocation>> next();
  bool may_ask() const;  // false while an invocation that it has is not answered
  enum class Verdict { accepted, wrong_id, answered_before, too_large };
  Verdict answer(std::string_view request_id, Answer answer);
  // An answer in pieces begins: where they go; null when they are to be collected; nothing when no such invocation runs.
  std::optional<std::shared_ptr<ResponseSink>> begin_stream(std::string_view request_id, std::string content_type);
  bool start_failed(Answer answer);            // false when it has started, or has said so before
  void announce_too_large(std::size_t bytes);  // the body will not even be read

  void close();  // wakes both

 private:
  mutable std::mutex mutex_;
  std::optional<Invocation> offered_;
  std::string running_, answered_;  // request ids
  std::shared_ptr<ResponseSink> sink_;
  Facts facts_;
  std::optional<std::chrono::steady_clock::time_point> taken_;
  std::optional<Answer> answer_;
  bool waited_ = false;
  bool asking_ = false, awaited_ = false;
  bool closed_ = false;
  struct Events {
    async::Event invoker, runtime;
  };
  const std::shared_ptr<Events> events_ = std::make_shared<Events>();
  const std::shared_ptr<Extensions> extensions_;
  const std::shared_ptr<Telemetry> telemetry_;
  const ExtensionNews news_;
};

}  // namespace lambari::sandbox
