// The room through its own calls, on a store in memory, with a clock that the test moves.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "async/run.h"
#include "base/bytes.h"
#include "base/json.h"
#include "services/sqs/keys.h"
#include "services/sqs/rules.h"
#include "services/sqs/service.h"
#include "store/engines.h"

namespace lambari::sqs {
namespace {

using namespace aws::sqs;
using namespace std::chrono_literals;

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "lambari-sqs-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no scratch directory");
    path_ = name;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class SqsTest : public testing::Test {
 protected:
  SqsTest() {
    call_.account = "000000000000";
    call_.region = "us-east-1";
    call_.host = "localhost:4566";
    call_.principal.user_id = "000000000000";
  }
  ~SqsTest() override { loops_.stop(); }

  template <class T>
  T run(async::Task<T> task) {
    return async::run(loops_, std::move(task));
  }
  void run(async::Task<> task) { loops_.run(std::move(task)); }
  template <class Run>
  std::string code_of(Run run) {
    try {
      run();
    } catch (const wire::Fault& fault) {
      return fault.query_code().empty() ? fault.code() : std::string(fault.query_code());
    }
    return "no fault";
  }

  const wire::Call& call() {
    call_.time = clock_.now();
    return call_;
  }
  void restart(bool throttling = true) { sqs_ = std::make_unique<Sqs>(dependencies(throttling)); }
  Dependencies dependencies(bool throttling = true) { return {loops_, clock_, *store_, blobs_, authorizer_, meter_, throttling}; }

  std::string create(const std::string& name, std::map<std::string, std::string> attributes = {}) {
    CreateQueueRequest r;
    r.QueueName = name;
    if (!attributes.empty()) r.Attributes = std::move(attributes);
    return *run(sqs_->CreateQueue(call(), r)).QueueUrl;
  }
  std::string fifo(const std::string& name, std::map<std::string, std::string> attributes = {}) {
    attributes["FifoQueue"] = "true";
    return create(name + ".fifo", std::move(attributes));
  }
  static std::string arn(const std::string& name) { return "arn:aws:sqs:us-east-1:000000000000:" + name; }
  SendMessageResult send(const std::string& url, const std::string& body, std::function<void(SendMessageRequest&)> change = {}) {
    SendMessageRequest r;
    r.QueueUrl = url;
    r.MessageBody = body;
    if (change) change(r);
    return run(sqs_->SendMessage(call(), r));
  }
  SendMessageResult send(const std::string& url, const std::string& body, const std::string& group, const std::string& id) {
    return send(url, body, [&](SendMessageRequest& r) {
      r.MessageGroupId = group;
      if (!id.empty()) r.MessageDeduplicationId = id;
    });
  }
  std::vector<aws::sqs::Message> receive(const std::string& url, int count = 10,
                                         std::function<void(ReceiveMessageRequest&)> change = {}) {
    ReceiveMessageRequest r;
    r.QueueUrl = url;
    r.MaxNumberOfMessages = count;
    r.MessageSystemAttributeNames = {"All"};
    r.MessageAttributeNames = {"All"};
    if (change) change(r);
    return run(sqs_->ReceiveMessage(call(), r)).Messages.value_or(std::vector<aws::sqs::Message>{});
  }
  static std::vector<std::string> bodies(const std::vector<aws::sqs::Message>& messages) {
    std::vector<std::string> out;
    for (const auto& m : messages) out.push_back(*m.Body);
    return out;
  }
  std::vector<std::string> receive_bodies(const std::string& url, int count = 10) { return bodies(receive(url, count)); }
  void remove(const std::string& url, const aws::sqs::Message& m) { run(sqs_->DeleteMessage(call(), {url, *m.ReceiptHandle})); }
  void hide(const std::string& url, const aws::sqs::Message& m, int seconds) {
    run(sqs_->ChangeMessageVisibility(call(), {url, *m.ReceiptHandle, seconds}));
  }
  std::string attribute(const std::string& url, const std::string& name) {
    GetQueueAttributesRequest r;
    r.QueueUrl = url;
    r.AttributeNames = {name};
    const auto out = run(sqs_->GetQueueAttributes(call(), r)).Attributes;
    return out && out->contains(name) ? out->at(name) : "";
  }
  std::string counts(const std::string& url) {
    return attribute(url, "ApproximateNumberOfMessages") + " " + attribute(url, "ApproximateNumberOfMessagesNotVisible") + " " +
           attribute(url, "ApproximateNumberOfMessagesDelayed");
  }
  void set(const std::string& url, std::map<std::string, std::string> attributes) {
    run(sqs_->SetQueueAttributes(call(), {url, std::move(attributes)}));
  }
  std::size_t rows(std::string_view table) {
    return store_->read()->keys(store::prefix_range(store::Key(table).str()), 100'000).size();
  }
  using Strings = std::vector<std::string>;

  base::Clock clock_;
  async::Loops loops_{2, 2};
  Scratch directory_;
  std::unique_ptr<store::Store> store_ = store::open_memory();
  blobs::Blobs blobs_{loops_, directory_.path() / "blobs"};
  contracts::OpenAuthorizer authorizer_;
  contracts::NoMeter meter_;
  std::unique_ptr<Sqs> sqs_ = std::make_unique<Sqs>(dependencies());
  wire::Call call_;
};

TEST_F(SqsTest, AMessageIsHiddenUntilItsTimeoutAndGoneWhenDeleted) {
  const auto url = create("q");
  EXPECT_EQ(url, "http://localhost:4566/000000000000/q");
  const auto sent = send(url, "hello");
  EXPECT_EQ(sent.MD5OfMessageBody, "5d41402abc4b2a76b9719d911017c592");
  auto first = receive(url);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].MessageId, sent.MessageId);
  EXPECT_EQ(first[0].Attributes->at("ApproximateReceiveCount"), "1");
  EXPECT_EQ(receive_bodies(url), Strings{});
  EXPECT_EQ(counts(url), "0 1 0");
  clock_.advance(29s);
  EXPECT_EQ(receive_bodies(url), Strings{});
  clock_.advance(2s);
  auto second = receive(url);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].Attributes->at("ApproximateReceiveCount"), "2");
  EXPECT_NE(second[0].ReceiptHandle, first[0].ReceiptHandle);
  remove(url, second[0]);
  clock_.advance(31s);
  EXPECT_EQ(receive_bodies(url), Strings{});
  EXPECT_EQ(counts(url), "0 0 0");
  remove(url, second[0]);  // once more does no harm
  EXPECT_EQ(rows("sqs/message") + rows("sqs/receipt"), 0u);
}

