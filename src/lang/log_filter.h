// The filter patterns of CloudWatch Logs: which log messages match.
//   https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
// Terms:   ERROR "bad gateway" -DEBUG | ?ERROR ?WARN | %regular expression%
// JSON:    { $.status = 4* && ($.user.name != "root" || $.items[*].id > 7) }, IS TRUE, IS FALSE, IS NULL, NOT EXISTS
// Fields:  [ip, user, ..., status = 4* || status = 5*, bytes > 1000]
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lambari::lang {

// what() is the message for the client.
struct LogFilterError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// Immutable; copies share. Thread-safe.
class LogFilter {
 public:
  // Throws LogFilterError. Patterns are at most 1024 bytes.
  static LogFilter parse(std::string_view pattern);

  bool matches(std::string_view message) const;

 private:
  struct Program;
  explicit LogFilter(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

}  // namespace lambari::lang
