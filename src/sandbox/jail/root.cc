#include "sandbox/jail/root.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sandbox/jail/confine.h"

namespace lambari::jail {
namespace {

// Host paths that a function may read. Directories unless they are files on the host; missing ones are left out.
constexpr const char* kShown[] = {
    "/usr/bin",          "/usr/lib",         "/usr/lib32",          "/usr/lib64",
    "/usr/libx32",       "/usr/libexec",     "/usr/share/zoneinfo", "/usr/share/ca-certificates",
    "/etc/alternatives", "/etc/ld.so.cache",
};
constexpr const char* kCertificates = "/etc/ssl/certs/ca-certificates.crt";
// What stands in for it and beside it when a folder is given, by the names in there.
constexpr std::pair<const char*, const char*> kTrusted[] = {{"/bundle.pem", kCertificates},
                                                            {"/ca.pem", "/etc/ssl/certs/lambari-ca.pem"},
                                                            {"/truststore.jks", "/etc/ssl/certs/java/cacerts"}};
// Parts of them that it may not: packages that the host's user installed for the host's programs.
constexpr const char* kHidden[] = {"/usr/lib/python3", "/usr/lib/node_modules", "/usr/lib/systemd", "/usr/lib/modules"};
// Compatibility names; symbolic links as on the host, or the directories themselves where /usr is not merged.
constexpr const char* kTopLevel[] = {"/bin", "/lib", "/lib32", "/lib64", "/libx32"};
constexpr const char* kDevices[] = {"null", "zero", "full", "random", "urandom"};

constexpr const char *kDash = "/usr/bin/dash", *kBash = "/usr/bin/bash";

// What /proc tells about the host beyond what a function needs.
constexpr const char* kMaskedFiles[] = {
    "kcore",         "keys",       "key-users",   "kallsyms",    "kmsg",       "timer_list", "sched_debug",
    "sysrq-trigger", "interrupts", "softirqs",    "modules",     "iomem",      "ioports",    "config.gz",
    "latency_stats", "slabinfo",   "vmallocinfo", "swaps",       "partitions", "diskstats",  "mdstat",
    "pagetypeinfo",  "kpagecount", "kpageflags",  "kpagecgroup", "buddyinfo",  "zoneinfo",
};
constexpr const char* kMaskedFolders[] = {"acpi", "scsi", "bus", "fs", "irq", "driver", "tty", "asound", "pressure"};

bool exists(const std::string& path, struct stat& info) { return lstat(path.c_str(), &info) == 0; }

void make_folders(const std::string& path) {
  for (std::size_t at = 1; (at = path.find('/', at)) != std::string::npos; ++at) mkdir(path.substr(0, at).c_str(), 0755);
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) fail("mkdir " + path);
}

void make_file(const std::string& path, std::string_view text) {
  make_folders(path.substr(0, path.rfind('/')));
  Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  check(file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()), "write " + path);
}

// Copied: a bind would show where it is from.
struct Copy {
  std::string where, text;
};

struct Bind {
  Fd tree;
  std::string where;
  bool folder;
};

// Taken while we are still who owns the host's mounts: copies made later would be locked to what lies around them.
Bind take(const std::string& from, const std::string& where, bool recursive) {
  struct stat info{};
  check(stat(from.c_str(), &info) == 0, from);
  Bind bind{clone_tree(from, recursive), where, S_ISDIR(info.st_mode)};
  return bind;
}