TEST_F(SqsTest, EverythingIsThereAfterARestart) {
  const auto url = create("q", {{"VisibilityTimeout", "60"}});
  for (int i = 0; i < 5; ++i) send(url, std::to_string(i));
  send(url, "later", [](auto& r) { r.DelaySeconds = 100; });
  auto taken = receive(url, 2);
  restart();
  EXPECT_EQ(counts(url), "3 2 1");
  EXPECT_EQ(receive_bodies(url), (Strings{"2", "3", "4"}));
  remove(url, taken[0]);
  clock_.advance(61s);
  restart();
  auto again = receive(url);
  ASSERT_EQ(again.size(), 4u);
  for (const auto& m : again) EXPECT_EQ(m.Attributes->at("ApproximateReceiveCount"), "2");
  clock_.advance(40s);
  EXPECT_EQ(receive_bodies(url), (Strings{"later"}));
}

TEST_F(SqsTest, FifoQueuesThrottle) {
  const auto url = fifo("plain");
  const auto throttled = [&] { return code_of([&] { receive(url, 1); }) == "RequestThrottled"; };
  // The clock goes on meanwhile, so there may be more than a second's calls, but not so many.
  const auto calls_until_throttled = [&] {
    int calls = 0;
    while (!throttled() && calls < 100'000) ++calls;
    return calls;
  };
  EXPECT_GE(calls_until_throttled(), kFifoCalls);
  send(url, "m", "g", "1");  // other actions have room of their own
  clock_.advance(1s);
  const auto messages = receive(url, 1);
  ASSERT_EQ(messages.size(), 1u);
  remove(url, messages[0]);
  EXPECT_LT(calls_until_throttled(), 100'000);

  set(url, {{"DeduplicationScope", "messageGroup"}, {"FifoThroughputLimit", "perMessageGroupId"}});
  const auto standard = create("standard");
  for (int i = 0; i < 2 * kFifoCalls; ++i) {
    EXPECT_FALSE(throttled());
    receive(standard, 1);
  }
  restart(false);
  set(url, {{"FifoThroughputLimit", "perQueue"}});
  for (int i = 0; i < 2 * kFifoCalls; ++i) EXPECT_FALSE(throttled());
}

TEST_F(SqsTest, MessagesCarryTheTraceOfTheirCall) {
  const auto url = create("q");
  call_.trace_header = "Root=1-2-3";
  const auto sent = send(url, "of the call");
  EXPECT_FALSE(sent.MD5OfMessageSystemAttributes) << "the request has no attribute";
  SendMessageBatchRequest batch;
  batch.QueueUrl = url;
  batch.Entries.resize(2);
  for (int i = 0; i < 2; ++i) {
    batch.Entries[static_cast<std::size_t>(i)].Id = std::to_string(i);
    batch.Entries[static_cast<std::size_t>(i)].MessageBody = std::to_string(i);
  }
  batch.Entries[1].MessageSystemAttributes.emplace();
  (*batch.Entries[1].MessageSystemAttributes)["AWSTraceHeader"] = {"Root=4-5-6", {}, {}, {}, "String"};
  run(sqs_->SendMessageBatch(call(), batch));
  std::map<std::string, std::string> traces;
  for (const auto& m : receive(url)) traces[*m.Body] = m.Attributes->at("AWSTraceHeader");
  EXPECT_EQ(traces,
            (std::map<std::string, std::string>{{"of the call", "Root=1-2-3"}, {"0", "Root=1-2-3"}, {"1", "Root=4-5-6"}}));
}

TEST_F(SqsTest, DelaysAreKept) {
  const auto url = create("q", {{"DelaySeconds", "10"}});
  send(url, "queue's");
  send(url, "own", [](auto& r) { r.DelaySeconds = 5; });
  send(url, "none", [](auto& r) { r.DelaySeconds = 0; });
  EXPECT_EQ(counts(url), "1 0 2");
  EXPECT_EQ(receive_bodies(url), (Strings{"none"}));
  clock_.advance(5s);
  EXPECT_EQ(receive_bodies(url), (Strings{"own"}));
  clock_.advance(5s);
  EXPECT_EQ(receive_bodies(url), (Strings{"queue's"}));
  EXPECT_EQ(code_of([&] { send(url, "x", [](auto& r) { r.DelaySeconds = 901; }); }), "InvalidParameterValue");
}

TEST_F(SqsTest, GroupsOfAFifoQueueStayInOrder) {
  const auto url = fifo("q");
  for (int i = 0; i < 6; ++i) send(url, std::to_string(i), i % 2 ? "odd" : "even", std::to_string(i));
  auto first = receive(url, 2);
  EXPECT_EQ(bodies(first), (Strings{"0", "2"}));
  auto second = receive(url, 10);
  EXPECT_EQ(bodies(second), (Strings{"1", "3", "5"}));
  EXPECT_EQ(receive_bodies(url), Strings{});  // both groups are held
  remove(url, first[0]);
  EXPECT_EQ(receive_bodies(url), Strings{});
  restart();
  EXPECT_EQ(receive_bodies(url), Strings{});
  hide(url, first[1], 0);
  EXPECT_EQ(receive_bodies(url), (Strings{"2", "4"}));
  // The older handle holds nothing any more.
  EXPECT_EQ(code_of([&] { remove(url, first[1]); }), "InvalidParameterValue");
  for (const auto& m : second) EXPECT_LT(*first[0].Attributes->find("SequenceNumber"), *m.Attributes->find("SequenceNumber"));
}

TEST_F(SqsTest, DeduplicationLastsFiveMinutes) {
  const auto url = fifo("q", {{"ContentBasedDeduplication", "true"}});
  const auto first = send(url, "a", "g", "");
  clock_.advance(299s);
  const auto again = send(url, "a", "g", "");
  EXPECT_EQ(again.MessageId, first.MessageId);
  EXPECT_EQ(again.SequenceNumber, first.SequenceNumber);
  restart();
  EXPECT_EQ(send(url, "b", "g", base::hex(base::sha256("a"))).MessageId, first.MessageId);
  clock_.advance(1s);
  EXPECT_NE(send(url, "a", "g", "").MessageId, first.MessageId);
  EXPECT_EQ(counts(url), "2 0 0");
  EXPECT_EQ(code_of([&] { send(url, "a"); }), "MissingParameter");
  const auto plain = fifo("p");
  EXPECT_EQ(code_of([&] { send(plain, "a", "g", ""); }), "InvalidParameterValue");
  const auto by_group = fifo("r", {{"DeduplicationScope", "messageGroup"}, {"FifoThroughputLimit", "perMessageGroupId"}});
  send(by_group, "a", "g", "1");
  send(by_group, "a", "h", "1");
  send(by_group, "a", "h", "1");
  EXPECT_EQ(counts(by_group), "2 0 0");
}

TEST_F(SqsTest, APoisonMessageIsReceivedExactlyMaxReceiveCountTimes) {
  for (const std::string suffix : {"", ".fifo"}) {
    std::map<std::string, std::string> kind;
    if (!suffix.empty()) kind = {{"FifoQueue", "true"}, {"ContentBasedDeduplication", "true"}};
    const auto dead = create("dead" + suffix, kind);
    kind["RedrivePolicy"] = R"({"deadLetterTargetArn":")" + arn("dead" + suffix) + R"(","maxReceiveCount":"3"})";
    const auto url = create("q" + suffix, kind);
    send(url, "poison", [&](auto& r) {
      if (!suffix.empty()) r.MessageGroupId = "g";
    });
    send(url, "good", [&](auto& r) {
      if (!suffix.empty()) r.MessageGroupId = "g";
    });
    for (int i = 0; i < 3; ++i) {
      if (i == 1) restart();
      auto got = receive(url, 1);
      ASSERT_EQ(bodies(got), (Strings{"poison"})) << i;
      if (suffix.empty()) {
        auto other = receive(url, 1);
        if (!other.empty()) remove(url, other[0]);
      }
      clock_.advance(31s);
    }
    EXPECT_EQ(receive_bodies(url, 1), suffix.empty() ? Strings{} : Strings{"good"});
    auto letters = receive(dead);
    ASSERT_EQ(bodies(letters), (Strings{"poison"}));
    EXPECT_EQ(letters[0].Attributes->at("DeadLetterQueueSourceArn"), arn("q" + suffix));
    EXPECT_EQ(letters[0].Attributes->at("ApproximateReceiveCount"), "4");
    EXPECT_EQ(run(sqs_->ListDeadLetterSourceQueues(call(), {dead, {}, {}})).queueUrls, Strings{url});
  }
}

TEST_F(SqsTest, RetentionEndsMessages) {
  const auto url = create("q", {{"MessageRetentionPeriod", "60"}});
  send(url, "old");
  send(url, "waiting");
  auto got = receive(url, 1, [](auto& r) { r.VisibilityTimeout = 600; });
  clock_.advance(59s);
  send(url, "new");
  clock_.advance(1s);
  EXPECT_EQ(receive_bodies(url), (Strings{"new"}));
  EXPECT_EQ(rows("sqs/message"), 2u);  // the one in flight goes with the sweep
  auto state = std::make_shared<State>(dependencies());
  run(sweep(state));
  EXPECT_EQ(rows("sqs/message"), 1u);
  clock_.advance(60s);
  run(sweep(state));
  EXPECT_EQ(rows("sqs/message") + rows("sqs/receipt"), 0u);
}

TEST_F(SqsTest, ADeadLetterKeepsItsAge) {
  const auto dead = create("dead", {{"MessageRetentionPeriod", "100"}});
  const auto url = create("q", {{"RedrivePolicy", R"({"deadLetterTargetArn":")" + arn("dead") + R"(","maxReceiveCount":1})"}});
  send(url, "m");
  receive(url);
  clock_.advance(40s);
  receive(url);
  EXPECT_EQ(counts(dead), "1 0 0");
  clock_.advance(61s);
  run(sweep(std::make_shared<State>(dependencies())));
  EXPECT_EQ(rows("sqs/message") + rows("sqs/moved"), 0u);
}

TEST_F(SqsTest, PurgeAndDeletion) {
  const auto url = create("q");
  for (int i = 0; i < 20; ++i) send(url, "m");
  auto got = receive(url, 3);
  run(sqs_->PurgeQueue(call(), {url}));
  EXPECT_EQ(counts(url), "0 0 0");
  remove(url, got[0]);  // of before the purge
  EXPECT_EQ(code_of([&] { run(sqs_->PurgeQueue(call(), {url})); }), "AWS.SimpleQueueService.PurgeQueueInProgress");
  send(url, "after");
  EXPECT_EQ(receive_bodies(url), (Strings{"after"}));
  clock_.advance(60s);
  run(sqs_->PurgeQueue(call(), {url}));
  EXPECT_EQ(rows("sqs/message") + rows("sqs/receipt"), 0u);
  run(sqs_->DeleteQueue(call(), {url}));
  EXPECT_EQ(code_of([&] { send(url, "m"); }), "AWS.SimpleQueueService.NonExistentQueue");
  clock_.advance(59s);
  EXPECT_EQ(code_of([&] { create("q"); }), "AWS.SimpleQueueService.QueueDeletedRecently");
  clock_.advance(1s);
  create("q");
}

TEST_F(SqsTest, CreatingAgainGivesTheSameQueueOrSaysWhatDiffers) {
  const auto url = create("q", {{"VisibilityTimeout", "40"}});
  EXPECT_EQ(create("q", {{"VisibilityTimeout", "40"}}), url);
  EXPECT_EQ(create("q"), url);
  EXPECT_EQ(code_of([&] { create("q", {{"VisibilityTimeout", "41"}}); }), "QueueAlreadyExists");
  EXPECT_EQ(code_of([&] { create("q", {{"Colour", "red"}}); }), "InvalidAttributeName");
  EXPECT_EQ(code_of([&] { create("q", {{"KmsMasterKeyId", "alias/mine"}}); }), "InvalidParameterValue");
  EXPECT_EQ(code_of([&] { create("a b"); }), "InvalidParameterValue");
  EXPECT_EQ(code_of([&] { create("x.fifo"); }), "InvalidParameterValue");
  EXPECT_EQ(code_of([&] { create("x", {{"FifoQueue", "true"}}); }), "InvalidParameterValue");
}

TEST_F(SqsTest, LargeBodiesGoToBlobsAndLeaveThem) {
  const auto url = create("q");
  const std::string big(300'000, 'b');
  send(url, big);
  send(url, big);
  EXPECT_EQ(rows("sqs/blob"), 2u);
  restart();
  auto got = receive(url);
  EXPECT_EQ(bodies(got), (Strings{big, big}));
  remove(url, got[0]);
  EXPECT_EQ(rows("sqs/blob"), 1u);
  clock_.advance(31s);
  EXPECT_EQ(bodies(receive(url)), (Strings{big}));
  run(sqs_->PurgeQueue(call(), {url}));
  run(sweep(std::make_shared<State>(dependencies())));
  EXPECT_EQ(rows("sqs/blob") + rows("sqs/dead"), 0u);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path() / "blobs"))
    files += entry.is_regular_file();
  EXPECT_EQ(files, 0u);
}

TEST_F(SqsTest, BodiesAreSealedUnlessToldOtherwise) {
  const auto sealed = create("sealed"), open = create("open", {{"SqsManagedSseEnabled", "false"}});
  send(sealed, "secret words");
  send(open, "plain words");
  std::string all;
  for (const auto& row : store_->read()->scan({}, 1000)) all += row.value;
  EXPECT_EQ(all.find("secret words"), std::string::npos);
  EXPECT_NE(all.find("plain words"), std::string::npos);
  set(sealed, {{"SqsManagedSseEnabled", "false"}});
  EXPECT_EQ(receive_bodies(sealed), (Strings{"secret words"}));
  EXPECT_EQ(receive_bodies(open), (Strings{"plain words"}));
}

TEST_F(SqsTest, VisibilityCanBeChangedUpToTwelveHoursInAll) {
  const auto url = create("q");
  send(url, "m");
  auto got = receive(url);
  hide(url, got[0], 43'199);
  clock_.advance(1h);
  EXPECT_EQ(code_of([&] { hide(url, got[0], 43'000); }), "InvalidParameterValue");
  hide(url, got[0], 0);
  EXPECT_EQ(code_of([&] { hide(url, got[0], 10); }), "AWS.SimpleQueueService.MessageNotInflight");
  EXPECT_EQ(receive_bodies(url), (Strings{"m"}));
  EXPECT_EQ(code_of([&] { hide(url, got[0], 10); }), "InvalidParameterValue");
  got[0].ReceiptHandle = "nonsense";
  EXPECT_EQ(code_of([&] { hide(url, got[0], 10); }), "ReceiptHandleIsInvalid");
}

TEST_F(SqsTest, ALongPollWakesForASendForTheClockAndForTheEnd) {
  const auto url = create("q");
  std::atomic<int> done{0};
  std::vector<std::string> got;
  auto poll = [&](int seconds) -> async::Task<> {
    ReceiveMessageRequest r;
    r.QueueUrl = url;
    r.WaitTimeSeconds = seconds;
    const auto out = co_await sqs_->ReceiveMessage(call_, r);
    if (out.Messages) got.push_back(*out.Messages->front().Body);
    ++done;
  };
  auto wait_for = [&](int count) {
    for (int i = 0; i < 2000 && done < count; ++i) std::this_thread::sleep_for(1ms);
    return done.load();
  };
  loops_.spawn("poll", poll(20));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(done, 0);
  send(url, "m");
  EXPECT_EQ(wait_for(1), 1);
  EXPECT_EQ(got, Strings{"m"});
  loops_.spawn("poll", poll(20));
  std::this_thread::sleep_for(20ms);
  clock_.advance(21s);
  EXPECT_EQ(wait_for(2), 2);
  EXPECT_EQ(got.size(), 1u);
  loops_.spawn("poll", poll(20));  // until the message comes back
  std::this_thread::sleep_for(20ms);
  clock_.advance(10s);
  EXPECT_EQ(wait_for(3), 3);
  EXPECT_EQ(got.size(), 2u);
  loops_.spawn("poll", poll(20));
  std::this_thread::sleep_for(20ms);
  sqs_->wind_down();
  EXPECT_EQ(wait_for(4), 4);
}

TEST_F(SqsTest, AnAttemptIdGivesTheSameMessagesAgain) {
  const auto url = fifo("q");
  send(url, "a", "g", "1");
  send(url, "b", "g", "2");
  auto attempt = [&](const std::string& id) { return receive(url, 2, [&](auto& r) { r.ReceiveRequestAttemptId = id; }); };
  const auto first = attempt("x");
  clock_.advance(20s);
  const auto again = attempt("x");
  ASSERT_EQ(bodies(again), (Strings{"a", "b"}));
  EXPECT_EQ(again[0].ReceiptHandle, first[0].ReceiptHandle);
  EXPECT_EQ(attempt("y").size(), 0u);
  clock_.advance(20s);  // the visibility timeout began again
  EXPECT_EQ(receive_bodies(url), Strings{});
  remove(url, again[0]);
  EXPECT_EQ(attempt("x").size(), 0u);  // something happened to one of them
}

TEST_F(SqsTest, AMoveTaskBringsDeadLettersHome) {
  const auto dead = create("dead");
  const auto redrive = R"({"deadLetterTargetArn":")" + arn("dead") + R"(","maxReceiveCount":1})";
  const auto a = create("a", {{"RedrivePolicy", redrive}}), b = create("b", {{"RedrivePolicy", redrive}});
  for (int i = 0; i < 30; ++i) send(i % 2 ? a : b, std::to_string(i));
  for (int round = 0; round < 2; ++round) {
    for (const auto& url : {a, b})
      while (!receive(url).empty()) {
      }
    clock_.advance(31s);
  }
  EXPECT_EQ(counts(dead), "30 0 0");
  StartMessageMoveTaskRequest start;
  start.SourceArn = arn("dead");
  const auto handle = *run(sqs_->StartMessageMoveTask(call(), start)).TaskHandle;
  ListMessageMoveTasksRequest list;
  list.SourceArn = arn("dead");
  std::string status;
  for (int i = 0; i < 2000 && status != "COMPLETED"; ++i) {
    std::this_thread::sleep_for(1ms);
    status = *run(sqs_->ListMessageMoveTasks(call(), list)).Results->front().Status;
  }
  EXPECT_EQ(status, "COMPLETED");
  EXPECT_EQ(counts(a), "15 0 0");
  EXPECT_EQ(counts(b), "15 0 0");
  EXPECT_EQ(counts(dead), "0 0 0");
  EXPECT_EQ(code_of([&] { run(sqs_->CancelMessageMoveTask(call(), {handle})); }), "AWS.SimpleQueueService.UnsupportedOperation");
  start.SourceArn = arn("a");
  EXPECT_EQ(code_of([&] { run(sqs_->StartMessageMoveTask(call(), start)); }), "InvalidParameterValue");
}

TEST_F(SqsTest, DeepQueuesAreReadInOrderAndWholly) {
  const auto url = create("q");
  constexpr int kDeep = 12'000;  // more than any window
  for (int i = 0; i < kDeep; i += 10) {
    SendMessageBatchRequest r;
    r.QueueUrl = url;
    for (int k = 0; k < 10; ++k) {
      auto& entry = r.Entries.emplace_back();
      entry.Id = std::to_string(k);
      entry.MessageBody = std::to_string(i + k);
    }
    ASSERT_EQ(run(sqs_->SendMessageBatch(call(), r)).Successful.size(), 10u);
    if (i == 5'000) restart();
  }
  int expected = 0;
  for (;;) {
    auto got = receive(url);
    if (got.empty()) break;
    DeleteMessageBatchRequest r;
    r.QueueUrl = url;
    for (const auto& m : got) {
      ASSERT_EQ(*m.Body, std::to_string(expected++));
      r.Entries.push_back({std::to_string(r.Entries.size()), *m.ReceiptHandle});
    }
    ASSERT_TRUE(run(sqs_->DeleteMessageBatch(call(), r)).Failed.empty());
  }
  EXPECT_EQ(expected, kDeep);
  EXPECT_EQ(rows("sqs/message") + rows("sqs/receipt"), 0u);
}

TEST_F(SqsTest, ParcelsAndEventSources) {
  const auto url = create("q");
  contracts::Parcel parcel;
  parcel.target = arn("q");
  parcel.body = "from a topic";
  parcel.attributes["n"] = {"Number", "5"};
  EXPECT_EQ(run(sqs_->deliver(parcel)).kind, contracts::Delivery::Kind::delivered);
  parcel.target = arn("nowhere");
  EXPECT_EQ(run(sqs_->deliver(parcel)).kind, contracts::Delivery::Kind::refused);
  EXPECT_FALSE(run(sqs_->describe(arn("nowhere"))));
  EXPECT_EQ(run(sqs_->describe(arn("q")))->visibility_timeout, 30s);
  auto got = run(static_cast<contracts::QueueSource&>(*sqs_).receive({}, arn("q"), 100, 0ms));
  ASSERT_EQ(got.size(), 1u);
  const auto record = base::parse_json(got[0].record)->as_object();
  EXPECT_EQ(record.at("body").as_string(), "from a topic");
  EXPECT_EQ(record.at("eventSource").as_string(), "aws:sqs");
  EXPECT_EQ(record.at("messageAttributes").at("n").at("dataType").as_string(), "Number");
  EXPECT_EQ(record.at("md5OfBody").as_string(), md5_hex("from a topic"));
  auto& source = static_cast<contracts::QueueSource&>(*sqs_);
  run(source.hold({}, arn("q"), {got[0].handle}, 0s));
  got = run(source.receive({}, arn("q"), 1, 0ms));
  ASSERT_EQ(got.size(), 1u);
  run(source.remove({}, arn("q"), {got[0].handle, "no handle"}));
  EXPECT_EQ(counts(url), "0 0 0");
}

TEST_F(SqsTest, NukeLeavesNothing) {
  const auto url = create("q");
  send(url, "m");
  send(url, std::string(100'000, 'x'));
  run(sqs_->nuke());
  EXPECT_EQ(store_->read()->scan({}, 10).size(), 0u);
  EXPECT_EQ(code_of([&] { send(url, "m"); }), "AWS.SimpleQueueService.NonExistentQueue");
  create("q");
}

}  // namespace
}  // namespace lambari::sqs
