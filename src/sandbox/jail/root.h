// What a function sees as `/`: a few read-only directories of the host, its runtime, and made-up files.
#pragma once

#include <string>

#include "sandbox/jail/os.h"
#include "sandbox/jail/staging.h"

namespace lambari::jail {

struct Roots {
  std::string library;  // liblambari-slot.so
  std::string trusted;  // folder with what a function is given to trust (TLS); empty: the host's certificates
  Fd user_namespace;    // the house's; empty when we are in it already
};

// A mount namespace, owned by the house's user namespace, whose root is that of a slot without code: /var/task, /opt and /tmp are
// empty, /proc shows a dead pid namespace. `pack` is a runtime pack's folder, or empty. Slots start as copies of it. Without
// `staging` the mounts show where packs lie. Throws Failure.
Fd make_root(const Roots& roots, const std::string& pack, const Staging* staging);

// In a copy, by the slot's init, which holds all rights in it: its own /proc, read-only and masked, and /tmp. Of namespaces none
// can be made any more, of inotify instances a few.
void mount_own(const std::string& tmp_options);

// In a slot's mount namespace, of which the caller's root is the root: makes `tree` the root of it and of all who live there,
// with the slot's /proc, /dev, /tmp, names and certificates mounted in it; the old root is gone. The tree has folders and files
// for them, and no links in their places.
void become_root(const Fd& tree);

}  // namespace lambari::jail