void build(const std::string& root, std::vector<Bind>& binds, const std::vector<Copy>& copies) {
  mount_at("lambari", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=4m,nr_inodes=2k");
  // The `lib` folders will be covered. The loader of a process that waits for its function remembers which places do not exist.
  for (const char* folder : {"/proc", "/dev", "/tmp", "/opt/lib", "/var/task/lib", "/var/runtime", "/var/lang", "/var/lambari",
                             "/etc/ssl/certs", "/sys", "/run", "/mnt", "/usr/share", "/usr/local/bin"})
    make_folders(root + folder);
  struct stat info{};
  for (auto& bind : binds) {
    if (bind.folder)
      make_folders(root + bind.where);
    else if (!exists(root + bind.where, info))
      make_file(root + bind.where, "");
    attach_tree(bind.tree, root + bind.where);
  }
  for (const auto& copy : copies) make_file(root + copy.where, copy.text);
  for (const char* path : kHidden)
    if (exists(root + path, info) && S_ISDIR(info.st_mode))
      mount_at("lambari", root + path, "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, "mode=755,size=4k,nr_inodes=1");
  for (const char* path : kTopLevel) {
    if (!exists(path, info) || !S_ISLNK(info.st_mode)) continue;
    char target[256];
    auto size = readlink(path, target, sizeof target - 1);
    if (size > 0) check(symlink(std::string(target, static_cast<std::size_t>(size)).c_str(), (root + path).c_str()) == 0, path);
  }

  const auto uid = std::to_string(kFunctionUid), gid = std::to_string(kFunctionGid);
  make_file(root + "/etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:" + uid + ":" + gid +
                                      "::/home/sbx_user1051:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n");
  make_file(root + "/etc/group", "root:x:0:\nsbx_user1051:x:" + gid + ":\nnogroup:x:65534:\n");
  make_file(root + "/etc/hosts", "127.0.0.1 localhost sandbox sandbox.localdomain\n");
  make_file(root + "/etc/resolv.conf", "nameserver 127.0.0.1\noptions attempts:1 timeout:1\n");
  make_file(root + "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
  make_file(root + "/etc/os-release",
            "NAME=\"Amazon Linux\"\nVERSION=\"2023\"\nID=\"amzn\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"2023\"\nPRETTY_NAME=\"Amazon "
            "Linux 2023 (lambari)\"\n");
  check(symlink("/usr/share/zoneinfo/UTC", (root + "/etc/localtime").c_str()) == 0, "/etc/localtime");
  make_folders(root + "/etc/pki/tls/certs");
  check(symlink("/etc/ssl/certs/ca-certificates.crt", (root + "/etc/pki/tls/certs/ca-bundle.crt").c_str()) == 0, "ca-bundle.crt");
  check(symlink("certs/ca-certificates.crt", (root + "/etc/ssl/cert.pem").c_str()) == 0, "cert.pem");

  // import() does not look at NODE_PATH but in node_modules of every folder above: layers, then what the runtime carries.
  if (exists(root + "/var/runtime/node_modules", info))
    check(symlink("/opt/nodejs/node_modules", (root + "/var/node_modules").c_str()) == 0 &&
              symlink("/var/runtime/node_modules", (root + "/node_modules").c_str()) == 0,
          "node_modules");

  const std::pair<const char*, const char*> links[] = {
      {"/proc/self/fd", "/dev/fd"}, {"fd/0", "/dev/stdin"}, {"fd/1", "/dev/stdout"}, {"fd/2", "/dev/stderr"}};
  for (auto [to, at] : links) check(symlink(to, (root + at).c_str()) == 0, at);

  // A later, slot-owned /proc is allowed only where a whole one can be seen.
  mount_at("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);

  check(chdir(root.c_str()) == 0 && syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
  check(umount2(".", MNT_DETACH) == 0 && chdir("/") == 0, "leave the old root");
  mount_at(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV);
  mount_at(nullptr, "/", nullptr, MS_REC | MS_PRIVATE);
}

}  // namespace

Fd make_root(const Roots& roots, const std::string& pack, const Staging* staging) {
  auto [ours, theirs] = socket_pair();
  pid_t outer = fork();
  check(outer >= 0, "fork");
  if (outer == 0) {
    try {
      // Root takes single mounts. In a user namespace what is mounted below cannot be left out, so it comes along, read-only too.
      const bool recursive = !roots.user_namespace;
      std::vector<Bind> binds;
      struct stat info{};
      auto show = [&](const std::string& from, const std::string& where) {
        binds.push_back(take(from, where, recursive));
        set_read_only(binds.back().tree, where, recursive);
      };
      for (const char* path : kShown)
        if (stat(path, &info) == 0) show(path, path);
      for (const char* path : kTopLevel)
        if (exists(path, info) && S_ISDIR(info.st_mode)) show(path, path);
      // AWS's sh is bash, and scripts count on it.
      if (stat(kDash, &info) == 0 && stat(kBash, &info) == 0) show(kBash, kDash);
      auto show_quietly = [&](const std::string& from, const std::string& where) {
        if (!staging) return show(from, where);
        binds.push_back({staging->tree({from}), where, true});
      };
      if (!pack.empty()) {
        show_quietly(pack + "/runtime", "/var/runtime");
        show_quietly(pack + "/lang", "/var/lang");
      }
      std::vector<Copy> copies;
      auto copy = [&](const std::string& from, const std::string& where) {
        copies.push_back({where, read_file(from)});
        if (copies.back().text.empty()) throw Failure(from + " cannot be read");
      };
      copy(roots.library, "/var/lambari/liblambari-slot.so");
      if (roots.trusted.empty() && stat(kCertificates, &info) == 0) show(kCertificates, kCertificates);
      if (!roots.trusted.empty())
        for (auto [name, where] : kTrusted) copy(roots.trusted + name, where);
      for (const char* name : kDevices) binds.push_back(take(std::string("/dev/") + name, std::string("/dev/") + name, false));

      if (roots.user_namespace) {
        check(setns(roots.user_namespace.get(), CLONE_NEWUSER) == 0, "enter the house's user namespace");
        check(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0, "become the house's root");
      }
      check(unshare(CLONE_NEWNS | CLONE_NEWPID) == 0, "unshare");
      pid_t inner = fork();  // the pid namespace of the /proc below; it dies with this process
      check(inner >= 0, "fork");
      if (inner == 0) {
        try {
          mount_at(nullptr, "/", nullptr, MS_REC | MS_PRIVATE);
          Fd own(open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
          // /proc is still the supervisor's: our own number there is not known to us, but to it "self" is.
          check(static_cast<bool>(own), "open our mount namespace");
          build("/mnt", binds, copies);
          send_packet(theirs.get(), "ok", {own.get()});
        } catch (const std::exception& error) {
          send_packet(theirs.get(), std::string("!") + error.what());
        }
        _exit(0);
      }
      waitpid(inner, nullptr, 0);
    } catch (const std::exception& error) {
      send_packet(theirs.get(), std::string("!") + error.what());
    }
    _exit(0);
  }
  theirs.reset();
  auto answer = receive_packet(ours.get(), 4096);
  int status;
  while (waitpid(outer, &status, 0) < 0 && errno == EINTR) {
  }
  if (answer.bytes != "ok" || answer.descriptors.size() != 1)
    throw Failure("the read-only root: " + (answer.bytes.empty() ? std::string("its maker died") : answer.bytes.substr(1)));
  return std::move(answer.descriptors[0]);
}

void mount_own(const std::string& tmp_options) {
  mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
  // Counted in this user namespace. What a kernel does not count has no file.
  for (const char* kind : {"user", "mnt", "net", "pid", "ipc", "uts", "cgroup", "time"})
    put(AT_FDCWD, (std::string("/proc/sys/user/max_") + kind + "_namespaces").c_str(), "0");
  // Counted for all functions together too, as what the host gives one user.
  put(AT_FDCWD, "/proc/sys/user/max_inotify_instances", "16");
  put(AT_FDCWD, "/proc/sys/user/max_inotify_watches", "4096");
  mount_at(nullptr, "/proc", nullptr, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY);
  struct stat info{};
  for (const char* name : kMaskedFiles) {
    auto path = std::string("/proc/") + name;
    if (stat(path.c_str(), &info) == 0) mount_at("/dev/null", path, nullptr, MS_BIND);
  }
  for (const char* name : kMaskedFolders) {
    auto path = std::string("/proc/") + name;
    if (stat(path.c_str(), &info) == 0) mount_at("/mnt", path, nullptr, MS_BIND);
  }
  mount_at("tmp", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, tmp_options.c_str());
}

void become_root(const Fd& tree) {
  const std::string root = "/mnt";
  attach_tree(tree, root);
  for (const char* path : {"/proc", "/tmp"})
    check(mount(path, (root + path).c_str(), nullptr, MS_MOVE, nullptr) == 0, std::string("move ") + path);
  // With what is mounted below; the folders themselves belong to the old root. A detached copy, as of open_tree(), counts as a
  // mount namespace, of which there may be no more here.
  for (const char* path : {"/dev", "/etc/ssl/certs", "/etc/resolv.conf", "/etc/hosts"})
    mount_at(path, root + path, nullptr, MS_BIND | MS_REC);
  check(chdir(root.c_str()) == 0 && syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
  check(umount2(".", MNT_DETACH) == 0 && chdir("/") == 0, "leave the old root");
}

}  // namespace lambari::jail
