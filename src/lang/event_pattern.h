// Event patterns: which JSON events match. EventBridge rules, Lambda's event source mappings and (with limits of its own, see
// filter_policy.h) SNS subscriptions use them.
//   https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
//   https://github.com/aws/event-ruler describes the semantics: a field of the pattern matches when any of its conditions
//   matches any value at that path of the event; an array stands for its elements; fields below elements of one array must
//   match within the same element; paths are joined by dots, so {"a.b": 1} and {"a": {"b": 1}} are the same field.
//   Conditions: "text", 1, true, null, prefix, suffix (each also {"equals-ignore-case"}), equals-ignore-case, wildcard,
//   anything-but (value, list, prefix, suffix, equals-ignore-case, wildcard, lists of those), numeric, cidr, exists; $or.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace lambari::lang {

// what() is AWS's reason: EventBridge says "Event pattern is not valid. Reason: " before it.
struct EventPatternError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

namespace event {
struct Program;
}

// One pattern, compiled. Immutable; copies share. Thread-safe.
class EventPattern {
 public:
  // Throws EventPatternError. The caller bounds the length; nesting is bounded here (64), so are the branches that $or
  // multiplies to (1000).
  static EventPattern parse(std::string_view text);
  static EventPattern compile(const base::json::value& pattern);

  // Of a name that a pattern holds twice the last one counts. An event that is not an object matches nothing.
  bool matches(const base::json::value& event) const;

 private:
  friend class EventPatternSet;
  explicit EventPattern(std::shared_ptr<const event::Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const event::Program> program_;
};

// Many patterns in one automaton: matching an event costs what its own fields and the matches cost, hardly what the number of
// patterns costs. Not thread-safe, but match() may run in many threads at once while nobody changes the set.
class EventPatternSet {
 public:
  using Id = std::uint64_t;  // the caller's

  EventPatternSet();
  ~EventPatternSet();
  EventPatternSet(EventPatternSet&&) noexcept;
  EventPatternSet& operator=(EventPatternSet&&) noexcept;

  // Replaces the pattern that `id` had.
  void add(Id id, const EventPattern& pattern);
  // False when there is none.
  bool remove(Id id);
  std::size_t size() const;

  // The ids whose patterns match, ascending.
  std::vector<Id> match(const base::json::value& event) const;

 private:
  struct Automaton;
  std::unique_ptr<Automaton> automaton_;
};

}  // namespace lambari::lang
