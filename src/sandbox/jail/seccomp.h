// The system calls a function may make.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace lambari::jail {

// Compiled once. Calls that are not listed answer ENOSYS or EPERM. Throws std::system_error.
std::vector<sock_filter> compile_filter();

}  // namespace lambari::jail
