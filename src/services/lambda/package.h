// Deployment packages: is this a zip that may run, and putting it on disk. A package comes from a stranger, so everything
// about it is bounded and nothing of it may name a place outside the directory it is unpacked into.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-function-zip.html
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace lambari::lambda {

struct PackageLimits {
  std::uint64_t unzipped = 262'144'000;  // bytes, all entries together
  std::uint64_t entries = 100'000;
  std::size_t path = 1'024;  // bytes of a name
  std::size_t link = 1'024;  // bytes of a symbolic link's target
};

enum class PackageProblem {
  none,
  unreadable,  // not a zip, cut off, a checksum is wrong, encrypted, or a name or kind of entry that is not allowed
  empty,       // no entry
  too_large,   // over `unzipped`
};

struct PackageReport {
  PackageProblem problem = PackageProblem::none;
  std::uint64_t unzipped = 0;  // bytes of all files
  std::uint64_t entries = 0;
};

// Reads the whole zip without writing anything. Refused beside what a zip reader refuses: absolute names, names with "..",
// two entries of one name, an entry below a file or a link, links that lead out of the package, devices and the like.
PackageReport inspect(std::string_view zip, const PackageLimits& limits = {});

// Writes what inspect() found good into `directory`, which exists and is empty. Everything becomes readable for all and
// writable for none but the owner; a file that anybody may execute, all may. Throws std::system_error.
PackageReport unpack(std::string_view zip, const std::filesystem::path& directory, const PackageLimits& limits = {});

}  // namespace lambari::lambda
