// The room on a memory store, with queues that are not there.
#include <gtest/gtest.h>

#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "async/run.h"
#include "contracts/authorizer.h"
#include "contracts/meter.h"
#include "services/sns/keys.h"
#include "services/sns/service.h"
#include "store/engines.h"

namespace lambari::sns {
namespace {

using namespace std::chrono_literals;
using contracts::Delivery;

// Remembers what it was given; answers as it is told.
class FakeTargets final : public contracts::Target {
 public:
  async::Task<Delivery> deliver(contracts::Parcel parcel) override {
    const std::lock_guard lock(mutex_);
    ++attempts;
    auto answer = judge ? judge(parcel) : Delivery{};
    if (answer.kind == Delivery::Kind::delivered) delivered.push_back(std::move(parcel));
    co_return answer;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return delivered.size();
  }
  std::size_t tried() {
    const std::lock_guard lock(mutex_);
    return attempts;
  }
  std::vector<std::string> bodies() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const auto& parcel : delivered) out.push_back(parcel.body);
    return out;
  }
  void set(std::function<Delivery(const contracts::Parcel&)> with) {
    const std::lock_guard lock(mutex_);
    judge = std::move(with);
  }
  std::vector<contracts::Parcel> delivered;  // read once nothing is delivered any more

 private:
  std::mutex mutex_;
  std::size_t attempts = 0;
  std::function<Delivery(const contracts::Parcel&)> judge;
};

class NoCredentials final : public contracts::Credentials {
 public:
  async::Task<std::optional<contracts::Secret>> find(const std::string&) override { co_return std::nullopt; }
  async::Task<std::optional<contracts::TemporaryCredentials>> assume_for_service(const std::string&, const std::string&,
                                                                                 const std::string&) override {
    co_return std::nullopt;
  }
};

class NoLogs final : public contracts::LogSink {
 public:
  void write(const std::string&, const std::string&, const std::string&, const std::string&,
             std::vector<contracts::LogEvent>) override {}
  async::Task<> flush() override { co_return; }
};

class RoomTest : public testing::Test {
 protected:
  RoomTest() { open(); }
  ~RoomTest() override { loops_.stop(); }

  void open() {
    room_ = std::make_unique<Sns>(Dependencies{.loops = loops_,
                                               .clock = clock_,
                                               .store = *store_,
                                               .client = client_,
                                               .targets = targets_,
                                               .authorizer = authorizer_,
                                               .credentials = credentials_,
                                               .logs = logs_,
                                               .meter = meter_});
    loops_.run(room_->start());
  }
  void restart() {
    loops_.run(room_->stop());
    room_.reset();
    open();
  }

  wire::Call call() const {
    wire::Call call;
    call.account = "000000000000";
    call.region = "us-east-1";
    call.principal.kind = contracts::Principal::Kind::root;
    call.principal.account = call.account;
    return call;
  }
  template <class T>
  T run(async::Task<T> task) {
    return async::run(loops_, std::move(task));
  }

