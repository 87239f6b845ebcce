#include <gtest/gtest.h>

#include "services/sns/audience.h"
#include "services/sns/envelope.h"
#include "services/sns/keys.h"
#include "services/sns/retries.h"
#include "services/sns/rules.h"

namespace lambari::sns {
namespace {

std::vector<std::int64_t> delays(const RetryPhases& phases) {
  std::vector<std::int64_t> out;
  for (unsigned retry = 1; auto delay = retry_delay(phases, retry); ++retry) out.push_back(delay->count() / 1'000);
  return out;
}

TEST(Retries, GoThroughTheirPhases) {
  EXPECT_EQ(delays({}), (std::vector<std::int64_t>{20, 20, 20}));
  RetryPhases p;
  p.min_delay = 10;
  p.max_delay = 50;
  p.retries = 9;
  p.no_delay = 1;
  p.min_delay_retries = 1;
  p.max_delay_retries = 2;
  EXPECT_EQ(delays(p), (std::vector<std::int64_t>{0, 10, 10, 20, 30, 40, 50, 50, 50}));
  p.function = RetryPhases::Function::exponential;
  const auto exponential = delays(p);
  EXPECT_EQ(exponential[2], 10);
  EXPECT_EQ(exponential[6], 50);
  EXPECT_LT(exponential[4] - exponential[3], exponential[6] - exponential[5]);
  p.retries = 0;
  EXPECT_TRUE(delays(p).empty());
}

TEST(Retries, OfQueuesAndFunctionsLastTwentyThreeDays) {
  const auto p = managed_retries();
  std::chrono::milliseconds total{0};
  unsigned retries = 0;
  while (auto delay = retry_delay(p, retries + 1)) {
    total += *delay;
    ++retries;
  }
  EXPECT_EQ(retries, 100'015u);
  EXPECT_EQ(std::chrono::duration_cast<std::chrono::hours>(total).count() / 24, 23);
}

TEST(DeliveryPolicy, OfTheSubscriptionGoesOverTheTopics) {
  const std::string topic =
      R"({"http":{"defaultHealthyRetryPolicy":{"numRetries":7},"defaultThrottlePolicy":{"maxReceivesPerSecond":5}}})";
  EXPECT_EQ(effective_policy(topic, "").retry.retries, 7);
  EXPECT_EQ(effective_policy(topic, R"({"healthyRetryPolicy":{"numRetries":1}})").retry.retries, 1);
  EXPECT_EQ(effective_policy(topic, R"({"healthyRetryPolicy":{"numRetries":1}})").receives_per_second, 5);
  EXPECT_EQ(effective_policy(R"({"http":{"disableSubscriptionOverrides":true}})", R"({"healthyRetryPolicy":{"numRetries":1}})")
                .retry.retries,
            3);
}

TEST(DeliveryPolicy, IsRefusedWhereItCannotBeMeant) {
  for (const char* policy :
       {"x", R"({"healthyRetryPolicy":{"numRetries":101}})",
        R"({"healthyRetryPolicy":{"minDelayTarget":30,"maxDelayTarget":20}})",
        R"({"healthyRetryPolicy":{"numRetries":1,"numNoDelayRetries":2}})",
        R"({"healthyRetryPolicy":{"backoffFunction":"cubic"}})",
        R"({"healthyRetryPolicy":{"numRetries":100,"minDelayTarget":60,"maxDelayTarget":60}})", R"({"surprise":1})",
        R"({"throttlePolicy":{"maxReceivesPerSecond":0}})", R"({"requestPolicy":{"headerContentType":"image/png"}})"})
    EXPECT_THROW(check_subscription_delivery_policy(policy), PolicyRefused) << policy;
}

template <class Run>
std::string refusal(Run run) {
  try {
    run();
  } catch (const wire::Fault& fault) {
    return fault.message();
  }
  return "accepted";
}

TEST(Rules, OfNames) {
  auto name = [](const std::string& n, const Texts& a) { return refusal([&] { check_topic_name(n, a); }); };
  EXPECT_EQ(name(std::string(256, 'a'), {}), "accepted");
  EXPECT_EQ(name(std::string(257, 'a'), {}), "Invalid parameter: Topic Name");
  EXPECT_EQ(name("a.fifo", {}), "Invalid parameter: Topic Name");
  EXPECT_EQ(name("a.fifo", {{"FifoTopic", "true"}}), "accepted");
  EXPECT_NE(name(".fifo", {{"FifoTopic", "true"}}), "accepted");
}

TEST(Rules, OfEndpoints) {
  const TopicName plain{"000000000000", "us-east-1", "t"}, fifo{"000000000000", "us-east-1", "t.fifo"};
  auto check = [](const TopicName& t, const char* p, const char* e) { return refusal([&] { check_endpoint(t, p, e); }); };
  EXPECT_EQ(check(plain, "http", "http://127.0.0.1:1/x"), "accepted");
  EXPECT_EQ(check(plain, "http", "https://127.0.0.1"), "Invalid parameter: Endpoint must match the specified protocol");
  EXPECT_NE(check(plain, "http", "http://a\r\nb"), "accepted");
  EXPECT_EQ(check(plain, "email", "a@b"), "accepted");
  EXPECT_NE(check(plain, "email", "ab"), "accepted");
  EXPECT_EQ(check(plain, "sms", "+5511999999999"), "accepted");
  EXPECT_NE(check(plain, "sms", "5511"), "accepted");
  EXPECT_EQ(check(plain, "sqs", "arn:aws:sqs:us-east-1:000000000000:q"), "accepted");
  EXPECT_NE(check(plain, "sqs", "arn:aws:sqs:us-east-1:000000000000:q.fifo"), "accepted");
  EXPECT_EQ(check(fifo, "sqs", "arn:aws:sqs:us-east-1:000000000000:q.fifo"), "accepted");
  EXPECT_NE(check(fifo, "email", "a@b"), "accepted");
  EXPECT_EQ(check(plain, "lambda", "arn:aws:lambda:us-east-1:000000000000:function:f:live"), "accepted");
  EXPECT_NE(check(plain, "lambda", "arn:aws:lambda:us-east-1:000000000000:layer:f"), "accepted");
}

TEST(Rules, OfMessages) {
  const Topic topic{{"000000000000", "us-east-1", "t"}, {}, {}};
  const Topic fifo{{"000000000000", "us-east-1", "t.fifo"}, {{"ContentBasedDeduplication", "true"}}, {}};
  Published p{.message = "m"};
  EXPECT_EQ(message_from(p, &topic).body, "m");
  p.group = "g";
  EXPECT_EQ(message_from(p, &fifo).deduplication_id, "62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a");
  p.deduplication_id = "d";
  EXPECT_NE(refusal([&] { message_from(p, &topic); }), "accepted");
  Published json{.message = R"({"default":"d","email":"e","n":1})", .structure = "json"};
  const auto m = message_from(json, &topic);
  EXPECT_EQ(m.body_for("sqs"), "d");
  EXPECT_EQ(m.body_for("email"), "e");
  Published big{.message = std::string(kMaxMessage - 11, 'x')};
  big.attributes.emplace();
  (*big.attributes)["aaa"] = {"String", "12", std::nullopt};
  EXPECT_EQ(message_from(big, &topic).attributes.size(), 1u);
  (*big.attributes)["aaa"].StringValue = "123";
  EXPECT_EQ(refusal([&] { message_from(big, &topic); }), "Invalid parameter: Message too long");
}

TEST(Envelope, IsAsAwsPrintsIt) {
  Message m;
  m.id = "id";
  m.topic = "arn";
  m.body = "a \"b\"";
  m.subject = "s";
  m.time = {1'000};
  m.attributes["k"] = {"String", "v"};
  const Seal seal{"1", "sig", "cert", "out"};
  EXPECT_EQ(notification_json(m, "sqs", seal), R"({
  "Type" : "Notification",
  "MessageId" : "id",
  "TopicArn" : "arn",
  "Subject" : "s",
  "Message" : "a \"b\"",
  "Timestamp" : "1970-01-01T00:00:01.000Z",
  "SignatureVersion" : "1",
  "Signature" : "sig",
  "SigningCertURL" : "cert",
  "UnsubscribeURL" : "out",
  "MessageAttributes" : {
    "k" : {"Type":"String","Value":"v"}
  }
})");
  EXPECT_EQ(
      notification_to_sign(m, "sqs"),
      "Message\na \"b\"\nMessageId\nid\nSubject\ns\nTimestamp\n1970-01-01T00:00:01.000Z\nTopicArn\narn\nType\nNotification\n");
}

TEST(Model, SurvivesItsBytes) {
  Message m;
  m.id = "id";
  m.body = "b";
  m.bodies = {{"sqs", "q"}};
  m.attributes = {{"b", {"Binary", std::string("\0\xff", 2)}}, {"s", {"String", "x"}}};
  m.sequence = "1";
  const auto back = message_of(to_object(m));
  EXPECT_EQ(back.attributes.at("b").value, std::string("\0\xff", 2));
  EXPECT_EQ(back.body_for("sqs"), "q");
  EXPECT_EQ(back.sequence, "1");
  EXPECT_FALSE(back.subject);
  EXPECT_EQ(parse_subscription_arn("arn:aws:sns:us-east-1:000000000000:t:i")->topic.name, "t");
  EXPECT_FALSE(parse_topic_arn("arn:aws:sqs:us-east-1:000000000000:t"));
}

}  // namespace
}  // namespace lambari::sns
