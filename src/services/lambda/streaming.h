// The answer of one invocation while it is made: the invocation writes, one client reads, on any loops.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "async/pipe.h"
#include "sandbox/sandbox.h"

namespace lambari::lambda {

// How an invocation ended.
struct Finished {
  std::string payload;         // the answer, or the error's document; empty when the answer went to a stream
  std::string function_error;  // "Unhandled", or empty
  std::string executed_version, log_tail;
};

// The client waits for begun(), reads to the end, and finds finished(). It calls leave() when it goes earlier: the function runs
// on, unheard, as on AWS.
class StreamedAnswer : public sandbox::ResponseSink {
 public:
  // --- the client's side
  // Until the function has begun to answer, or has ended without. Throws what refused the invocation.
  async::Task<> begun();
  const std::string& content_type() const { return content_type_; }  // empty when it ended without
  const std::string& executed_version() const { return executed_version_; }
  async::Task<std::optional<std::string>> read() { return pipe_.read(); }
  const Finished& finished() const { return finished_; }  // once read() gave nothing
  void leave() { pipe_.leave(); }

  // --- the invocation's side
  void picked(std::string version) { executed_version_ = std::move(version); }  // before it begins
  void begin(std::string content_type) override;
  // After the first 6 MB no faster than 2 MB a second, as on AWS.
  async::Task<bool> write(std::string piece) override;
  void finish(Finished finished);
  void refuse(std::exception_ptr why);

 private:
  void settle();

  std::mutex mutex_;
  bool settled_ = false;  // begun, finished or refused
  std::exception_ptr refused_;
  std::string content_type_, executed_version_;
  Finished finished_;
  async::Event changed_;
  async::Pipe pipe_;
  std::uint64_t written_ = 0;
  std::chrono::steady_clock::time_point slow_since_;  // when the first 6 MB were over
};

}  // namespace lambari::lambda
