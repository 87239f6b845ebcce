// The API over its two protocols, through the real codec.
#include <gtest/gtest.h>

#include "aws/sqs/api.h"
#include "base/json.h"
#include "services/sqs/rules.h"
#include "wire/codec.h"

namespace lambari::sqs {
namespace {

wire::Match match(std::string_view operation, wire::Protocol protocol) {
  wire::Match out;
  out.model = &aws::sqs::kModel;
  out.protocol = protocol;
  for (const auto& each : aws::sqs::kModel.operations)
    if (each.name == operation) out.operation = &each;
  return out;
}

http::Request request(std::string body) {
  http::Request out;
  out.method = "POST";
  out.target = "/";
  out.body = std::move(body);
  return out;
}

template <class T>
T decode(std::string_view operation, wire::Protocol protocol, std::string body) {
  auto sent = request(std::move(body));
  const auto value = wire::decode_request(match(operation, protocol), sent);
  return *static_cast<const T*>(value.get());
}

TEST(SqsWire, BothProtocolsSayTheSame) {
  const auto json = decode<aws::sqs::SendMessageBatchRequest>("SendMessageBatch", wire::Protocol::json_1_0, R"({
    "QueueUrl":"u","Entries":[{"Id":"a","MessageBody":"b","DelaySeconds":3,
    "MessageAttributes":{"n":{"DataType":"String","StringValue":"v"}}}]})");
  const auto query = decode<aws::sqs::SendMessageBatchRequest>(
      "SendMessageBatch", wire::Protocol::query,
      "Action=SendMessageBatch&QueueUrl=u&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=b"
      "&SendMessageBatchRequestEntry.1.DelaySeconds=3&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=v");
  for (const auto& r : {json, query}) {
    EXPECT_EQ(r.QueueUrl, "u");
    ASSERT_EQ(r.Entries.size(), 1u);
    EXPECT_EQ(r.Entries[0].DelaySeconds, 3);
    EXPECT_EQ(r.Entries[0].MessageAttributes->at("n").StringValue, "v");
  }
}

TEST(SqsWire, ResultsHaveTheNamesOfTheirProtocol) {
  aws::sqs::ReceiveMessageResult result;
  auto& message = result.Messages.emplace().emplace_back();
  message.Body = "<b>";
  message.Attributes.emplace()["SenderId"] = "me";
  auto json = wire::encode_result(match("ReceiveMessage", wire::Protocol::json_1_0), &result, "id");
  EXPECT_EQ(json.body, R"({"Messages":[{"Body":"<b>","Attributes":{"SenderId":"me"}}]})");
  EXPECT_EQ(json.headers.get("Content-Type"), "application/x-amz-json-1.0");
  auto xml = wire::encode_result(match("ReceiveMessage", wire::Protocol::query), &result, "id");
  EXPECT_NE(xml.body.find("<ReceiveMessageResult><Message><Body>&lt;b&gt;</Body><Attribute><Name>SenderId</Name><Value>me</Value>"
                          "</Attribute></Message></ReceiveMessageResult>"),
            std::string::npos)
      << xml.body;
}

TEST(SqsWire, FaultsHaveBothTheirNames) {
  const aws::sqs::QueueDoesNotExist fault("gone");
  auto sent = request("");
  const auto json_match = match("SendMessage", wire::Protocol::json_1_0),
             query_match = match("SendMessage", wire::Protocol::query);
  const auto json = wire::encode_fault(&json_match, sent, fault, "id");
  EXPECT_EQ(json.status, 400);
  EXPECT_EQ(json.headers.get("x-amzn-query-error"), "AWS.SimpleQueueService.NonExistentQueue;Sender");
  EXPECT_EQ(base::parse_json(json.body)->at("__type").as_string(), "QueueDoesNotExist");
  const auto query = wire::encode_fault(&query_match, sent, fault, "id");
  EXPECT_NE(query.body.find("<Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>"), std::string::npos);
  try {
    invalid_parameter("bad");
  } catch (const wire::Fault& untyped) {
    const auto answer = wire::encode_fault(&json_match, sent, untyped, "id");
    EXPECT_EQ(answer.headers.get("x-amzn-query-error"), "InvalidParameterValue;Sender");
    EXPECT_EQ(base::parse_json(answer.body)->at("__type").as_string(), "InvalidParameterValueException");
    EXPECT_NE(wire::encode_fault(&query_match, sent, untyped, "id").body.find("<Code>InvalidParameterValue</Code>"),
              std::string::npos);
  }
}

TEST(SqsWire, ThePathOfAQueryNamesTheQueue) {
  auto sent = request("Action=PurgeQueue&Version=2012-11-05");
  sent.target = "/000000000000/q?x=y";
  const auto value = wire::decode_request(match("PurgeQueue", wire::Protocol::query), sent);
  EXPECT_EQ(static_cast<const aws::sqs::PurgeQueueRequest*>(value.get())->QueueUrl, "/000000000000/q");
}

TEST(SqsWire, WhatIsMissingIsNamed) {
  for (const auto protocol : {wire::Protocol::json_1_0, wire::Protocol::query}) {
    try {
      decode<aws::sqs::SendMessageRequest>("SendMessage", protocol,
                                           protocol == wire::Protocol::query ? "QueueUrl=u" : R"({"QueueUrl":"u"})");
      ADD_FAILURE();
    } catch (const wire::Fault& fault) {
      EXPECT_EQ(fault.code(), "MissingParameter");
      EXPECT_EQ(fault.message(), "The request must contain the parameter MessageBody.");
    }
  }
}

}  // namespace
}  // namespace lambari::sqs
