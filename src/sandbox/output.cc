#include "sandbox/output.h"

#include <algorithm>

namespace lambari::sandbox {
namespace {

constexpr std::size_t kHead = 16;
constexpr char kMark = '\xa5';
constexpr std::string_view kMagic("\xa5\x5a\x00", 3);
constexpr std::size_t kMaxFrame = 16 * 1024 * 1024;

}  // namespace

void Lines::put(std::string line, const Sink& sink) {
  while (line.size() > kMaxLine) {
    // Not inside a character.
    std::size_t end = kMaxLine;
    while (end > kMaxLine - 4 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
    sink(line.substr(0, end));
    line.erase(0, end);
  }
  sink(std::move(line));
}

void Lines::text(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    auto end = bytes.find('\n');
    if (end == std::string_view::npos) {
      line_.append(bytes);
      while (line_.size() > kMaxLine) {
        std::size_t cut = kMaxLine;
        while (cut > kMaxLine - 4 && (static_cast<unsigned char>(line_[cut]) & 0xc0) == 0x80) --cut;
        sink(line_.substr(0, cut));
        line_.erase(0, cut);
      }
      return;
    }
    line_.append(bytes.substr(0, end));
    bytes.remove_prefix(end + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    put(std::exchange(line_, {}), sink);
  }
}

void Lines::feed(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::text: {
        auto mark = bytes.find(kMark);
        // A mark inside a character of text is no mark: the byte before it is not ASCII then.
        while (mark != std::string_view::npos) {
          unsigned char before = mark > 0 ? static_cast<unsigned char>(bytes[mark - 1])
                                          : (line_.empty() ? '\n' : static_cast<unsigned char>(line_.back()));
          if (before < 0x80) break;
          mark = bytes.find(kMark, mark + 1);
        }
        text(bytes.substr(0, mark), sink);
        if (mark == std::string_view::npos) return;
        bytes.remove_prefix(mark);
        state_ = State::head;
        break;
      }
      case State::head: {
        auto take = std::min(kHead - part_.size(), bytes.size());
        part_.append(bytes.substr(0, take));
        bytes.remove_prefix(take);
        auto known = std::min(part_.size(), kMagic.size());
        auto number = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(part_[at])); };
        wanted_ = part_.size() < kHead ? 0 : number(4) << 24 | number(5) << 16 | number(6) << 8 | number(7);
        if (part_.substr(0, known) != kMagic.substr(0, known) || wanted_ > kMaxFrame) {
          // Only text after all.
          text(std::exchange(part_, {}), sink);
          state_ = State::text;
        } else if (part_.size() == kHead) {
          part_.clear();
          state_ = State::frame;
          if (wanted_ == 0) state_ = State::text;
        }
        break;
      }
      case State::frame: {
        auto take = std::min(wanted_ - part_.size(), bytes.size());
        part_.append(bytes.substr(0, take));
        bytes.remove_prefix(take);
        if (part_.size() < wanted_) break;
        if (!line_.empty()) put(std::exchange(line_, {}), sink);
        while (!part_.empty() && (part_.back() == '\n' || part_.back() == '\r')) part_.pop_back();
        put(std::exchange(part_, {}), sink);
        state_ = State::text;
        break;
      }
    }
  }
}

void Lines::flush(const Sink& sink) {
  if (state_ == State::text && !line_.empty()) put(std::exchange(line_, {}), sink);
}

}  // namespace lambari::sandbox
