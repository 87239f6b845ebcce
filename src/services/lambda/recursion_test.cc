// Loops through a function, as trace headers count them.
#include "services/lambda/recursion.h"

#include <gmock/gmock.h>

#include "services/lambda/fakes.h"

namespace lambari::lambda {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::World;

const std::string kName = lineage_name("arn:aws:lambda:us-east-1:000000000000:function:f");

TEST(Recursion, Passages) {
  struct Case {
    std::string header, expected;
    int before;
  };
  const Case cases[] = {
      {"", "Lineage=1:" + kName + ":0", 0},
      {"Root=1-2-3;Parent=4;Sampled=0", "Root=1-2-3;Parent=4;Sampled=0;Lineage=1:" + kName + ":0", 0},
      {"Root=1-2-3;Lineage=1:" + kName + ":0", "Root=1-2-3;Lineage=1:" + kName + ":1", 1},
      {"Root=1-2-3;Lineage=1:68fd508a:5|" + kName + ":15;Sampled=0", "Root=1-2-3;Sampled=0;Lineage=1:68fd508a:5|" + kName + ":16",
       16},
      {"Lineage=68fd508a:5", "Lineage=1:68fd508a:5|" + kName + ":0", 0},
      {"Lineage=nonsense|1:zzzzzzzz:1|:::|" + kName + ":-1", "Lineage=1:" + kName + ":0", 0},
  };
  for (const auto& c : cases) {
    const auto passage = pass_through(c.header, kName);
    EXPECT_EQ(passage.header, c.expected) << c.header;
    EXPECT_EQ(passage.before, c.before) << c.header;
  }
  std::string many = "Lineage=1:";
  for (int i = 0; i < 10'000; ++i) many += "|0000000" + std::to_string(i % 10) + ":1";
  EXPECT_LT(pass_through(many, kName).header.size(), 600u);
}

TEST(Recursion, ABatchGoesOnWithTheChainThatIsFurthest) {
  const auto at = [](int count) { return "Root=1-2-3;Lineage=1:" + kName + ":" + std::to_string(count); };
  EXPECT_EQ(furthest({at(2), at(7), "Root=1-2-4", at(3)}, kName), at(7));
  EXPECT_EQ(furthest({"Root=1-2-4"}, kName), "Root=1-2-4");
  EXPECT_EQ(furthest({}, kName), "");
}

// The function calls itself through something that hands its trace header on.
int chain(World& w, int most) {
  std::string header;
  w.sandbox.handler = [&](const auto&, const sandbox::Invocation& invocation, const auto&) {
    header = invocation.trace_header;
    sandbox::Outcome outcome;
    outcome.payload = "1";
    return outcome;
  };
  for (int i = 0; i < most; ++i) {
    contracts::Invocation invocation;
    invocation.function = "arn:aws:lambda:us-east-1:000000000000:function:f";
    invocation.payload = "{}";
    invocation.caller.kind = contracts::Principal::Kind::service;
    invocation.caller.arn = "sns.amazonaws.com";
    invocation.trace_header = header;
    const auto result = w.run(w.room->invoke(invocation));
    if (!result.refusal) continue;
    EXPECT_EQ(result.refusal->code, "RecursiveInvocationException");
    EXPECT_EQ(result.refusal->status, 400);
    return i;
  }
  return most;
}

TEST(Recursion, IsStoppedUnlessItIsAllowed) {
  World w;
  w.create_active("f");
  EXPECT_EQ(w.call_api(&Lambda::GetFunctionRecursionConfig, {"f"}).RecursiveLoop, "Terminate");
  EXPECT_EQ(chain(w, 40), kMaxPassages);
  aws::lambda::PutFunctionRecursionConfigRequest allow{"f", "Allow"};
  EXPECT_EQ(w.call_api(&Lambda::PutFunctionRecursionConfig, allow).RecursiveLoop, "Allow");
  EXPECT_EQ(chain(w, 40), 40);
  w.restart();
  EXPECT_EQ(w.call_api(&Lambda::GetFunctionRecursionConfig, {"f"}).RecursiveLoop, "Allow");
  w.call_api(&Lambda::PutFunctionRecursionConfig, {"f", "Terminate"});
  EXPECT_EQ(chain(w, 40), kMaxPassages);

  w.call.trace_header = "Root=1-2-3;Lineage=1:" + kName + ":15";
  EXPECT_THAT(w.fault_of([&] { w.invoke("f"); }), StartsWith("RecursiveInvocationException: Lambda detected"));
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::PutFunctionRecursionConfig, {"missing", "Allow"}); }),
              HasSubstr("Function not found"));
}

}  // namespace
}  // namespace lambari::lambda
