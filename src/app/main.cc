#include <fmt/format.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "app/house.h"
#include "app/settings.h"
#include "cli/cli.h"

namespace {

using namespace lambari;

app::Resolved read_settings(const app::Values& flags) {
  app::Sources sources;
  sources.flags = flags;
  sources.environment = app::process_environment();
  app::read_file(sources);
  return app::resolve(sources);
}

// Each execution environment holds several descriptors here; the usual soft limit of 1024 would end at about a hundred of them.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int start(const app::Values& flags, const std::string& version) {
  auto begin = std::chrono::steady_clock::now();
  try {
    auto [settings, warnings] = read_settings(flags);
    base::set_log_level(settings.log_level);
    base::set_log_json(settings.log_json);
    raise_descriptor_limit();
    app::House house(settings, version);
    auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    fmt::print("lambari {} ready at {} in {} ms ({})\n", version, house.url(), took.count(), house.summary());
    for (const auto& text : warnings) fmt::print("warning: {}\n", text);
    for (const auto& text : house.warnings()) fmt::print("warning: {}\n", text);
    fflush(stdout);
    house.wait();
    house.close();
    return cli::kDone;
  } catch (const app::SettingsError& error) {
    fmt::print(stderr, "lambari: {}\n", error.what());
    return cli::kUsage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "lambari: {}\n", error.what());
    return cli::kFailed;
  }
}

// Exit codes as a shell gives them.
int become(const std::vector<std::string>& command, const cli::Values& environment) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : environment) lines.push_back(name + "=" + value);
  std::vector<char*> words, variables;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  for (const auto& line : lines) variables.push_back(const_cast<char*>(line.c_str()));
  words.push_back(nullptr);
  variables.push_back(nullptr);
  fflush(stdout);
  execvpe(words[0], words.data(), variables.data());
  int error = errno;
  fmt::print(stderr, "lambari: {}: {}\n", command[0], strerror(error));
  return error == ENOENT ? 127 : 126;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string version = LAMBARI_VERSION;
  cli::Program program;
  program.version = version;
  for (const auto& setting : app::table())
    program.start_flags.push_back({setting.name, setting.values, setting.fallback, setting.help});
  program.start = [&](const cli::Values& flags) { return start(flags, version); };
  program.probe = [] {
    try {
      return app::probe(read_settings({}).settings);
    } catch (const app::SettingsError&) {
      return std::string(R"({"problem": "the settings have a mistake; see: lambari start"})");
    } catch (const app::StartError&) {
      return std::string(R"({"problem": "no temporary directory can be made"})");
    }
  };
  program.environment = app::process_environment();
  program.become = become;
  program.system.allowed = geteuid() == 0;
  program.system.run = [](const std::string& command) { return WEXITSTATUS(std::system(command.c_str())); };
  program.data = app::default_data(program.environment);
  program.terminal = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
  return cli::run({argv + 1, argv + argc}, program, std::cin, std::cout, std::cerr);
}
