// Lines out of what a function writes. Standard output and error share one pipe, so that their order is kept. Through the same
// pipe come the frames of AWS's runtime clients (_LAMBDA_TELEMETRY_LOG_FD): a log record of several lines stays one event.
//
//   frame: a5 5a 00 xx, length (4 bytes, big endian), microseconds since 1970 (8 bytes), text
//
// Its first two bytes cannot begin a character of UTF-8.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace lambari::sandbox {

inline constexpr std::size_t kMaxLine = 256 * 1024;  // CloudWatch Logs' limit of an event

class Lines {
 public:
  using Sink = std::function<void(std::string line)>;

  // Gives every line that is complete, without its newline. Longer ones are cut into pieces of kMaxLine.
  void feed(std::string_view bytes, const Sink& sink);
  // What was written without a newline so far, as a line.
  void flush(const Sink& sink);

 private:
  enum class State { text, head, frame };
  void text(std::string_view bytes, const Sink& sink);
  static void put(std::string line, const Sink& sink);

  State state_ = State::text;
  std::string line_;        // of text, not ended yet
  std::string part_;        // of a frame's head or body
  std::size_t wanted_ = 0;  // bytes of the frame's body
};

}  // namespace lambari::sandbox
