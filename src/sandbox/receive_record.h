// One fixed record from a SOCK_SEQPACKET line, and the descriptor that may come with it.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstring>
#include <type_traits>

#include "sandbox/descriptor.h"

namespace lambari::sandbox {

// Without waiting. As recvmsg() gives it: what is not the record's size is no record.
template <class Record>
  requires std::is_trivially_copyable_v<Record>
ssize_t receive_record(int line, Record& record, Descriptor& with) {
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))];
  iovec data{&record, sizeof record};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  const auto size = recvmsg(line, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0) return size;
  with.reset();
  const auto* head = CMSG_FIRSTHDR(&message);
  if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int))) {
    int number;
    std::memcpy(&number, CMSG_DATA(head), sizeof number);
    with.reset(number);
  }
  return size;
}

}  // namespace lambari::sandbox
