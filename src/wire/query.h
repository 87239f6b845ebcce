// Requests of the query protocol and of its ec2 form: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/reading.h"
#include "wire/shape.h"

namespace lambari::wire {

// The parameters of one request, in any order; the reader finds what begins with a prefix by halving.
class Form {
 public:
  explicit Form(std::vector<std::pair<std::string, std::string>> pairs);
  const std::string* find(std::string_view name) const;             // of several under one name, the greatest
  bool has_below(std::string_view prefix) const;                    // "Tags." when any parameter starts so
  std::vector<std::size_t> indices(std::string_view prefix) const;  // 1, 2, 10 for "Tags.member." ; ascending, each once

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

void read_query(const Form& form, const Shape& shape, void* value, Reading& reading, bool ec2);

}  // namespace lambari::wire
