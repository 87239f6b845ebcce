#include "services/sns/mail.h"

#include "base/text.h"
#include "services/sns/keys.h"

namespace lambari::sns {

void put_mail(store::Transaction& t, const Mail& mail) {
  const auto last = t.get(keys::mail_last());
  const auto number = static_cast<std::uint64_t>(last ? base::parse_int(*last).value_or(0) : 0) + 1;
  t.put(keys::mail_last(), std::to_string(number));
  t.put(keys::mail(number), base::to_json(base::json::object{{"number", number},
                                                             {"time", base::iso8601(mail.time, true)},
                                                             {"protocol", mail.protocol},
                                                             {"to", mail.to},
                                                             {"from", mail.from},
                                                             {"subject", mail.subject},
                                                             {"body", mail.body},
                                                             {"topic", mail.topic},
                                                             {"message_id", mail.message_id}}));
  if (number > kMailKept) t.erase(keys::mail(number - kMailKept));
}

base::json::array read_mail(store::Reader& reader, std::size_t limit) {
  base::json::array out;
  for (const auto& row : reader.scan(store::prefix_range(keys::mails()), limit, store::Order::descending))
    if (auto value = base::parse_json(row.value)) out.push_back(*std::move(value));
  return out;
}

}  // namespace lambari::sns
