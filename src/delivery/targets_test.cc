#include "delivery/targets.h"

#include <gtest/gtest.h>

#include "async/loops.h"

namespace lambari::delivery {
namespace {

class Counting final : public contracts::Target {
 public:
  async::Task<contracts::Delivery> deliver(contracts::Parcel) override {
    ++parcels;
    co_return contracts::Delivery{};
  }
  int parcels = 0;
};

TEST(Targets, AreFoundByTheServiceOfTheArn) {
  Counting queues, functions;
  Targets targets;
  targets.add("sqs", queues);
  targets.add("lambda", functions);
  EXPECT_EQ(targets.find("arn:aws:sqs:us-east-1:000000000000:q"), &queues);
  EXPECT_EQ(targets.find("arn:aws:lambda:us-east-1:000000000000:function:f:1"), &functions);
  for (const char* arn :
       {"", "sqs", "arn:aws:sqs", "arn:aws:glue:us-east-1:000000000000:job", "urn:aws:sqs:us-east-1:000000000000:q"})
    EXPECT_EQ(targets.find(arn), nullptr) << arn;
}

TEST(Targets, RefuseWhatNobodyDelivers) {
  Counting queues;
  Targets targets;
  targets.add("sqs", queues);
  async::Loops loops(1, 1);
  loops.run([](Targets& targets) -> async::Task<> {
    EXPECT_EQ((co_await targets.deliver({.target = "arn:aws:sqs:us-east-1:000000000000:q"})).kind,
              contracts::Delivery::Kind::delivered);
    const auto refused = co_await targets.deliver({.target = "arn:aws:glue:us-east-1:000000000000:job"});
    EXPECT_EQ(refused.kind, contracts::Delivery::Kind::refused);
    EXPECT_EQ(refused.status, 400);
  }(targets));
  EXPECT_EQ(queues.parcels, 1);
}

}  // namespace
}  // namespace lambari::delivery
