#include "store/rocks_engine.h"

#include <gmock/gmock.h>

#include <fstream>

#include "store/engine_suite.h"
#include "store/engines.h"

namespace lambari::store {
namespace {

namespace fs = std::filesystem;

const Candidate kRocks{"rocks", [](const auto& path) { return open_rocks(path); }};
INSTANTIATE_TEST_SUITE_P(Rocks, EngineSuite, testing::Values(kRocks));
INSTANTIATE_TEST_SUITE_P(Rocks, DurableEngineSuite, testing::Values(kRocks));

std::string content(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(OpenRocks, TellsWhoHoldsTheDirectory) {
  ScratchDirectory directory;
  auto path = directory.path() / "deep" / "store";
  {
    auto first = open_rocks(path);
    try {
      open_rocks(path);
      FAIL() << "opened twice";
    } catch (const DirectoryBusy& e) {
      EXPECT_EQ(e.holder, ::getpid());
    }
  }
  EXPECT_NO_THROW(open_rocks(path));
}

TEST(OpenRocks, LeavesANewerFormatAlone) {
  ScratchDirectory directory;
  open_rocks(directory.path());
  EXPECT_EQ(content(directory.path() / "FORMAT"), "lambari store 1\n");
  std::ofstream(directory.path() / "FORMAT") << "lambari store 2\n";
  auto before = fs::last_write_time(directory.path() / "rocks");
  auto lock = content(directory.path() / "lock");
  EXPECT_THROW(open_rocks(directory.path()), NewerFormat);
  EXPECT_EQ(fs::last_write_time(directory.path() / "rocks"), before);
  EXPECT_EQ(content(directory.path() / "lock"), lock);
  for (auto text : {"", "lambari store", "lambari store x\n", "lambari store 0\n", "something else 1\n"}) {
    std::ofstream(directory.path() / "FORMAT") << text;
    EXPECT_THROW(open_rocks(directory.path()), StorageFailed) << text;
  }
  std::ofstream(directory.path() / "FORMAT") << "lambari store 1\n";
  EXPECT_NO_THROW(open_rocks(directory.path()));
}

TEST(OpenRocks, AnInterruptedCreationIsFinished) {
  ScratchDirectory directory;
  open_rocks(directory.path());
  fs::remove(directory.path() / "FORMAT");
  std::ofstream(directory.path() / "FORMAT.new") << "lamb";
  EXPECT_NO_THROW(open_rocks(directory.path()));
  EXPECT_TRUE(fs::exists(directory.path() / "FORMAT"));
  EXPECT_FALSE(fs::exists(directory.path() / "FORMAT.new"));
}

TEST(OpenRocks, AStoreThatLostItsDataIsNotTakenForANewOne) {
  ScratchDirectory directory;
  open_rocks(directory.path());
  fs::remove_all(directory.path() / "rocks");
  EXPECT_THROW(open_rocks(directory.path()), StorageFailed);
}

TEST(OpenRocks, TellsOfADirectoryItCannotMake) {
  ScratchDirectory directory;
  std::ofstream(directory.path() / "file") << "x";
  EXPECT_THROW(open_rocks(directory.path() / "file" / "store"), StorageFailed);
}

}  // namespace
}  // namespace lambari::store
