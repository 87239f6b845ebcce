#include "sandbox/jail/staging.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>

namespace lambari::jail {

void Staging::open() {
  Fd kind(fsopen("tmpfs", FSOPEN_CLOEXEC));
  check(kind && fsconfig(kind.get(), FSCONFIG_SET_STRING, "size", "64k", 0) == 0 &&
            fsconfig(kind.get(), FSCONFIG_SET_STRING, "mode", "700", 0) == 0 &&
            fsconfig(kind.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0,
        "staging");
  folder_.reset(fsmount(kind.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  check(folder_ && mkdirat(folder_.get(), "empty", 0755) == 0, "staging");
}

Fd Staging::tree(const std::vector<std::string>& folders) const {
  // Without a writable layer the kernel wants two; the empty one is under all.
  std::string lower;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    struct stat info{};
    if (lstat(folders[i].c_str(), &info) != 0) fail(folders[i]);
    if (!S_ISDIR(info.st_mode)) throw Failure(folders[i] + ": not a folder");
    const auto name = std::to_string(i);
    unlinkat(folder_.get(), name.c_str(), 0);
    check(symlinkat(folders[i].c_str(), folder_.get(), name.c_str()) == 0, "staging");
    lower += name + ":";
  }
  lower += "empty";
  Fd kind(fsopen("overlay", FSOPEN_CLOEXEC));
  check(static_cast<bool>(kind), "overlayfs");
  check(fchdir(folder_.get()) == 0, "staging");  // the names are looked up from here
  const bool made = fsconfig(kind.get(), FSCONFIG_SET_STRING, "source", "lambari", 0) == 0 &&
                    fsconfig(kind.get(), FSCONFIG_SET_STRING, "lowerdir", lower.c_str(), 0) == 0 &&
                    fsconfig(kind.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0;
  const int error = errno;
  check(chdir("/") == 0, "chdir");
  errno = error;
  check(made, "overlayfs");
  Fd tree(fsmount(kind.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  check(static_cast<bool>(tree), "overlayfs");
  return tree;
}

}  // namespace lambari::jail
