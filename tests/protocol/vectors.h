// Where the public test vectors are: $LAMBARI_VECTORS, else ../shared/vectors beside the project.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/json.h"

namespace lambari::vectors {

namespace json = base::json;

// Nothing when the folder is missing: the caller skips and says so.
std::optional<std::filesystem::path> folder(const std::string& name);
std::string read(const std::filesystem::path& file);
json::value read_json(const std::filesystem::path& file);

}  // namespace lambari::vectors
