// How a store is opened. The engines differ in where bytes live, not in what they promise (memory: durable as long as the
// process).
#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "store/store.h"

namespace lambari::store {

// Another process holds the directory; `holder` is its pid where known.
struct DirectoryBusy : std::runtime_error {
  DirectoryBusy(const std::string& what, long holder) : std::runtime_error(what), holder(holder) {}
  long holder;
};
// The directory was written by a newer lambari. Nothing is changed.
struct NewerFormat : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline constexpr int kFormatVersion = 1;

std::unique_ptr<Store> open_memory();
// Creates `directory` when missing. Throws DirectoryBusy, NewerFormat, StorageFull, StorageFailed.
std::unique_ptr<Store> open_rocks(const std::filesystem::path& directory);

}  // namespace lambari::store
