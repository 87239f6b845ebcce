// Backups and restores with the copier held back: what is refused while one is under way, and that the moment of a copy is that
// of the request, not of the copying.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <thread>

#include "async/loops.h"
#include "async/run.h"
#include "services/dynamodb/backup.h"
#include "services/dynamodb/control.h"
#include "services/dynamodb/items.h"
#include "services/dynamodb/keys.h"
#include "store/engines.h"
#include "store/key.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;
using namespace std::chrono_literals;

class BackupTest : public testing::Test {
 protected:
  BackupTest() {
    call_.account = call_.principal.account = "000000000000";
    call_.region = "us-east-1";
    ++state_->background;
    loops_.spawn("settler", run_settler(state_));
    api::CreateTableInput create;
    create.TableName = "table";
    create.BillingMode = "PAY_PER_REQUEST";
    create.KeySchema.emplace().push_back({"id", "HASH"});
    create.AttributeDefinitions.emplace().push_back({"id", "S"});
    run(create_table(state_, call_, create));
    EXPECT_TRUE(active("table"));
  }
  ~BackupTest() override {
    state_->stopping = true;
    state_->stirred.notify_all();
    loops_.stop();
  }

  template <class T>
  T run(async::Task<T> task) {
    return async::run(loops_, std::move(task));
  }
  std::string code_of(auto&& work) {
    try {
      work();
    } catch (const wire::Fault& fault) {
      return fault.code();
    }
    return "no fault";
  }
  static bool eventually(auto&& condition) {
    for (int i = 0; i < 20'000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(1ms);
    }
    return false;
  }

  void let_copy() {
    ++state_->background;
    loops_.spawn("copier", run_copier(state_));
  }
  bool active(const std::string& table) {
    return eventually([&] { return run(describe_table(state_, call_, {table})).Table->TableStatus == "ACTIVE"; });
  }
  void put(const std::string& id, const std::string& value) {
    api::PutItemInput request;
    request.TableName = "table";
    request.Item["id"].S = id;
    request.Item["value"].S = value;
    run(put_item(state_, call_, request));
  }
  void erase(const std::string& id) {
    api::DeleteItemInput request;
    request.TableName = "table";
    request.Key["id"].S = id;
    run(delete_item(state_, call_, request));
  }
  std::map<std::string, std::string> items(const std::string& table) {
    api::ScanInput request;
    request.TableName = table;
    std::map<std::string, std::string> out;
    for (const auto& item : *run(scan(state_, call_, request)).Items) out[*item.at("id").S] = *item.at("value").S;
    return out;
  }
  std::string back_up() {
    api::CreateBackupInput request;
    request.TableName = "table";
    request.BackupName = "one";
    return run(create_backup(state_, call_, request)).BackupDetails->BackupArn;
  }
  std::string status_of(const std::string& backup) {
    return run(describe_backup(state_, call_, {backup})).BackupDescription->BackupDetails->BackupStatus;
  }
  void restore(const std::string& backup, const std::string& table) {
    api::RestoreTableFromBackupInput request;
    request.BackupArn = backup;
    request.TargetTableName = table;
    run(restore_from_backup(state_, call_, request));
  }
  void set_recovery(bool on) {
    api::UpdateContinuousBackupsInput request;
    request.TableName = "table";
    request.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled = on;
    run(update_continuous_backups(state_, call_, request));
  }
  void restore_latest(const std::string& table) {
    api::RestoreTableToPointInTimeInput request;
    request.SourceTableName = "table";
    request.TargetTableName = table;
    request.UseLatestRestorableTime = true;
    run(restore_to_point_in_time(state_, call_, request));
  }
  std::size_t changes() { return store_->read()->keys(store::prefix_range(store::Key("dynamodb/change").str()), 1000).size(); }

  async::Loops loops_{2};
  base::Clock clock_;
  std::unique_ptr<store::Store> store_ = store::open_memory();
  contracts::OpenAuthorizer authorizer_;
  contracts::NoMeter meter_;
  Shared state_ = std::make_shared<State>(loops_, clock_, *store_, authorizer_, meter_);
  wire::Call call_;
};

