// Thin names for system calls, and errors as exceptions that say which file or step.
#pragma once

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/descriptor.h"

namespace lambari::jail {

using Fd = sandbox::Descriptor;

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] void fail(std::string_view what);  // with the text of errno
void check(bool ok, std::string_view what);

std::pair<Fd, Fd> socket_pair();  // SOCK_SEQPACKET, close-on-exec
std::pair<Fd, Fd> pipe_pair();    // read end, write end; close-on-exec

// One write() to an existing file. Returns false and leaves errno when it fails.
bool put(int directory, const char* name, std::string_view text);
void write_file(const std::string& path, std::string_view text);  // throws Failure; does not create
std::string read_file(const std::string& path);                   // empty when it cannot be read
std::string read_at(int directory, const char* name);

// One packet. send_packet throws Failure; a full socket blocks.
void send_packet(int socket, std::string_view bytes, const std::vector<int>& descriptors = {});

struct Packet {
  std::string bytes;  // empty: the other side is gone
  std::vector<Fd> descriptors;
  pid_t sender = 0;  // when SO_PASSCRED is set
};
Packet receive_packet(int socket, std::size_t most);

Fd open_process(pid_t pid);  // a pidfd; may be empty

// mount(2) and its newer relatives; all throw Failure that names `where`.
void mount_at(const char* source, const std::string& where, const char* type, unsigned long flags, const char* options = nullptr);
Fd clone_tree(const std::string& path, bool recursive = false);  // a detached copy of the mount at path
void set_read_only(const Fd& tree, const std::string& where, bool recursive = false, bool no_exec = false);  // and nosuid, nodev
void attach_tree(const Fd& tree, const std::string& where);

}  // namespace lambari::jail
