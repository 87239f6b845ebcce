#include "wire/patterns.h"

#include <re2/re2.h>

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace lambari::wire {
namespace {

// Compiled patterns of all models. They are a function of their text alone, and as many as the models have.
class Compiled {
 public:
  const re2::RE2& get(std::string_view pattern) {
    {
      std::shared_lock lock(mutex_);
      if (auto found = all_.find(pattern); found != all_.end()) return *found->second->regex;
    }
    auto entry = std::make_unique<Entry>();
    entry->text = pattern;
    RE2::Options options;
    options.set_log_errors(false);
    entry->regex = std::make_unique<re2::RE2>(re2_syntax(pattern), options);
    std::unique_lock lock(mutex_);
    std::string_view key = entry->text;
    return *all_.try_emplace(key, std::move(entry)).first->second->regex;
  }

 private:
  struct Entry {
    std::string text;
    std::unique_ptr<re2::RE2> regex;
  };
  std::shared_mutex mutex_;
  std::unordered_map<std::string_view, std::unique_ptr<Entry>> all_;
};

const re2::RE2& compiled(std::string_view pattern) {
  static Compiled cache;
  return cache.get(pattern);
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

}  // namespace

std::string re2_syntax(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 5 < pattern.size() && pattern[i + 1] == 'u' && is_hex(pattern[i + 2]) &&
        is_hex(pattern[i + 3]) && is_hex(pattern[i + 4]) && is_hex(pattern[i + 5])) {
      ((out += "\\x{") += pattern.substr(i + 2, 4)) += '}';
      i += 5;
    } else if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      out += pattern[i];
      out += pattern[++i];
    } else if (pattern[i] == '{' && i + 1 < pattern.size() && pattern[i + 1] >= '0' && pattern[i + 1] <= '9') {
      // RE2 repeats at most 1000 times. The shape's own length limits what a longer count would: leave the upper end open.
      auto end = pattern.find('}', i);
      auto inside = pattern.substr(i + 1, end == std::string_view::npos ? 0 : end - i - 1);
      auto comma = inside.find(',');
      auto upper = comma == std::string_view::npos ? std::string_view() : inside.substr(comma + 1);
      if (comma != std::string_view::npos && comma < 4 && upper.size() >= 4) {
        ((out += '{') += inside.substr(0, comma)) += ",}";
        i = end;
      } else {
        out += pattern[i];
      }
    } else {
      out += pattern[i];
    }
  }
  return out;
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
  const auto& regex = compiled(pattern);
  return !regex.ok() || re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), regex);
}

bool pattern_is_enforced(std::string_view pattern) { return compiled(pattern).ok(); }

}  // namespace lambari::wire
