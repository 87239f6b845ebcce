// A compiled event pattern: branches of fields. Private to the event patterns.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lang/event_condition.h"
#include "lang/event_fields.h"

namespace lambari::lang::event {

// Sorted, no two equal. The branches that $or makes share them.
using Conditions = std::shared_ptr<const std::vector<Condition>>;

struct Field {
  std::string path;       // names joined by dots
  Conditions conditions;  // any of them
};

// All fields must match; sorted by path, no path twice.
using Branch = std::vector<Field>;

struct Program {
  Paths paths;
  std::vector<std::vector<PathId>> ids;  // of the fields of each branch
  std::vector<Branch> branches;          // any of them
};

}  // namespace lambari::lang::event
