// The note a running server leaves in its data directory, so that the other commands find it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace lambari::cli {

struct RunFile {
  long pid = 0;
  std::string url;  // "http://127.0.0.1:4566"
};

// Replaces what is there. Failing to write is not an error of the server's: false then.
bool write_run_file(const std::filesystem::path& data, const RunFile& note);
// Nothing when there is none, it is malformed, or its process is gone.
std::optional<RunFile> read_run_file(const std::filesystem::path& data);
void remove_run_file(const std::filesystem::path& data);

}  // namespace lambari::cli
