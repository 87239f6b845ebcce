// The only place that spells the keys of this room.
//
//   sns/topic         account region topic                    -> Topic
//   sns/subscription  account region topic id                 -> Subscription
//   sns/endpoint      account region topic protocol endpoint  -> subscription id
//   sns/ended         account region topic id                 -> Subscription, ended by a link: two days to take it back
//   sns/deleted       account region topic                    -> subscriptions deleted, decimal
//   sns/sequence      account region topic                    -> last sequence number of a FIFO topic
//   sns/dedup         account region topic scope id           -> until, message id, sequence number
//   sns/dedup-due     account region topic until scope id     -> ""
//   sns/message       message id                              -> Message: one that several deliveries share
//   sns/uses          message id                              -> deliveries that still need it, decimal
//   sns/mail          number                                  -> a message of the local outbox
//   sns/mail-last     (one row)                               -> its last number
//   sns/signing       (one row)                               -> private key and certificate, PEM
#pragma once

#include <string>
#include <string_view>

#include "services/sns/model.h"
#include "store/key.h"

namespace lambari::sns::keys {

inline constexpr std::string_view kTables[] = {"sns/topic",   "sns/subscription", "sns/endpoint", "sns/ended",
                                               "sns/deleted", "sns/sequence",     "sns/dedup",    "sns/dedup-due",
                                               "sns/message", "sns/uses",         "sns/mail",     "sns/mail-last"};

inline store::Key of_topic(std::string_view table, const TopicName& t) {
  return store::Key(table).text(t.account).text(t.region).text(t.name);
}

inline std::string topic(const TopicName& t) { return of_topic("sns/topic", t).str(); }
inline std::string topics(std::string_view account, std::string_view region) {
  return store::Key("sns/topic").text(account).text(region).str();
}
inline std::string subscription(const SubscriptionName& s) { return of_topic("sns/subscription", s.topic).text(s.id).str(); }
inline std::string subscriptions(const TopicName& t) { return of_topic("sns/subscription", t).str(); }
inline std::string subscriptions(std::string_view account, std::string_view region) {
  return store::Key("sns/subscription").text(account).text(region).str();
}
inline std::string endpoint(const TopicName& t, std::string_view protocol, std::string_view endpoint) {
  return of_topic("sns/endpoint", t).text(protocol).text(endpoint).str();
}
inline std::string endpoints(const TopicName& t) { return of_topic("sns/endpoint", t).str(); }
inline std::string ended(const SubscriptionName& s) { return of_topic("sns/ended", s.topic).text(s.id).str(); }
inline std::string all_ended(const TopicName& t) { return of_topic("sns/ended", t).str(); }
inline std::string deleted(const TopicName& t) { return of_topic("sns/deleted", t).str(); }
inline std::string sequence(const TopicName& t) { return of_topic("sns/sequence", t).str(); }
inline std::string dedup(const TopicName& t, std::string_view scope, std::string_view id) {
  return of_topic("sns/dedup", t).text(scope).text(id).str();
}
inline std::string dedups(const TopicName& t) { return of_topic("sns/dedup", t).str(); }
inline std::string dedup_due(const TopicName& t, std::int64_t until, std::string_view scope, std::string_view id) {
  return of_topic("sns/dedup-due", t).signed_number(until).text(scope).text(id).str();
}
inline std::string dedups_due(const TopicName& t) { return of_topic("sns/dedup-due", t).str(); }
inline std::string dedups_due(const TopicName& t, std::int64_t until) {
  return of_topic("sns/dedup-due", t).signed_number(until).str();
}
inline std::string message(std::string_view id) { return store::Key("sns/message").text(id).str(); }
inline std::string uses(std::string_view id) { return store::Key("sns/uses").text(id).str(); }
inline std::string mail(std::uint64_t number) { return store::Key("sns/mail").number(number).str(); }
inline std::string mails() { return store::Key("sns/mail").str(); }
inline std::string mail_last() { return store::Key("sns/mail-last").str(); }
inline std::string signing() { return store::Key("sns/signing").str(); }

// Keys from the one after `key`.
inline std::string after(std::string key) {
  key.push_back('\0');
  return key;
}

bool read_topic(std::string_view key, TopicName& out);
bool read_subscription(std::string_view key, SubscriptionName& out);
bool read_dedup_due(std::string_view key, std::string& scope, std::string& id);

}  // namespace lambari::sns::keys
