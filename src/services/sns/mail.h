// The local outbox: what SNS would send as email or SMS is kept here, durably, and can be read. Nothing leaves the machine.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "store/store.h"

namespace lambari::sns {

struct Mail {
  std::string protocol;  // email, email-json, sms
  std::string to, from, subject, body;
  std::string topic;  // ARN; empty for an SMS to a number
  std::string message_id;
  base::Timestamp time;
};

inline constexpr std::uint64_t kMailKept = 10'000;  // the latest

void put_mail(store::Transaction& t, const Mail& mail);
// The latest, newest first.
base::json::array read_mail(store::Reader& reader, std::size_t limit);

}  // namespace lambari::sns
