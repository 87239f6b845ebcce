#include "sandbox/jail/memory_watch.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>

namespace lambari::jail {
namespace {

// "RssAnon:\t  12 kB"
std::uint64_t kilobytes(std::string_view text, std::string_view name) {
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ':') continue;
    const auto digit = line.find_first_of("0123456789");
    std::uint64_t value = 0;
    if (digit != line.npos) std::from_chars(line.data() + digit, line.data() + line.size(), value);
    return value << 10;
  }
  return 0;
}

std::uint64_t sum_over_processes(const std::function<std::uint64_t(const std::string& folder)>& count) {
  std::uint64_t sum = 0;
  DIR* folder = opendir("/proc");
  if (!folder) return 0;
  while (auto* entry = readdir(folder))
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') sum += count(std::string("/proc/") + entry->d_name);
  closedir(folder);
  return sum;
}

}  // namespace

std::uint64_t own_bytes(const std::string& status) { return kilobytes(status, "RssAnon") + kilobytes(status, "RssShmem"); }

std::uint64_t fair_bytes(const std::string& rollup) { return kilobytes(rollup, "Pss_Anon") + kilobytes(rollup, "Pss_Shmem"); }

int pause_before(std::uint64_t room) {
  constexpr std::uint64_t kFastest = 2 << 20;  // bytes that a processor fills in a millisecond
  return static_cast<int>(std::clamp<std::uint64_t>(room / kFastest, 5, 250));
}

bool MemoryWatch::over(int& pause_ms) {
  auto bytes = sum_over_processes([](const std::string& process) { return own_bytes(read_file(process + "/status")); });
  if (bytes > limit_) {
    // What forks share was counted for each. This count is dear, so it comes second.
    bytes = sum_over_processes([](const std::string& process) {
      const auto rollup = read_file(process + "/smaps_rollup");
      return rollup.empty() ? own_bytes(read_file(process + "/status")) : fair_bytes(rollup);
    });
  }
  if (bytes > most_) {
    most_ = bytes;
    const auto text = std::to_string(bytes);
    (void)!pwrite(peak_, text.data(), text.size(), 0);
  }
  pause_ms = pause_before(bytes < limit_ ? limit_ - bytes : 0);
  return bytes > limit_;
}

}  // namespace lambari::jail
