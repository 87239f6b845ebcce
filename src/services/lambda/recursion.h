// Recursive loops: how often a chain of events has come through a function, as the Lineage of its trace header counts it. Pure.
//
//   Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:1|68fd508a:5
//
// Each item is a function and how often the chain came back to it. A chain begins with no Lineage.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lambari::lambda {

// The chain is stopped when a function would run once more after so many times.
inline constexpr int kMaxPassages = 16;

// The name of a function in a lineage: eight hexadecimal digits.
std::string lineage_name(std::string_view function_arn);

struct Passage {
  std::string header;  // for the function: with this passage counted
  int before = 0;      // how often the chain came through the function before
};
// `name` is a lineage_name. What cannot be read of a Lineage is left out; the other parts of the header stay.
Passage pass_through(std::string_view trace_header, std::string_view name);
// Of the trace headers of a batch, the one whose chain came through the function most often; "" of none.
std::string furthest(const std::vector<std::string>& trace_headers, std::string_view name);

}  // namespace lambari::lambda
