// The part of liblambari-slot.so that a waiting Java machine calls (runtimes/java/lambari/Waiting.java) by Java's native
// interface: the name says the class, and nothing of the machine is needed.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/launch_message.h"

extern "C" void Java_lambari_Waiting_receive(void*, void*) {
  using namespace lambari::sandbox::protocol;
  static char message[kMaxAssignment + 1];  // the variables stay in it
  ssize_t size;
  do size = recv(3, message, kMaxAssignment, 0);
  while (size < 0 && errno == EINTR);
  close(3);
  if (size <= 0) _exit(0);
  char* at = message;
  auto next = [&] {
    char* text = at;
    if (at < message + size) at += strlen(at) + 1;
    return text;  // "" when nothing is left
  };
  if (chdir(next()) != 0) _exit(kNoFolder);
  while (*next()) {  // arguments: they are this machine's already
  }
  clearenv();
  for (char* variable = next(); *variable; variable = next()) putenv(variable);
}
