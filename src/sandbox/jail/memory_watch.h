// Where no control group limits memory (an ordinary user without delegation), the slot's init looks after it: what all processes
// of its pid namespace hold that is theirs, looked at the more often the nearer the limit is. A function can be over for as long
// as that takes. Memory that nobody has mapped (memfd, SysV segments) is not seen.
#pragma once

#include <cstdint>
#include <string>

#include "sandbox/jail/os.h"

namespace lambari::jail {

class MemoryWatch {
 public:
  // `peak`: a file in which the most bytes seen so far are kept as text, for the server.
  explicit MemoryWatch(int peak) : peak_(peak) {}

  void limit(std::uint64_t bytes) { limit_ = bytes; }
  bool watching() const { return limit_ > 0; }
  // Looks. True: over the limit. Says in `pause_ms` when to look again.
  bool over(int& pause_ms);

 private:
  const int peak_;
  std::uint64_t limit_ = 0, most_ = 0;
};

// Pure parts, tested.
std::uint64_t own_bytes(const std::string& status);   // RssAnon and RssShmem of /proc/<pid>/status
std::uint64_t fair_bytes(const std::string& rollup);  // Pss_Anon and Pss_Shmem of /proc/<pid>/smaps_rollup
int pause_before(std::uint64_t room);                 // ms until so many bytes could be filled

}  // namespace lambari::jail
