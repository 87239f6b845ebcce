// A running lambari, as the commands see it.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/cli.h"
#include "http/message.h"

namespace lambari::cli {

// Ends the command: the message goes to standard error.
struct CommandError : std::runtime_error {
  explicit CommandError(const std::string& what, int exit_code = kFailed) : std::runtime_error(what), exit_code(exit_code) {}
  int exit_code;
};
// Nothing listens at the address, or it does not answer.
struct Unreachable : CommandError {
  using CommandError::CommandError;
};
// An AWS error answer.
struct ServiceError : CommandError {
  ServiceError(std::string code, const std::string& message) : CommandError(code + ": " + message), code(std::move(code)) {}
  std::string code;
};

// --endpoint, else AWS_ENDPOINT_URL, else the note in the data directory, else LAMBARI_ADDRESS and LAMBARI_PORT.
std::string find_endpoint(const std::string& flag, const Program& program);

// For one thread. Waits for each answer.
class Connection {
 public:
  Connection(std::string url, const Values& environment);
  ~Connection();

  const std::string& url() const { return url_; }
  const std::string& region() const { return region_; }

  // The admin API: the document of a 2xx answer. Throws CommandError with the message of any other.
  base::json::object get(const std::string& page);
  base::json::object post(const std::string& page, const base::json::object& document = {});

  // An AWS call, signed with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or test and test. Throws ServiceError unless 2xx.
  http::Response aws(std::string_view service, http::Request request);

  http::Response send(http::Request request);

 private:
  struct State;
  std::string url_, region_;
  std::unique_ptr<State> state_;
};

}  // namespace lambari::cli
