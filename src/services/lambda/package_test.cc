#include "services/lambda/package.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/ids.h"
#include "services/lambda/zip_maker.h"

namespace lambari::lambda {
namespace {

namespace fs = std::filesystem;
using testing::hello_zip;
using testing::make_zip;
using testing::ZipEntry;

constexpr std::uint32_t kDirectory = 040755, kLink = 0120777, kDevice = 020666, kFifo = 010666, kSocket = 0140666;

class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / ("lambari-package-" + base::random_text(12, base::kLowerAlphanumeric))) {
    fs::create_directories(path_);
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

mode_t mode_of(const fs::path& path) {
  struct stat s{};
  EXPECT_EQ(::lstat(path.c_str(), &s), 0) << path;
  return s.st_mode & 07777;
}

std::string deflated(const std::string& name, std::size_t zeros) {
  std::string out(1 << 20, '\0');
  std::size_t used = 0;
  auto* a = archive_write_new();
  archive_write_set_format_zip(a);
  archive_write_open_memory(a, out.data(), out.size(), &used);
  auto* e = archive_entry_new();
  archive_entry_set_pathname(e, name.c_str());
  archive_entry_set_filetype(e, AE_IFREG);
  archive_entry_set_perm(e, 0644);
  archive_entry_set_size(e, static_cast<la_int64_t>(zeros));
  archive_write_header(a, e);
  const std::string block(1 << 16, '\0');
  for (std::size_t done = 0; done < zeros; done += block.size())
    archive_write_data(a, block.data(), std::min(block.size(), zeros - done));
  archive_entry_free(e);
  archive_write_close(a);
  archive_write_free(a);
  out.resize(used);
  return out;
}

TEST(Package, GoodOnesAreCountedAndUnpacked) {
  const auto zip = make_zip({{"index.py", "pass"},
                             {"bin/", "", kDirectory},
                             {"bin/run", "#!/bin/sh\n", 0100744},
                             {"deep/er/still.txt", "x", 0100600},
                             {"libx.so", "bin/run", kLink},
                             {"deep/er/up", "../../index.py", kLink},
                             {"./dot/./file", "y"},
                             {"olá/ação.txt", "z"}});
  const auto report = inspect(zip);
  EXPECT_EQ(report.problem, PackageProblem::none);
  EXPECT_EQ(report.entries, 8u);
  EXPECT_EQ(report.unzipped, 4u + 10 + 1 + 1 + 1);

  const Scratch scratch;
  EXPECT_EQ(unpack(zip, scratch.path()).problem, PackageProblem::none);
  EXPECT_EQ(read_file(scratch.path() / "index.py"), "pass");
  EXPECT_EQ(read_file(scratch.path() / "dot/file"), "y");
  EXPECT_EQ(read_file(scratch.path() / "olá/ação.txt"), "z");
  EXPECT_EQ(read_file(scratch.path() / "deep/er/up"), "pass");
  EXPECT_EQ(fs::read_symlink(scratch.path() / "libx.so"), "bin/run");
  // Functions run as another user: all may read, and execute what the owner may.
  EXPECT_EQ(mode_of(scratch.path() / "deep/er/still.txt"), 0644u);
  EXPECT_EQ(mode_of(scratch.path() / "bin/run"), 0755u);
  EXPECT_EQ(mode_of(scratch.path() / "deep"), 0755u);
}

TEST(Package, SetuidIsDropped) {
  const auto zip = make_zip({{"evil", "x", 0106755}});
  const Scratch scratch;
  EXPECT_EQ(unpack(zip, scratch.path()).problem, PackageProblem::none);
  EXPECT_EQ(mode_of(scratch.path() / "evil"), 0755u);
}

// Some zip programs write the type of a fifo where they mean a file; libarchive takes it for one.
TEST(Package, AFifoBecomesAPlainFile) {
  const auto zip = make_zip({{"pipe", "x", kFifo}});
  const Scratch scratch;
  EXPECT_EQ(unpack(zip, scratch.path()).problem, PackageProblem::none);
  EXPECT_TRUE(fs::is_regular_file(scratch.path() / "pipe"));
}

struct Hostile {
  const char* what;
  std::vector<ZipEntry> entries;
};

class HostilePackage : public ::testing::TestWithParam<Hostile> {};

TEST_P(HostilePackage, IsRefusedAndLeavesNothingOutside) {
  const auto zip = make_zip(GetParam().entries);
  EXPECT_EQ(inspect(zip).problem, PackageProblem::unreadable) << GetParam().what;
  const Scratch scratch;
  fs::create_directories(scratch.path() / "root");
  EXPECT_NE(unpack(zip, scratch.path() / "root").problem, PackageProblem::none);
  EXPECT_FALSE(fs::exists(scratch.path() / "out"));
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), {}), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Table, HostilePackage,
    ::testing::Values(Hostile{"climbs out", {{"../out", "x"}}}, Hostile{"climbs out deeper", {{"a/../../out", "x"}}},
                      Hostile{"climbs inside", {{"a/../b", "x"}}}, Hostile{"absolute", {{"/tmp/lambari-out", "x"}}},
                      Hostile{"only a dot", {{".", "x"}}}, Hostile{"twice", {{"a", "1"}, {"a", "2"}}},
                      Hostile{"twice by another spelling", {{"a", "1"}, {"./a", "2"}}},
                      Hostile{"file below a file", {{"a", "1"}, {"a/b", "2"}}},
                      Hostile{"file where a directory is", {{"a/b", "1"}, {"a", "2"}}},
                      Hostile{"absolute link", {{"l", "/etc/passwd", kLink}}}, Hostile{"link out", {{"l", "../out", kLink}}},
                      Hostile{"link out from below", {{"a/b/l", "../../../out", kLink}}},
                      Hostile{"link that dips out and back", {{"l", "../root/x", kLink}}},
                      Hostile{"write through a link", {{"l", ".", kLink}, {"l/out", "x"}}},
                      Hostile{"link over a file", {{"a", "1"}, {"a", "b", kLink}}}, Hostile{"empty link", {{"l", "", kLink}}},
                      Hostile{"device", {{"null", "", kDevice}}}, Hostile{"socket", {{"sock", "", kSocket}}},
                      Hostile{"wrong checksum", {{"a", "data", 0100644, 0x0800, ~0u, 1}}},
                      Hostile{"encrypted", {{"a", "data", 0100644, 0x0801}}},
                      Hostile{"long name", {{std::string(300, 'a'), "x"}}},
                      Hostile{"long path",
                              {{[] {
                                  std::string path;
                                  for (int i = 0; i < 600; ++i) path += "a/";
                                  return path + "b";
                                }(),
                                "x"}}}));

