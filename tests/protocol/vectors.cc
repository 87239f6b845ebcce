#include "vectors.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace lambari::vectors {

std::optional<std::filesystem::path> folder(const std::string& name) {
  const char* set = std::getenv("LAMBARI_VECTORS");
  std::filesystem::path root =
      set && *set ? std::filesystem::path(set) : std::filesystem::path(LAMBARI_SOURCE_DIR) / "../shared/vectors";
  std::error_code error;
  if (!std::filesystem::is_directory(root / name, error)) return std::nullopt;
  return root / name;
}

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

json::value read_json(const std::filesystem::path& file) {
  auto value = base::parse_json(read(file), 128);
  if (!value) throw std::runtime_error("not JSON: " + file.string());
  return *value;
}

}  // namespace lambari::vectors
