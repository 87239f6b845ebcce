#include "base/clock.h"

#include <fmt/format.h>

#include <atomic>
#include <ctime>
#include <mutex>
#include <vector>

namespace lambari::base {

struct Clock::State {
  std::atomic<std::int64_t> offset_ms{0};
  std::mutex mutex;
  std::vector<std::function<void()>> callbacks;

  void tell() {
    std::vector<std::function<void()>> copy;
    {
      std::lock_guard lock(mutex);
      copy = callbacks;
    }
    for (auto& callback : copy) callback();
  }
};

std::shared_ptr<Clock::State> Clock::make() { return std::make_shared<State>(); }

Timestamp Clock::now() const {
  auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  return {wall.count() + state_->offset_ms.load(std::memory_order_relaxed)};
}

void Clock::advance(std::chrono::milliseconds by) {
  state_->offset_ms += by.count();
  state_->tell();
}

void Clock::reset() {
  state_->offset_ms = 0;
  state_->tell();
}

std::chrono::milliseconds Clock::offset() const { return std::chrono::milliseconds(state_->offset_ms.load()); }

void Clock::on_jump(std::function<void()> callback) {
  std::lock_guard lock(state_->mutex);
  state_->callbacks.push_back(std::move(callback));
}

namespace {

std::tm utc(Timestamp t, int& millis) {
  std::int64_t seconds = t.ms / 1000;
  millis = static_cast<int>(t.ms % 1000);
  if (millis < 0) {
    millis += 1000;
    --seconds;
  }
  std::time_t time = seconds;
  std::tm tm{};
  gmtime_r(&time, &tm);
  return tm;
}

// Reads exactly `count` digits at `at`; moves `at` past them.
bool digits(std::string_view text, std::size_t& at, int count, int& out) {
  if (at + count > text.size()) return false;
  out = 0;
  for (int i = 0; i < count; ++i) {
    char c = text[at + i];
    if (c < '0' || c > '9') return false;
    out = out * 10 + (c - '0');
  }
  at += count;
  return true;
}

bool literal(std::string_view text, std::size_t& at, char c) {
  if (at >= text.size() || text[at] != c) return false;
  ++at;
  return true;
}

bool assemble(int year, int month, int day, int hour, int minute, int second, Timestamp& out) {
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return false;
  std::tm tm{};
  tm.tm_year = year - 1900;
  tm.tm_mon = month - 1;
  tm.tm_mday = day;
  tm.tm_hour = hour;
  tm.tm_min = minute;
  tm.tm_sec = second;
  out.ms = static_cast<std::int64_t>(timegm(&tm)) * 1000;
  return true;
}

constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string iso8601(Timestamp t, bool millis) {
  int ms = 0;
  std::tm tm = utc(t, ms);
  auto head = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                          tm.tm_min, tm.tm_sec);
  return millis ? fmt::format("{}.{:03}Z", head, ms) : head + "Z";
}

std::string basic_iso8601(Timestamp t) {
  int ms = 0;
  std::tm tm = utc(t, ms);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                     tm.tm_sec);
}

std::string http_date(Timestamp t) {
  int ms = 0;
  std::tm tm = utc(t, ms);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[tm.tm_wday], tm.tm_mday, kMonths[tm.tm_mon],
                     tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

bool parse_iso8601(std::string_view text, Timestamp& out) {
  std::size_t at = 0;
  int year, month, day, hour = 0, minute = 0, second = 0;
  if (!digits(text, at, 4, year) || !literal(text, at, '-') || !digits(text, at, 2, month) || !literal(text, at, '-') ||
      !digits(text, at, 2, day))
    return false;
  if (at == text.size()) return assemble(year, month, day, 0, 0, 0, out);
  if (!literal(text, at, 'T') && !literal(text, at, 't') && !literal(text, at, ' ')) return false;
  if (!digits(text, at, 2, hour) || !literal(text, at, ':') || !digits(text, at, 2, minute)) return false;
  if (literal(text, at, ':') && !digits(text, at, 2, second)) return false;
  Timestamp result;
  if (!assemble(year, month, day, hour, minute, second, result)) return false;
  if (literal(text, at, '.')) {
    int scale = 100;
    bool any = false;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      result.ms += (text[at] - '0') * scale;
      scale /= 10;
      ++at;
      any = true;
    }
    if (!any) return false;
  }
  if (literal(text, at, 'Z') || literal(text, at, 'z')) {
    out = result;
    return at == text.size();
  }
  int sign = literal(text, at, '+') ? 1 : literal(text, at, '-') ? -1 : 0;
  if (sign != 0) {
    int offset_hour, offset_minute = 0;
    if (!digits(text, at, 2, offset_hour)) return false;
    literal(text, at, ':');
    if (at < text.size() && !digits(text, at, 2, offset_minute)) return false;
    result.ms -= sign * (offset_hour * 60 + offset_minute) * 60'000LL;
  }
  out = result;
  return at == text.size();
}

bool parse_http_date(std::string_view text, Timestamp& out) {
  auto comma = text.find(", ");
  if (comma == std::string_view::npos) return false;
  std::size_t at = comma + 2;
  int day, year, hour, minute, second, month = 0;
  if (!digits(text, at, 2, day) || !literal(text, at, ' ') || at + 3 > text.size()) return false;
  for (int i = 0; i < 12; ++i)
    if (text.substr(at, 3) == kMonths[i]) month = i + 1;
  at += 3;
  if (!literal(text, at, ' ') || !digits(text, at, 4, year) || !literal(text, at, ' ') || !digits(text, at, 2, hour) ||
      !literal(text, at, ':') || !digits(text, at, 2, minute) || !literal(text, at, ':') || !digits(text, at, 2, second))
    return false;
  return assemble(year, month, day, hour, minute, second, out);
}

bool parse_basic_iso8601(std::string_view text, Timestamp& out) {
  std::size_t at = 0;
  int year, month, day, hour, minute, second;
  if (!digits(text, at, 4, year) || !digits(text, at, 2, month) || !digits(text, at, 2, day) || !literal(text, at, 'T') ||
      !digits(text, at, 2, hour) || !digits(text, at, 2, minute) || !digits(text, at, 2, second) || !literal(text, at, 'Z'))
    return false;
  return at == text.size() && assemble(year, month, day, hour, minute, second, out);
}

}  // namespace lambari::base
