// From a value to the edges whose conditions it meets, at one step of the automaton. Private to the event patterns.
// Every condition that can be is a key of one hash table: a text itself, a prefix by its length, a network by its first bits, a
// numeric range as the aligned ranges of the ordered bits of doubles that make it up. What cannot be is tried one by one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "lang/event_condition.h"
#include "lang/event_fields.h"

namespace lambari::lang::event {

struct Edge;

class Index {
 public:
  // `condition` stays where it is until it is removed.
  void add(const Condition& condition, Edge* edge);
  void remove(const Condition& condition, Edge* edge);

  // Adds to `out`; an edge may come more than once.
  void find(const Scalar& value, std::vector<Edge*>& out) const;

 private:
  struct Entry {
    Edge* edge;
    const Condition* verify;  // when the key is only part of it
  };
  struct Range {
    const Condition* condition;
    Edge* edge;
  };

  std::vector<std::string> keys(const Condition& condition) const;
  void post(const std::string& key, Entry entry);
  void drop(const std::string& key, const Edge* edge, const Condition& condition);
  void count(const std::string& key, int by);
  void look(std::string_view key, const Scalar& value, std::vector<Edge*>& out) const;

  std::unordered_map<std::string, std::vector<Entry>, TextHash, std::equal_to<>> entries_;
  // By the key's kind (its first byte): how many keys have which length, so that only those are looked for.
  std::map<char, std::map<std::uint32_t, std::uint32_t>> lengths_;
  std::vector<Range> scanned_;  // tried one by one
  std::vector<Range> ranges_;   // numeric, while they are few
  bool many_ranges_ = false;
};

}  // namespace lambari::lang::event
