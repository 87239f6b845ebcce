#include "services/sqs/rules.h"
#include "services/sqs/quota.h"

#include <gtest/gtest.h>

#include "services/sqs/attributes.h"

namespace lambari::sqs {
namespace {

template <class Run>
std::string code_of(Run run) {
  try {
    run();
  } catch (const wire::Fault& fault) {
    return fault.query_code().empty() ? fault.code() : std::string(fault.query_code());
  }
  return "";
}

TEST(SqsRules, UrlsNameAQueueByTheirLastTwoParts) {
  struct Case {
    std::string url, account, name;
  };
  for (const auto& [url, account, name] : std::vector<Case>{
           {"http://localhost:4566/000000000000/q", "000000000000", "q"},
           {"https://sqs.us-east-1.amazonaws.com/123456789012/q.fifo", "123456789012", "q.fifo"},
           {"http://host:1/queue/us-east-1/123456789012/q/", "123456789012", "q"},
           {"/123456789012/q?Action=x", "123456789012", "q"},
       }) {
    EXPECT_EQ(parse_queue_url(url), std::pair(account, name)) << url;
  }
  for (const auto* url : {"", "q", "http://localhost/q", "http://localhost/abc/q", "http://h/1234567890123/q", "///"})
    EXPECT_EQ(code_of([&] { parse_queue_url(url); }), "InvalidAddress") << url;
}

TEST(SqsRules, Names) {
  EXPECT_EQ(code_of([] { check_queue_name(std::string(80, 'q'), false); }), "");
  EXPECT_EQ(code_of([] { check_queue_name("q_-9.fifo", true); }), "");
  for (const auto& [name, fifo] : std::vector<std::pair<std::string, bool>>{{"", false},
                                                                            {std::string(81, 'q'), false},
                                                                            {"a.b", false},
                                                                            {"q.fifo", false},
                                                                            {"q", true},
                                                                            {".fifo", true},
                                                                            {std::string(76, 'q') + ".fifo", true}})
    EXPECT_EQ(code_of([&] { check_queue_name(name, fifo); }), "InvalidParameterValue") << name;
  EXPECT_EQ(parse_queue_arn("arn:aws:sqs:us-east-1:123456789012:q"), (QueueName{"123456789012", "us-east-1", "q"}));
  for (const auto* arn : {"", "arn:aws:sns:us-east-1:123456789012:q", "arn:aws:sqs:us-east-1:123456789012", "arn:aws:sqs::1:q:x"})
    EXPECT_FALSE(parse_queue_arn(arn)) << arn;
}

TEST(SqsRules, CharactersOfBodies) {
  for (const auto* body : {"a\t\n\r", "\xC3\xA9", "\xEF\xBF\xBD", "\xF0\x9F\x90\x9F", "\xEE\x80\x80"})
    EXPECT_EQ(code_of([&] { check_body(body); }), "") << body;
  for (const auto& body : {std::string("\x01"), std::string("a\0b", 3), std::string("\x1F"), std::string("\xEF\xBF\xBE"),
                           std::string("\xEF\xBF\xBF"), std::string("\xFF"), std::string("\xED\xA0\x80")})
    EXPECT_EQ(code_of([&] { check_body(body); }), "InvalidMessageContents");
  EXPECT_EQ(code_of([] { check_body(""); }), "MissingParameter");
}

aws::sqs::MessageAttributeValue attribute(std::string type, std::string text) {
  aws::sqs::MessageAttributeValue value;
  value.DataType = std::move(type);
  (value.DataType.starts_with("Binary") ? value.BinaryValue : value.StringValue) = std::move(text);
  return value;
}

TEST(SqsRules, Attributes) {
  struct Case {
    std::string name, type, value, code;
  };
  for (const auto& [name, type, value, code] : std::vector<Case>{
           {"a", "String", "x", ""},
           {"a.b-c_d", "String.Array", "x", ""},
           {"n", "Number", "-12.5e3", ""},
           {"n", "Number.int", "12345678901234567890123456789012345678", ""},
           {"n", "Number", "123456789012345678901234567890123456789", "InvalidParameterValue"},
           {"n", "Number", "twelve", "InvalidParameterValue"},
           {"b", "Binary", std::string("\0\xff", 2), ""},
           {"b", "Binary.gif", "x", ""},
           {"a", "Colour", "x", "InvalidParameterValue"},
           {"a", "String.", "x", "InvalidParameterValue"},
           {"a", "", "x", "InvalidParameterValue"},
           {"a", "String", "", "InvalidParameterValue"},
           {"aws.a", "String", "x", "InvalidParameterValue"},
           {"Amazon.a", "String", "x", "InvalidParameterValue"},
           {"a..b", "String", "x", "InvalidParameterValue"},
           {".a", "String", "x", "InvalidParameterValue"},
           {"a b", "String", "x", "InvalidParameterValue"},
           {std::string(257, 'a'), "String", "x", "InvalidParameterValue"},
       }) {
    EXPECT_EQ(code_of([&] { check_attributes(UserAttributes{{{name, attribute(type, value)}}}); }), code) << name << " " << type;
  }
  std::map<std::string, aws::sqs::MessageAttributeValue> many;
  for (int i = 0; i < 11; ++i) many.emplace(std::to_string(i), attribute("String", "x"));
  EXPECT_EQ(code_of([&] { check_attributes(many); }), "InvalidParameterValue");
}

// Digests that AWS's SDKs compute: https://github.com/aws/aws-sdk-ruby tests its own with the same rule.
TEST(SqsRules, DigestOfAttributes) {
  // md5 of: len"n" "n" len"String" "String" 01 len"v" "v"
  EXPECT_EQ(attributes_md5({{"n", {"String", "v"}}}), md5_hex(std::string("\0\0\0\1n\0\0\0\6String\1\0\0\0\1v", 21)));
  EXPECT_EQ(attributes_md5({{"b", {"Binary", "v"}}}), md5_hex(std::string("\0\0\0\1b\0\0\0\6Binary\2\0\0\0\1v", 21)));
  EXPECT_EQ(chosen_attributes({{"bar.one", {}}, {"bar.two", {}}, {"foo", {}}}, {"bar.*"}).size(), 2u);
  EXPECT_EQ(chosen_attributes({{"bar.one", {}}, {"foo", {}}}, {"foo", "nope"}).size(), 1u);
  EXPECT_EQ(chosen_attributes({{"bar.one", {}}, {"foo", {}}}, {".*"}).size(), 2u);
  EXPECT_EQ(chosen_attributes({{"foo", {}}}, {}).size(), 0u);
}

TEST(SqsRules, Handles) {
  const Handle handle{1, 2, {3, 4}, 5};
  const auto text = encode_handle(handle);
  EXPECT_EQ(decode_handle(text, 1), handle);
  EXPECT_EQ(code_of([&] { decode_handle(text, 9); }), "ReceiptHandleIsInvalid");
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto broken = text;
    broken[i] = broken[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(code_of([&] { decode_handle(broken, 1); }), "") << i;
  }
  EXPECT_EQ(code_of([&] { decode_handle("", 1); }), "MissingParameter");
  EXPECT_EQ(code_of([&] { decode_handle(std::string(100'000, 'A'), 1); }), "ReceiptHandleIsInvalid");
}

TEST(SqsRules, AttributesOfQueues) {
  struct Case {
    std::string name, value, code;
    bool fifo = false;
  };
  for (const auto& [name, value, code, fifo] : std::vector<Case>{
           {"DelaySeconds", "900", ""},
           {"DelaySeconds", "901", "InvalidAttributeValue"},
           {"DelaySeconds", "x", "InvalidAttributeValue"},
           {"MaximumMessageSize", "1048576", ""},
           {"MaximumMessageSize", "1048577", "InvalidAttributeValue"},
           {"MaximumMessageSize", "1023", "InvalidAttributeValue"},
           {"MessageRetentionPeriod", "59", "InvalidAttributeValue"},
           {"MessageRetentionPeriod", "1209600", ""},
           {"ReceiveMessageWaitTimeSeconds", "21", "InvalidAttributeValue"},
           {"VisibilityTimeout", "43200", ""},
           {"VisibilityTimeout", "43201", "InvalidAttributeValue"},
           {"Policy", "{", "InvalidAttributeValue"},
           {"Policy", "", ""},
           {"RedrivePolicy", "[]", "InvalidParameterValue"},
           {"RedrivePolicy", R"({"maxReceiveCount":1})", "InvalidParameterValue"},
           {"RedrivePolicy", R"({"deadLetterTargetArn":"arn:aws:sqs:r:1:q","maxReceiveCount":1001})", "InvalidParameterValue"},
           {"RedrivePolicy", R"({"deadLetterTargetArn":"arn:aws:sqs:r:1:q","maxReceiveCount":"5"})", ""},
           {"RedriveAllowPolicy", R"({"redrivePermission":"byQueue"})", "InvalidParameterValue"},
           {"RedriveAllowPolicy", R"({"redrivePermission":"denyAll"})", ""},
           {"KmsMasterKeyId", "alias/aws/sqs", ""},
           {"KmsMasterKeyId", "1234", "InvalidParameterValue"},
           {"ContentBasedDeduplication", "true", "InvalidAttributeName"},
           {"ContentBasedDeduplication", "true", "", true},
           {"DeduplicationScope", "messageGroup", "InvalidAttributeName"},
           {"DeduplicationScope", "group", "InvalidAttributeValue", true},
           {"FifoThroughputLimit", "perMessageGroupId", "InvalidAttributeValue", true},
           {"FifoQueue", "true", "InvalidAttributeName"},
           {"FifoQueue", "false", "InvalidAttributeValue", true},
           {"QueueArn", "x", "InvalidAttributeName"},
       }) {
    Queue queue;
    queue.fifo = fifo;
    EXPECT_EQ(code_of([&] { apply_attributes(queue, {{name, value}}, false); }), code) << name << "=" << value;
  }
}

TEST(SqsRules, WhoMayRedrive) {
  Queue dead;
  EXPECT_TRUE(redrive_allowed(dead, "a"));
  apply_attributes(dead, {{"RedriveAllowPolicy", R"({"redrivePermission":"denyAll"})"}}, false);
  EXPECT_FALSE(redrive_allowed(dead, "a"));
  const std::string arn = "arn:aws:sqs:us-east-1:000000000000:a";
  apply_attributes(dead, {{"RedriveAllowPolicy", R"({"redrivePermission":"byQueue","sourceQueueArns":[")" + arn + "\"]}"}},
                   false);
  EXPECT_TRUE(redrive_allowed(dead, arn));
  EXPECT_FALSE(redrive_allowed(dead, arn + "b"));
}

TEST(SqsRules, Batches) {
  EXPECT_EQ(code_of([] { check_batch_ids({"a", "b"}); }), "");
  EXPECT_EQ(code_of([] { check_batch_ids({}); }), "AWS.SimpleQueueService.EmptyBatchRequest");
  EXPECT_EQ(code_of([] { check_batch_ids({"a", "a"}); }), "AWS.SimpleQueueService.BatchEntryIdsNotDistinct");
  EXPECT_EQ(code_of([] { check_batch_ids({"a.b"}); }), "AWS.SimpleQueueService.InvalidBatchEntryId");
  EXPECT_EQ(code_of([] { check_batch_ids({std::string(81, 'a')}); }), "AWS.SimpleQueueService.InvalidBatchEntryId");
  EXPECT_EQ(code_of([] { check_batch_ids(std::vector<std::string>(11, "a")); }),
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest");
}

TEST(Quotas, OfQueuesAndOfMessageGroups) {
  using Action = Quota::Action;
  Queue queue;
  queue.fifo = true;
  base::Timestamp now{1'000'000};
  const auto most = [&](Quota& quota, Action action, std::vector<std::string> groups) {
    for (int calls = 0;; ++calls) {
      try {
        quota.admit(queue, action, groups, now);
      } catch (const aws::sqs::RequestThrottled&) {
        return calls;
      }
    }
  };
  Quota quota("sa-east-1");
  EXPECT_EQ(most(quota, Action::send, {"a", "b"}), 300) << "a batch is one call";
  EXPECT_EQ(most(quota, Action::send, {"c"}), 0);
  EXPECT_EQ(most(quota, Action::remove, {}), 300) << "each action has a quota of its own";
  now.ms += 500;
  EXPECT_EQ(most(quota, Action::send, {"c"}), 150);

  queue.throughput_by_group = true;
  EXPECT_EQ(most(quota, Action::send, {"a", "a", "b"}), 300);
  EXPECT_EQ(most(quota, Action::send, {"b"}), 0);
  EXPECT_EQ(most(quota, Action::send, {"c"}), 300);
  EXPECT_EQ(most(quota, Action::receive, {}), high_throughput_calls("sa-east-1"));
  now.ms += 1'000;
  for (int i = 0; i < high_throughput_calls("sa-east-1"); ++i)
    quota.admit(queue, Action::send, std::vector{std::to_string(i)}, now);  // groups are forgotten, and that changes nothing
  now.ms += 1'000;
  EXPECT_EQ(most(quota, Action::send, {"a"}), 300);
  EXPECT_EQ(high_throughput_calls("us-east-1"), 70'000);
  EXPECT_EQ(high_throughput_calls("mx-central-1"), 2'400);
}

}  // namespace
}  // namespace lambari::sqs