TEST_F(BackupTest, IsOfTheMomentOfItsRequest) {
  put("stays", "1");
  put("changes", "1");
  put("goes", "1");
  const auto expected = items("table");
  EXPECT_EQ(changes(), 0);
  const auto backup = back_up();
  put("changes", "2");
  put("changes", "3");
  erase("goes");
  put("goes", "4");
  put("comes", "1");
  put("passes", "1");
  erase("passes");
  EXPECT_EQ(changes(), 7);
  EXPECT_EQ(status_of(backup), "CREATING");
  let_copy();
  ASSERT_TRUE(eventually([&] { return status_of(backup) == "AVAILABLE"; }));
  EXPECT_EQ(changes(), 0);  // nobody needs them any more
  restore(backup, "restored");
  ASSERT_TRUE(active("restored"));
  EXPECT_EQ(items("restored"), expected);
  EXPECT_EQ(run(describe_table(state_, call_, {"restored"})).Table->ItemCount, 3);
}

TEST_F(BackupTest, RefusesWhatWouldDisturbItWhileItIsMade) {
  put("a", "1");
  const auto backup = back_up();
  EXPECT_EQ(code_of([&] { back_up(); }), "BackupInUseException");
  EXPECT_EQ(code_of([&] { run(delete_backup(state_, call_, {backup})); }), "BackupInUseException");
  EXPECT_EQ(code_of([&] { restore(backup, "restored"); }), "BackupInUseException");
  EXPECT_EQ(code_of([&] { run(delete_table(state_, call_, {"table"})); }), "ResourceInUseException");
}

TEST_F(BackupTest, IsNotDeletedWhileATableIsMadeOfIt) {
  put("a", "1");
  set_recovery(true);
  run(delete_table(state_, call_, {"table"}));
  std::vector<api::BackupSummary> backups;
  ASSERT_TRUE(eventually([&] {
    backups = *run(list_backups(state_, call_, {})).BackupSummaries;
    return backups.size() == 1;
  }));
  const auto arn = *backups[0].BackupArn;
  restore(arn, "restored");
  EXPECT_EQ(code_of([&] { restore(arn, "restored"); }), "TableInUseException");
  EXPECT_EQ(code_of([&] { run(delete_backup(state_, call_, {arn})); }), "BackupInUseException");
  let_copy();
  ASSERT_TRUE(active("restored"));
  EXPECT_EQ(items("restored").size(), 1);
  run(delete_backup(state_, call_, {arn}));
  EXPECT_EQ(items("restored").size(), 1);
}

TEST_F(BackupTest, KeepsChangesForWhoStillNeedsThem) {
  put("a", "1");
  set_recovery(true);
  put("a", "2");
  restore_latest("second");
  put("a", "3");
  set_recovery(false);
  EXPECT_EQ(changes(), 2);
  set_recovery(true);  // begins anew
  restore_latest("third");
  put("a", "4");
  let_copy();
  ASSERT_TRUE(active("second") && active("third"));
  EXPECT_EQ(items("second").at("a"), "2");
  EXPECT_EQ(items("third").at("a"), "3");
  set_recovery(false);
  EXPECT_EQ(changes(), 0);
}

TEST_F(BackupTest, AtMostSoManyAreUnderWay) {
  set_recovery(true);
  for (std::size_t i = 0; i < kMaxCopies; ++i) restore_latest("table" + std::to_string(i));
  EXPECT_EQ(code_of([&] { restore_latest("one-more"); }), "LimitExceededException");
  EXPECT_EQ(code_of([&] { back_up(); }), "LimitExceededException");
  let_copy();
  for (std::size_t i = 0; i < kMaxCopies; ++i) EXPECT_TRUE(active("table" + std::to_string(i)));
  restore_latest("one-more");
}

}  // namespace
}  // namespace lambari::dynamodb
