// A fault that a client may see. Thrown by rooms, encoded once by the protocol of the call.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "wire/shape.h"

namespace lambari::wire {

// Common faults of every service: https://docs.aws.amazon.com/general/latest/gr/api-error-codes (CommonErrors pages).
class Fault : public std::exception {
 public:
  Fault(std::string code, std::string message, int status)
      : code_(std::move(code)), message_(std::move(message)), status_(status) {}

  const std::string& code() const { return code_; }  // "ResourceNotFoundException"
  const std::string& message() const { return message_; }
  int status() const { return status_; }          // HTTP
  bool senders() const { return status_ < 500; }  // whose fault; <Type>Sender</Type> of the query protocol
  const char* what() const noexcept override { return message_.c_str(); }

  // The name in json 1.x's __type and the older query code, where they differ from code().
  std::string_view query_code() const { return query_code_; }
  // Members beside the message, when the model has some: a typed fault sets both.
  virtual const Shape* shape() const { return nullptr; }
  virtual const void* value() const { return nullptr; }

 protected:
  void set_query_code(std::string_view code) { query_code_ = code; }
  std::string message_field_;

 private:
  std::string code_, message_;
  std::string_view query_code_;
  int status_;
};

}  // namespace lambari::wire
