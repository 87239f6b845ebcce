// Where code, layers and runtimes are made into mounts that tell nothing: /proc/self/mountinfo shows of a bound folder its path
// on the host, of an overlay the names that it was given. So each folder is named by a short link in a folder of our own.
#pragma once

#include <string>
#include <vector>

#include "sandbox/jail/os.h"

namespace lambari::jail {

class Staging {
 public:
  // In the mount namespace that it is used in; needs rights over it. Throws Failure.
  void open();

  // A detached, read-only mount of the folders, the first over the second and so on. They must be folders, not links to some.
  // Throws Failure; the kernel may lack overlayfs, or refuse to stack it on what lies below.
  Fd tree(const std::vector<std::string>& folders) const;

 private:
  Fd folder_;
};

}  // namespace lambari::jail
