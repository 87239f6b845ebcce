// Several layers as one folder, for hosts where the kernel does not stack them.
#pragma once

#include <filesystem>
#include <vector>

namespace lambari::sandbox {

// The folder below `cache` that holds `layers` merged, later ones over earlier ones; made when it is not there. Files are hard
// links where that is possible. Blocks. Throws std::filesystem::filesystem_error.
std::filesystem::path merge_layers(const std::filesystem::path& cache, const std::vector<std::filesystem::path>& layers);

}  // namespace lambari::sandbox
