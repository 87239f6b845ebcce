// What was taken out of a line, or given out by it, while a commit is under way: it goes back however that ends.
#pragma once

#include <memory>
#include <vector>

#include "services/sqs/line.h"

namespace lambari::sqs {

// Messages that nobody else gets meanwhile. Unless `settled`, they are given back.
struct Hands {
  Hands(std::shared_ptr<Line> from, std::vector<Line::Taken> taken) : line(std::move(from)), taken(std::move(taken)) {}
  Hands(const Hands&) = delete;
  ~Hands() {
    if (settled) return;
    for (auto at = taken.rbegin(); at != taken.rend(); ++at) line->give_back(*at);
  }

  std::shared_ptr<Line> line;
  std::vector<Line::Taken> taken;
  bool settled = false;
};

// Sequence numbers for messages that are being sent; `sent` are those whose commit is done.
struct Numbers {
  Numbers(std::shared_ptr<Line> to, std::size_t count, std::int64_t now)
      : line(std::move(to)), count(count), now(now), first(line->begin_sends(count, now)) {}
  Numbers(const Numbers&) = delete;
  ~Numbers() { line->finish_sends(first, count, std::move(sent), now); }

  std::shared_ptr<Line> line;
  const std::size_t count;
  const std::int64_t now;
  const std::uint64_t first;
  std::vector<Line::Sent> sent;
};

}  // namespace lambari::sqs
