// Deployment packages: the zip reader on any bytes, with limits small enough that a run stays quick.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "services/lambda/package.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lambari::lambda::PackageLimits limits;
  limits.unzipped = 1 << 20;
  limits.entries = 200;
  const std::string_view zip(reinterpret_cast<const char*>(data), size);
  const auto first = lambari::lambda::inspect(zip, limits);
  const auto second = lambari::lambda::inspect(zip, limits);
  // The answer hangs on the bytes alone, and what is accepted is within the limits.
  if (first.problem != second.problem || first.unzipped != second.unzipped) std::abort();
  if (first.problem == lambari::lambda::PackageProblem::none &&
      (first.unzipped > limits.unzipped || first.entries > limits.entries))
    std::abort();
  return 0;
}
