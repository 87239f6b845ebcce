#include "sandbox/jail/os.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace lambari::jail {

void fail(std::string_view what) { throw Failure(std::string(what) + ": " + strerror(errno)); }

void check(bool ok, std::string_view what) {
  if (!ok) fail(what);
}

std::pair<Fd, Fd> socket_pair() {
  int both[2];
  check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) == 0, "socketpair");
  return {Fd(both[0]), Fd(both[1])};
}

std::pair<Fd, Fd> pipe_pair() {
  int both[2];
  check(pipe2(both, O_CLOEXEC) == 0, "pipe");
  return {Fd(both[0]), Fd(both[1])};
}

bool put(int directory, const char* name, std::string_view text) {
  Fd file(openat(directory, name, O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

void write_file(const std::string& path, std::string_view text) { check(put(AT_FDCWD, path.c_str(), text), path); }

std::string read_at(int directory, const char* name) {
  Fd file(openat(directory, name, O_RDONLY | O_CLOEXEC));
  std::string all;
  char part[4096];
  for (ssize_t got; file && (got = read(file.get(), part, sizeof part)) > 0;) all.append(part, static_cast<std::size_t>(got));
  return all;
}

std::string read_file(const std::string& path) { return read_at(AT_FDCWD, path.c_str()); }

void send_packet(int socket, std::string_view bytes, const std::vector<int>& descriptors) {
  iovec data{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char space[CMSG_SPACE(16 * sizeof(int))];
  if (!descriptors.empty()) {
    message.msg_control = space;
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    auto* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size() * sizeof(int));
  }
  ssize_t sent;
  do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  check(sent == static_cast<ssize_t>(bytes.size()), "send");
}

Packet receive_packet(int socket, std::size_t most) {
  Packet packet;
  packet.bytes.resize(most);
  iovec data{packet.bytes.data(), packet.bytes.size()};
  alignas(cmsghdr) char space[CMSG_SPACE(16 * sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  ssize_t got;
  do got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  packet.bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  for (auto* head = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr; head; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET) continue;
    if (head->cmsg_type == SCM_RIGHTS) {
      auto count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd;
        memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof fd);
        packet.descriptors.emplace_back(fd);
      }
    } else if (head->cmsg_type == SCM_CREDENTIALS) {
      ucred who;
      memcpy(&who, CMSG_DATA(head), sizeof who);
      packet.sender = who.pid;
    }
  }
  return packet;
}

Fd open_process(pid_t pid) { return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

void mount_at(const char* source, const std::string& where, const char* type, unsigned long flags, const char* options) {
  check(mount(source, where.c_str(), type, flags, options) == 0, "mount " + where);
}

Fd clone_tree(const std::string& path, bool recursive) {
  Fd tree(open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0)));
  check(static_cast<bool>(tree), "open_tree " + path);
  return tree;
}

void set_read_only(const Fd& tree, const std::string& where, bool recursive, bool no_exec) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (no_exec ? MOUNT_ATTR_NOEXEC : 0);
  attributes.propagation = MS_PRIVATE;
  check(mount_setattr(tree.get(), "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof attributes) == 0,
        "mount_setattr " + where);
}

void attach_tree(const Fd& tree, const std::string& where) {
  check(move_mount(tree.get(), "", AT_FDCWD, where.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0, "move_mount " + where);
}

}  // namespace lambari::jail
