// Small files that must be whole and, some, secret.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lambari::trust {

struct FileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// All but the first throw FileError. A file is at most 4 MiB.
// Nothing when there is none; throws when it is there and cannot be read.
std::optional<std::string> read_small_file(const std::filesystem::path& file);
// Either the old content or the new one survives a crash; what was returned from is on the medium. Never readable with more
// rights than `mode` gives.
void write_durably(const std::filesystem::path& file, std::string_view content, mode_t mode);
// Takes the rights of others away.
void make_private(const std::filesystem::path& file);
void make_private_folder(const std::filesystem::path& folder);

}  // namespace lambari::trust
