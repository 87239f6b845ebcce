#include "services/lambda/host.h"

#include <charconv>
#include <fstream>
#include <string>

#include "base/text.h"

namespace lambari::lambda {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookEvery{100};
constexpr std::chrono::seconds kStale{2};     // an average over more than this says nothing about now
constexpr std::uint64_t kIdlePartOfBusy = 8;  // busy: less than an eighth of the time was idle

}  // namespace

Memory host_memory() {
  Memory memory;
  std::ifstream in("/proc/meminfo");
  for (std::string name; in >> name;) {
    std::uint64_t kb = 0;
    std::string unit;
    in >> kb;
    std::getline(in, unit);
    if (name == "MemTotal:") memory.total_mb = kb / 1024;
    if (name == "MemAvailable:") {
      memory.available_mb = kb / 1024;
      break;
    }
  }
  return memory;
}

// "cpu  user nice system idle iowait irq softirq steal guest guest_nice"; guests are counted among users.
Processors::Ticks Processors::parse(std::string_view line) {
  Ticks ticks;
  int column = 0;
  for (auto word : base::split(line.substr(0, line.find('\n')), ' ')) {
    std::uint64_t value = 0;
    if (std::from_chars(word.data(), word.data() + word.size(), value).ec != std::errc{}) continue;
    if (column == 3 || column == 4) ticks.idle += value;
    if (column < 8) ticks.all += value;
    ++column;
  }
  return ticks;
}

bool Processors::busy() {
  const auto now = Steady::now();
  if (now - looked_ < kLookEvery) return busy_;
  std::string line;
  std::getline(std::ifstream("/proc/stat"), line);
  const auto ticks = parse(line);
  const auto all = ticks.all - ticks_.all, idle = ticks.idle - ticks_.idle;
  busy_ = now - looked_ < kStale && all > 0 && idle < all / kIdlePartOfBusy;
  ticks_ = ticks;
  looked_ = now;
  return busy_;
}

}  // namespace lambari::lambda