  std::string topic(const std::string& name, Texts attributes = {}) {
    aws::sns::CreateTopicInput input{name, std::move(attributes), {}, {}};
    const auto c = call();
    return *run(room_->CreateTopic(c, input)).TopicArn;
  }
  std::string subscribe(const std::string& topic, const std::string& queue, Texts attributes = {{"RawMessageDelivery", "true"}}) {
    aws::sns::SubscribeInput input{topic, "sqs", "arn:aws:sqs:us-east-1:000000000000:" + queue, std::move(attributes), {}};
    const auto c = call();
    return *run(room_->Subscribe(c, input)).SubscriptionArn;
  }
  void publish(const std::string& topic, const std::string& message, const std::string& group = {}) {
    aws::sns::PublishInput input;
    input.TopicArn = topic;
    input.Message = message;
    if (!group.empty()) {
      input.MessageGroupId = group;
      input.MessageDeduplicationId = message.substr(0, 100);
    }
    const auto c = call();
    run(room_->Publish(c, input));
  }
  template <class What>
  bool eventually(What what) {
    for (int i = 0; i < 2'000; ++i) {
      if (what()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
  std::size_t rows(std::string_view table) {
    return store_->read()->scan(store::prefix_range(store::Key(table).str()), 100'000).size();
  }

  base::Clock clock_;
  async::Loops loops_{2, 1};
  std::unique_ptr<store::Store> store_ = store::open_memory();
  http::Client client_{loops_};
  FakeTargets targets_;
  contracts::OpenAuthorizer authorizer_;
  NoCredentials credentials_;
  NoLogs logs_;
  contracts::NoMeter meter_;
  std::unique_ptr<Sns> room_;
};

TEST_F(RoomTest, FansOutInPiecesAndFreesTheMessage) {
  const auto t = topic("wide");
  constexpr std::size_t kMany = 4'500;       // three pieces
  for (std::size_t i = 0; i < kMany; ++i) {  // some of them through a filter on the body
    Texts attributes{{"RawMessageDelivery", "true"}};
    if (i % 3 == 0) attributes.insert({{"FilterPolicyScope", "MessageBody"}, {"FilterPolicy", R"({"to":["everybody"]})"}});
    subscribe(t, "q" + std::to_string(i), attributes);
  }
  for (int i = 0; i < 100; ++i)
    subscribe(t, "other" + std::to_string(i), {{"FilterPolicyScope", "MessageBody"}, {"FilterPolicy", R"({"to":["nobody"]})"}});
  publish(t, R"({"to":"everybody"})");
  ASSERT_TRUE(eventually([&] { return targets_.count() >= kMany; }));
  ASSERT_TRUE(eventually([&] { return rows("sns/message") + rows("sns/uses") + rows("delivery/item") == 0; }));
  std::set<std::string> queues;
  for (const auto& parcel : targets_.delivered) queues.insert(parcel.target);
  EXPECT_EQ(queues.size(), kMany);
  EXPECT_EQ(targets_.count(), kMany);
}

TEST_F(RoomTest, SharesLongMessagesAndFreesThemAlsoForWhoLeft) {
  const auto t = topic("long");
  targets_.set([](const contracts::Parcel& p) {
    return p.target.ends_with("slow") ? Delivery{Delivery::Kind::try_again, "X", "", 503} : Delivery{};
  });
  const auto slow = subscribe(t, "slow");
  subscribe(t, "quick");
  publish(t, std::string(10'000, 'x'));
  ASSERT_TRUE(eventually([&] { return targets_.count() == 1 && targets_.tried() >= 5; }));
  EXPECT_EQ(rows("sns/message"), 1u);
  const auto c = call();
  loops_.run(room_->Unsubscribe(c, {slow}));
  clock_.advance(60s);
  EXPECT_TRUE(eventually([&] { return rows("sns/message") + rows("sns/uses") == 0; }));
}

TEST_F(RoomTest, GoesOnAfterARestartAndKeepsTheOrderOfAGroupThroughFailures) {
  const auto t = topic("t.fifo", {{"FifoTopic", "true"}});
  subscribe(t, "q.fifo");
  targets_.set([](const contracts::Parcel&) { return Delivery{Delivery::Kind::try_again, "X", "", 503}; });
  for (int i = 0; i < 10; ++i) publish(t, std::to_string(i), "g");
  ASSERT_TRUE(eventually([&] { return targets_.tried() >= 4; }));
  restart();
  targets_.set({});
  clock_.advance(60s);
  ASSERT_TRUE(eventually([&] { return targets_.count() == 10; }));
  EXPECT_EQ(targets_.bodies(), (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
  EXPECT_EQ(targets_.delivered[0].group_id, "g");
}

TEST_F(RoomTest, ForgetsDuplicatesAfterFiveMinutes) {
  const auto t = topic("t.fifo", {{"FifoTopic", "true"}});
  subscribe(t, "q.fifo");
  publish(t, "same", "g");
  publish(t, "same", "g");
  ASSERT_TRUE(eventually([&] { return targets_.count() == 1; }));
  clock_.advance(5min);
  publish(t, "same", "g");
  ASSERT_TRUE(eventually([&] { return targets_.count() == 2; }));
  clock_.advance(5min);
  publish(t, "another", "g");
  EXPECT_TRUE(eventually([&] { return rows("sns/dedup") == 1 && rows("sns/dedup-due") == 1; }));
}

TEST_F(RoomTest, ComparesDuplicatesWithinTheGroupWhereTheTopicSaysSo) {
  const auto t = topic("t.fifo", {{"FifoTopic", "true"}});
  subscribe(t, "q.fifo");
  publish(t, "same", "a");
  publish(t, "same", "b");  // of the whole topic
  ASSERT_TRUE(eventually([&] { return targets_.count() == 1; }));
  const auto c = call();
  loops_.run(room_->SetTopicAttributes(c, {t, "FifoThroughputScope", "MessageGroup"}));
  publish(t, "same", "a");
  publish(t, "same", "a");
  publish(t, "same", "b");
  ASSERT_TRUE(eventually([&] { return targets_.count() == 3; }));
}

TEST_F(RoomTest, BuriesWhatTheTargetRefuses) {
  const auto t = topic("t");
  targets_.set([](const contracts::Parcel& p) {
    return p.target.ends_with("gone") ? Delivery{Delivery::Kind::refused, "QueueDoesNotExist", "", 400} : Delivery{};
  });
  subscribe(t, "gone",
            {{"RawMessageDelivery", "true"},
             {"RedrivePolicy", R"({"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"})"}});
  publish(t, "m");
  ASSERT_TRUE(eventually([&] { return targets_.count() == 1; }));
  EXPECT_EQ(targets_.delivered[0].target, "arn:aws:sqs:us-east-1:000000000000:dead");
  EXPECT_EQ(targets_.delivered[0].body, "m");
}

TEST_F(RoomTest, TakesParcelsOfOtherRooms) {
  const auto t = topic("t");
  subscribe(t, "q");
  contracts::Parcel parcel;
  parcel.target = t;
  parcel.body = "from a bus";
  parcel.attributes["k"] = {"String", "v"};
  EXPECT_EQ(run(room_->deliver(parcel)).kind, Delivery::Kind::delivered);
  ASSERT_TRUE(eventually([&] { return targets_.count() == 1; }));
  EXPECT_EQ(targets_.delivered[0].attributes.at("k").value, "v");
  parcel.target = t + "x";
  EXPECT_EQ(run(room_->deliver(parcel)).kind, Delivery::Kind::refused);
  parcel.target = t;
  parcel.body = std::string(256 * 1024 + 1, 'x');
  EXPECT_EQ(run(room_->deliver(parcel)).kind, Delivery::Kind::refused);
}

TEST_F(RoomTest, NukeLeavesNothing) {
  const auto t = topic("t");
  subscribe(t, "q");
  targets_.set([](const contracts::Parcel&) { return Delivery{Delivery::Kind::try_again, "X", "", 503}; });
  publish(t, "m");
  loops_.run(room_->nuke());
  for (const auto table : keys::kTables) EXPECT_EQ(rows(table), 0u) << table;
  aws::sns::PublishInput input;
  input.TopicArn = t;
  input.Message = "m";
  const auto c = call();
  EXPECT_THROW(run(room_->Publish(c, input)), aws::sns::NotFoundException);
}

}  // namespace
}  // namespace lambari::sns
