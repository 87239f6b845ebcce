#include "services/lambda/image.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "async/loops.h"
#include "base/bytes.h"
#include "base/ids.h"

namespace lambari::lambda {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kRegistry = "000000000000.dkr.ecr.us-east-1.amazonaws.com";

TEST(ImageUri, Parts) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  struct Row {
    std::string uri, repository, tag, digest;
  };
  for (const auto& row :
       {Row{kRegistry + "/app", "app", "latest", ""}, Row{kRegistry + "/team/app:V1.0_x-2", "team/app", "V1.0_x-2", ""},
        Row{kRegistry + "/app@" + digest, "app", "latest", digest}}) {
    const auto name = parse_image_uri(row.uri);
    ASSERT_TRUE(name) << row.uri;
    EXPECT_EQ(name->registry, kRegistry);
    EXPECT_EQ(name->repository, row.repository);
    EXPECT_EQ(name->tag, row.tag);
    EXPECT_EQ(name->digest, row.digest);
  }
  for (const auto& bad :
       {std::string(""), std::string("app"), std::string("docker.io/app"), kRegistry, kRegistry + "/", kRegistry + "/a//b",
        kRegistry + "/../a", kRegistry + "/a/..", kRegistry + "/A", kRegistry + "/a:", kRegistry + "/a:b:c",
        kRegistry + "/a@sha256:12", kRegistry + "/.a", kRegistry + "/a:" + std::string(129, 'x'),
        std::string("1.dkr.ecr.us-east-1.amazonaws.com/a"), kRegistry + "/" + std::string(1'024, 'a')})
    EXPECT_FALSE(parse_image_uri(bad)) << bad;
}

class ImageTest : public testing::Test {
 protected:
  ImageTest() : scratch_(fs::temp_directory_path() / ("lambari-image-" + base::random_text(12, base::kLowerAlphanumeric))) {
    fs::create_directories(scratch_);
  }
  ~ImageTest() override { fs::remove_all(scratch_); }

  struct Entry {
    std::string path, content;
    char kind = 'f';  // 'd' folder, 'l' link to `content`, 'h' second name of `content`
    long long claims = -1;
  };
  // Adds a layer to image_.
  void layer(const std::vector<Entry>& entries) {
    std::string bytes(1 << 20, '\0');
    std::size_t used = 0;
    auto* out = archive_write_new();
    archive_write_set_format_pax_restricted(out);
    archive_write_set_bytes_in_last_block(out, 1);
    ASSERT_EQ(archive_write_open_memory(out, bytes.data(), bytes.size(), &used), ARCHIVE_OK);
    for (const auto& [path, content, kind, claims] : entries) {
      auto* entry = archive_entry_new();
      archive_entry_set_pathname(entry, path.c_str());
      archive_entry_set_perm(entry, kind == 'd' ? 0755 : 04644);
      archive_entry_set_filetype(entry, kind == 'd' ? AE_IFDIR : kind == 'l' ? AE_IFLNK : AE_IFREG);
      if (kind == 'l') archive_entry_set_symlink(entry, content.c_str());
      if (kind == 'h') archive_entry_set_hardlink(entry, content.c_str());
      if (kind == 'f') archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
      archive_write_header(out, entry);
      if (kind == 'f') archive_write_data(out, content.data(), content.size());
      archive_entry_free(entry);
    }
    archive_write_close(out);
    archive_write_free(out);
    bytes.resize(used);
    const auto hash = base::hex(base::sha256(bytes));
    const auto body = blobs_.begin();
    body->add(bytes);
    ASSERT_TRUE(body->finish(hash));
    if (image_.parts.empty()) image_.parts.emplace_back();  // the configuration
    image_.parts.push_back(hash);
  }
  fs::path root() const { return scratch_ / "root"; }
  std::string unpack(const ImageLimits& limits = {}) {
    fs::remove_all(root());
    fs::create_directories(root());
    try {
      unpack_image(image_, blobs_, root(), limits);
    } catch (const ImageFault& fault) {
      return fault.what();
    }
    return "";
  }
  std::string text(const std::string& path) const {
    std::ifstream in(root() / path);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const fs::path scratch_;
  async::Loops loops_{1};
  blobs::Blobs blobs_{loops_, scratch_ / "blobs"};
  Image image_;
};

TEST_F(ImageTest, LayersAddAndTakeAway) {
  layer({{"a/one", "1"}, {"a/two", "2"}, {"b/one", "1"}, {"b/deep/two", "2"}, {"c", "file"}, {"d/x", "x"}, {"e", "d", 'l'}});
  layer({{"a/.wh.one", ""},
         {"b/new", "n"},
         {"b/deep/new", "n"},
         {"b/.wh..wh..opq", ""},
         {"c/below", "a folder now"},
         {"e/y", "y"},
         {"a/.wh.nothing", ""},
         {".wh..wh.plnk", ""}});
  ASSERT_EQ(unpack(), "");
  EXPECT_FALSE(fs::exists(root() / "a/one"));
  EXPECT_EQ(text("a/two"), "2");
  EXPECT_FALSE(fs::exists(root() / "b/one"));
  EXPECT_FALSE(fs::exists(root() / "b/deep/two"));
  EXPECT_EQ(text("b/deep/new") + text("b/new"), "nn");
  EXPECT_EQ(text("c/below"), "a folder now");
  EXPECT_EQ(text("d/y"), "y");  // through the link
  EXPECT_FALSE(fs::exists(root() / ".wh..wh.plnk"));
  for (const char* folder : {"proc", "dev", "tmp", "etc/ssl/certs"})
    EXPECT_TRUE(fs::is_directory(fs::symlink_status(root() / folder))) << folder;
  for (const char* file : {"etc/resolv.conf", "etc/hosts"})
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(root() / file))) << file;
}

TEST_F(ImageTest, NothingIsSetUserIdAndAllIsOursToRemove) {
  layer({{"a", "x"}, {"b", "a", 'h'}});
  ASSERT_EQ(unpack(), "");
  EXPECT_EQ(fs::status(root() / "a").permissions(), fs::perms(0644));
  EXPECT_EQ(fs::hard_link_count(root() / "b"), 2U);
}

TEST_F(ImageTest, WhatLeadsOutIsRefused) {
  for (const auto& bad : {Entry{"../x", "x"}, Entry{"a/../../x", "x"}, Entry{"a", "/etc/passwd", 'h'}, Entry{".wh...", "x"},
                          Entry{std::string(300, 'a'), "x"}}) {
    image_.parts.clear();
    layer({bad});
    EXPECT_NE(unpack(), "") << bad.path;
  }
  // A link outside means the same place in the image; where that does not exist a folder takes the link's place.
  image_.parts.clear();
  layer({{"up", "../../../../../../../" + scratch_.string(), 'l'}});
  layer({{"up/x", "x"}});
  EXPECT_EQ(unpack(), "");
  EXPECT_FALSE(fs::exists(scratch_ / "x"));
  EXPECT_EQ(text("up/x"), "x");
  layer({{scratch_.relative_path().string() + "/there", "", 'd'}, {"far", "../../../../../../../" + scratch_.string(), 'l'}});
  layer({{"far/y", "y"}});
  EXPECT_EQ(unpack(), "");
  EXPECT_FALSE(fs::exists(scratch_ / "y"));
  EXPECT_EQ(text(scratch_.relative_path() / "y"), "y");
}

TEST_F(ImageTest, Bounds) {
  layer({{"a", std::string(600, 'x')}, {"b", "x"}});
  layer({{"a", std::string(500, 'x')}});
  EXPECT_EQ(unpack({.unpacked = 1'101, .entries = 3}), "");
  EXPECT_THAT(unpack({.unpacked = 1'100}), HasSubstr("more than 1100 bytes"));
  EXPECT_THAT(unpack({.entries = 2}), HasSubstr("too many files"));
  image_.parts.clear();
  layer({{"a/b/c", "x"}});
  EXPECT_EQ(unpack({.parts = 3}), "");
  EXPECT_THAT(unpack({.parts = 2}), HasSubstr("too deep"));
}

}  // namespace
}  // namespace lambari::lambda
