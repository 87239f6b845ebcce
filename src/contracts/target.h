// What a room hands to a resource of another room by its ARN: a topic's message to a queue, the record of an asynchronous
// invocation to a destination. Each room that owns such resources implements Target; delivery::Targets finds it by ARN.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "async/task.h"
#include "contracts/identity.h"

namespace lambari::contracts {

// As SQS and SNS have them.
struct MessageAttribute {
  std::string data_type;  // "String", "Number", "Binary", with a custom label or not ("String.Array")
  std::string value;      // text, or the bytes themselves when the type is Binary
};

struct Parcel {
  std::string target;      // ARN, qualified or not
  std::string body;        // the message's body; the payload of an invocation; the body of a request
  Principal sender;        // a service principal (the target's resource policy decides), or the role that the sender assumed
  std::string source_arn;  // aws:SourceArn; empty when there is none
  std::string id;          // the same at every attempt to deliver this parcel
  std::string group_id;    // of FIFO queues and topics
  std::string deduplication_id;
  std::string subject;  // of topics
  std::map<std::string, MessageAttribute> attributes;
  std::string trace_header;
};

struct Delivery {
  enum class Kind {
    delivered,  // the target has it durably
    try_again,  // throttled, unavailable: the same parcel may succeed later
    refused,    // it never will: no such resource, not allowed, too large
  };
  Kind kind = Kind::delivered;
  std::string code, message;  // AWS's, when not delivered
  int status = 200;           // HTTP status of the target's answer
};

// Thread-safe.
class Target {
 public:
  virtual ~Target() = default;
  // Answers when the target has the parcel durably, or will not have it. Does not throw for what a Delivery can say.
  virtual async::Task<Delivery> deliver(Parcel parcel) = 0;
};

}  // namespace lambari::contracts