TEST(Package, WhatIsNoZip) {
  EXPECT_EQ(inspect("").problem, PackageProblem::unreadable);
  EXPECT_EQ(inspect("not a zip at all").problem, PackageProblem::unreadable);
  EXPECT_EQ(inspect(std::string(1'000, '\0')).problem, PackageProblem::unreadable);
  const auto zip = hello_zip();
  for (const std::size_t cut : {1u, 10u, 22u, 40u})
    EXPECT_EQ(inspect(zip.substr(0, zip.size() - cut)).problem, PackageProblem::unreadable) << cut;
}

TEST(Package, NeverCrashesOnDamage) {
  const auto zip = make_zip({{"index.py", "pass"}, {"a/b", "data"}, {"l", "a/b", kLink}});
  for (std::size_t i = 0; i < zip.size(); ++i) {
    for (const unsigned char flip : {0x01, 0x80, 0xff}) {
      auto damaged = zip;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      inspect(damaged);
    }
  }
}

TEST(Package, Empty) { EXPECT_EQ(inspect(make_zip({})).problem, PackageProblem::empty); }

TEST(Package, ABombIsStoppedAtTheLimit) {
  PackageLimits limits;
  limits.unzipped = 1'000'000;
  const auto bomb = deflated("zeros", 100'000'000);
  EXPECT_LT(bomb.size(), 200'000u);
  EXPECT_EQ(inspect(bomb, limits).problem, PackageProblem::too_large);
  EXPECT_EQ(inspect(deflated("zeros", 1'000'000), limits).problem, PackageProblem::none);
  EXPECT_EQ(inspect(deflated("zeros", 1'000'001), limits).problem, PackageProblem::too_large);
}

TEST(Package, TooManyEntries) {
  PackageLimits limits;
  limits.entries = 10;
  std::vector<ZipEntry> entries;
  for (int i = 0; i < 11; ++i) entries.push_back({"f" + std::to_string(i), "x"});
  EXPECT_EQ(inspect(make_zip(entries), limits).problem, PackageProblem::unreadable);
  entries.pop_back();
  EXPECT_EQ(inspect(make_zip(entries), limits).problem, PackageProblem::none);
}

}  // namespace
}  // namespace lambari::lambda
