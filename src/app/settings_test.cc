#include "app/settings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace lambari::app {
namespace {

std::string refusal(Sources sources) {
  try {
    resolve(sources);
  } catch (const SettingsError& error) {
    return error.what();
  }
  return "accepted";
}

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(Settings, Defaults) {
  auto settings = resolve({.environment = {{"HOME", "/home/ana"}}}).settings;
  EXPECT_EQ(settings.address, "127.0.0.1");
  EXPECT_EQ(settings.port, 4566);
  EXPECT_EQ(settings.data, "/home/ana/.local/share/lambari");
  EXPECT_FALSE(settings.open_auth || settings.memory_store || settings.process_isolation || settings.strict_runtimes);
}

TEST(Settings, FlagBeatsVariableBeatsFileBeatsDefault) {
  Sources sources;
  sources.file = "# a comment\nport = 1\nregion=\"sa-east-1\"\r\n threads = 3 \n\nstore = memory\n";
  sources.file_name = "lambari.conf";
  sources.environment = {{"LAMBARI_PORT", "2"}, {"LAMBARI_THREADS", "4"}, {"LAMBARI_STRICT_RUNTIMES", "true"}};
  sources.flags = {{"port", "3"}, {"config", "lambari.conf"}};
  auto settings = resolve(sources).settings;
  EXPECT_EQ(settings.port, 3);
  EXPECT_EQ(settings.threads, 4u);
  EXPECT_EQ(settings.region, "sa-east-1");
  EXPECT_TRUE(settings.memory_store);
  EXPECT_TRUE(settings.strict_runtimes);
  EXPECT_EQ(settings.concurrency, 1'000);
}

TEST(Settings, DataDirectory) {
  EXPECT_EQ(resolve({.environment = {{"HOME", "/h"}, {"XDG_DATA_HOME", "/x"}}}).settings.data, "/x/lambari");
  EXPECT_EQ(resolve({.environment = {{"HOME", "/h"}, {"LAMBARI_DATA", "/d"}}}).settings.data, "/d");
  EXPECT_EQ(resolve({.flags = {{"data", "/f"}}, .environment = {{"LAMBARI_DATA", "/d"}}}).settings.data, "/f");
}

TEST(Settings, UnknownNamesAreRefusedWithAHint) {
  EXPECT_TRUE(says(refusal({.flags = {{"prot", "1"}}}), "did you mean \"port\"?"));
  auto in_file = refusal({.file = "\nisolatoin = full\n", .file_name = "my.conf"});
  EXPECT_TRUE(says(in_file, "my.conf line 2") && says(in_file, "did you mean \"isolation\"?")) << in_file;
  EXPECT_TRUE(says(refusal({.environment = {{"LAMBARI_PROT", "1"}}}), "did you mean LAMBARI_PORT?"));
  EXPECT_TRUE(says(refusal({.flags = {{"whatever", "1"}}}), "there are address, port"));
  EXPECT_TRUE(says(refusal({.file = "port 4", .file_name = "my.conf"}), "expected name = value"));
}

TEST(Settings, VariablesOfOthersAreOnlyMentioned) {
  auto resolved = resolve({.environment = {{"LAMBARI_VECTORS", "/v"}, {"LAMBARI_CONFIG", ""}, {"OTHER", "x"}}});
  ASSERT_EQ(resolved.warnings.size(), 1u);
  EXPECT_TRUE(says(resolved.warnings[0], "LAMBARI_VECTORS"));
}

TEST(Settings, ValuesAreChecked) {
  for (auto [name, value] : std::vector<std::pair<std::string, std::string>>{{"port", "65536"},
                                                                             {"port", "x"},
                                                                             {"port", ""},
                                                                             {"address", "example.org"},
                                                                             {"store", "mysql"},
                                                                             {"auth", "none"},
                                                                             {"isolation", "docker"},
                                                                             {"strict-runtimes", "maybe"},
                                                                             {"region", "US EAST"},
                                                                             {"threads", "-1"},
                                                                             {"concurrency", "0"},
                                                                             {"log-level", "loud"},
                                                                             {"data", ""}}) {
    auto text = refusal({.flags = {{name, value}}});
    EXPECT_TRUE(says(text, name + " = ") && says(text, "expected ")) << name << ": " << text;
  }
  EXPECT_EQ(resolve({.flags = {{"address", "localhost"}}}).settings.address, "127.0.0.1");
}

TEST(Settings, OpenAuthStaysAtHome) {
  for (auto address : {"0.0.0.0", "10.0.0.1", "::"})
    EXPECT_TRUE(says(refusal({.flags = {{"auth", "open"}, {"address", address}}}), "loopback")) << address;
  for (auto address : {"127.0.0.1", "127.1.2.3", "::1"})
    EXPECT_EQ(refusal({.flags = {{"auth", "open"}, {"address", address}}}), "accepted") << address;
  EXPECT_EQ(refusal({.flags = {{"address", "0.0.0.0"}}}), "accepted");
}

TEST(Settings, FileIsFound) {
  auto directory = std::filesystem::temp_directory_path() / ("lambari-settings-test-" + std::to_string(getpid()));
  std::filesystem::create_directories(directory / "lambari");
  std::ofstream(directory / "lambari/lambari.conf") << "port = 7\n";
  Sources sources{.environment = {{"XDG_CONFIG_HOME", directory.string()}}};
  read_file(sources);
  EXPECT_EQ(resolve(sources).settings.port, 7);
  Sources named{.flags = {{"config", (directory / "other.conf").string()}}};
  EXPECT_THROW(read_file(named), SettingsError);
  Sources none{.environment = {{"HOME", "/nonexistent"}}};
  read_file(none);
  EXPECT_TRUE(none.file.empty());
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace lambari::app
