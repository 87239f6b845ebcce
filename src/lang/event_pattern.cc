#include "lang/event_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <span>

#include "base/text.h"
#include "lang/event_program.h"

namespace lambari::lang {
namespace {

namespace json = base::json;
using event::Branch;
using event::Condition;
using event::Field;
using event::Glob;
using Kind = Condition::Kind;

constexpr std::size_t kMaxBranches = 1000;
constexpr std::size_t kMaxGlobComplexity = 8;
constexpr double kMaxNumber = 5e9;

[[noreturn]] void fail(std::string message) { throw EventPatternError(std::move(message)); }

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

const json::string& text_of(const json::value& value, const char* otherwise) {
  if (!value.is_string()) fail(otherwise);
  return value.get_string();
}

// {"name": value} and nothing beside it.
std::pair<std::string_view, const json::value&> single(const json::object& object, const char* otherwise) {
  if (object.empty()) fail(otherwise);
  if (object.size() > 1) fail("Only one key allowed in match expression");
  return {object.begin()->key(), object.begin()->value()};
}

double number_of(const json::value& value, std::string_view op) {
  if (!value.is_number()) fail(fmt::format("Value of {} must be numeric", op == "=" ? "equals" : op));
  const double number = event::scalar_of(value)->number;
  if (number < -kMaxNumber || number > kMaxNumber) fail("Value must be between -5.0E9 and 5.0E9, inclusive");
  return number;
}

std::string printed(const json::value& value) {
  return value.is_string() ? std::string(view(value.get_string())) : base::to_json(value);
}

Condition numeric(const json::value& value) {
  if (!value.is_array()) fail("Value of numeric must be an array.");
  const auto& terms = value.get_array();
  if (terms.empty()) fail("Invalid member in numeric match: ]");
  if (!terms[0].is_string()) fail("Invalid member in numeric match: " + printed(terms[0]));
  const auto op = view(terms[0].get_string());
  if (op != "=" && op != "<" && op != "<=" && op != ">" && op != ">=")
    fail(fmt::format("Unrecognized numeric range operator: {}", op));
  if (terms.size() < 2) fail(fmt::format("Value of {} must be numeric", op == "=" ? "equals" : op));
  const double first = number_of(terms[1], op);
  Condition condition{
      .kind = Kind::range, .low = -std::numeric_limits<double>::infinity(), .high = std::numeric_limits<double>::infinity()};
  if (op == "=") {
    condition.low = condition.high = first;
  } else if (op[0] == '<') {
    condition.high = first;
    condition.high_open = op == "<";
  } else {
    condition.low = first;
    condition.low_open = op == ">";
  }
  if (terms.size() == 2) return condition;
  if (op[0] != '>') fail("Too many elements in numeric expression");
  if (!terms[2].is_string()) fail("Bad value in numeric range: " + printed(terms[2]));
  const auto second = view(terms[2].get_string());
  if (second != "<" && second != "<=") fail(fmt::format("Bad numeric range operator: {}", second));
  if (terms.size() < 4) fail(fmt::format("Value of {} must be numeric", second));
  condition.high = number_of(terms[3], second);
  condition.high_open = second == "<";
  if (terms.size() > 4) fail("Too many terms in numeric range expression");
  if (condition.low >= condition.high) fail("Bottom must be less than top");
  return condition;
}

// How many of the pattern's positions one text can keep alive at once, as the rule's complexity is judged: the text is the
// pattern itself without its stars.
std::size_t complexity(const Glob& glob) {
  std::string text;
  std::size_t most = 0;
  for (std::size_t end = 0; end < glob.pieces.size(); ++end) {
    text += glob.pieces[end];
    std::size_t alive = 0;
    Glob part;
    for (std::size_t piece = 0; piece < glob.pieces.size() && piece <= end + 1; ++piece) {
      part.pieces.emplace_back();
      if (piece > 0 && part.matches(text)) ++alive;  // after the star
      if (piece == 0) continue;
      const auto& literal = glob.pieces[piece];
      for (const char c : literal) {
        part.pieces.back() += c;
        if (part.matches(text)) ++alive;
      }
    }
    most = std::max(most, alive);
  }
  return most;
}

Glob glob_of(const json::value& value, const char* otherwise) {
  const auto pattern = view(text_of(value, otherwise));
  auto glob = Glob::parse(pattern);
  if (!glob) {
    const auto stars = pattern.find("**");
    if (stars != pattern.npos && (stars == 0 || pattern[stars - 1] != '\\'))
      fail(fmt::format("Consecutive wildcard characters at pos {}", stars));
    fail("Invalid escape character in wildcard pattern");
  }
  if (pattern.size() > 4096 || glob->pieces.size() > 64 || (glob->pieces.size() > 1 && complexity(*glob) > kMaxGlobComplexity))
    fail(
        "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard "
        "character");
  return *std::move(glob);
}

// `value` and each element of a list, so that "x" and ["x"] are read alike.
std::span<const json::value> each(const json::value& value) {
  if (!value.is_array()) return {&value, 1};
  return {value.get_array().data(), value.get_array().size()};
}

Condition anything_but(const json::value& value) {
  Condition condition{.kind = Kind::none_of};
  if (value.is_object()) {
    auto [op, operand] = single(value.get_object(), "Anything-But expression name not found");
    const bool folded = op == "equals-ignore-case";
    if (op == "prefix")
      condition.kind = Kind::no_prefix;
    else if (op == "suffix")
      condition.kind = Kind::no_suffix;
    else if (folded)
      condition.kind = Kind::no_fold_equal;
    else if (op == "wildcard")
      condition.kind = Kind::no_glob;
    else
      fail(fmt::format("Unsupported anything-but pattern: {}", op));
    if (each(operand).empty()) fail("Empty arrays are not allowed");
    for (const auto& one : each(operand)) {
      if (condition.kind == Kind::no_glob) {
        condition.globs.push_back(glob_of(one, "wildcard match pattern must be a string"));
        continue;
      }
      const auto text =
          view(text_of(one, folded ? "Inside anything-but/ignore-case list, number|start|null|boolean is not supported."
                                   : "prefix/suffix match pattern must be a string"));
      if (text.empty() && !folded) fail("Null prefix/suffix not allowed");
      condition.texts.push_back(folded ? event::fold_case(text) : std::string(text));
    }
    std::sort(condition.globs.begin(), condition.globs.end());
  } else {
    if (!value.is_array() && !value.is_string() && !value.is_number())
      fail("Value of anything-but must be an array or single string/number value.");
    bool numbers = false, texts = false;
    for (const auto& one : each(value)) {
      if (!one.is_string() && !one.is_number()) fail("Inside anything but list, start|null|boolean is not supported.");
      (one.is_string() ? texts : numbers) = true;
      if (one.is_number()) number_of(one, "anything-but");
      condition.texts.push_back(exact_key(*event::scalar_of(one)));
    }
    if (numbers == texts) fail("Inside anything but list, either all values are number or string, mixed type is not supported");
  }
  std::sort(condition.texts.begin(), condition.texts.end());
  return condition;
}

Condition cidr(const json::value& value) {
  const auto text = view(text_of(value, "prefix match pattern must be a string"));
  const auto slash = text.find('/');
  if (slash == text.npos || text.find('/', slash + 1) != text.npos) fail("Malformed CIDR, one '/' required");
  const auto bits = base::parse_int(text.substr(slash + 1));
  if (!bits) fail("Malformed CIDR, mask bits must be an integer");
  const auto address = event::address_bytes(text.substr(0, slash));
  if (!address) fail(fmt::format("Nonstandard IP address: {}", text.substr(0, slash)));
  if (*bits < 0) fail("Malformed CIDR, mask bits must not be negative");
  if (static_cast<std::size_t>(*bits) > address->size() * 8)
    fail(address->size() == 4 ? "IPv4 mask bits must be < 32" : "IPv6 mask bits must be < 128");
  return {.kind = Kind::cidr, .text = *address, .bits = static_cast<unsigned>(*bits)};
}

// prefix and suffix: a text, or {"equals-ignore-case": text}.
Condition affix(std::string_view op, const json::value& value) {
  const bool prefix = op == "prefix";
  const char* message = prefix ? "prefix match pattern must be a string" : "suffix match pattern must be a string";
  if (!value.is_object())
    return {.kind = prefix ? Kind::prefix : Kind::suffix, .text = std::string(view(text_of(value, message)))};
  auto [inner, text] = single(value.get_object(), message);
  if (inner != "equals-ignore-case") fail(fmt::format("Unsupported {} pattern: {}", op, inner));
  return {.kind = prefix ? Kind::fold_prefix : Kind::fold_suffix,
          .text = event::fold_case(view(text_of(text, "equals-ignore-case match pattern must be a string")))};
}

Condition expression(const json::object& object) {
  auto [op, value] = single(object, "Match expression name not found");
  if (op == "prefix" || op == "suffix") return affix(op, value);
  if (op == "anything-but") return anything_but(value);
  if (op == "numeric") return numeric(value);
  if (op == "cidr") return cidr(value);
  if (op == "exactly") {
    text_of(value, "exact match pattern must be a string");
    return {.kind = Kind::exact, .text = exact_key(*event::scalar_of(value))};
  }
  if (op == "equals-ignore-case")
    return {.kind = Kind::fold_equal,
            .text = event::fold_case(view(text_of(value, "equals-ignore-case match pattern must be a string")))};
  if (op == "wildcard") return {.kind = Kind::glob, .globs = {glob_of(value, "wildcard match pattern must be a string")}};
  if (op == "exists") {
    if (!value.is_bool()) fail("exists match pattern must be either true or false.");
    return {.kind = value.get_bool() ? Kind::exists : Kind::absent};
  }
  fail(fmt::format("Unrecognized match type {}", op));
}

event::Conditions conditions(const json::array& values) {
  if (values.empty()) fail("Empty arrays are not allowed");
  std::vector<Condition> all;
  for (const auto& value : values) {
    if (value.is_object()) {
      all.push_back(expression(value.get_object()));
    } else {
      const auto scalar = event::scalar_of(value);
      if (!scalar) fail("Match value must be String, number, true, false, or null");
      all.push_back({.kind = Kind::exact, .text = exact_key(*scalar)});
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return std::make_shared<const std::vector<Condition>>(std::move(all));
}

constexpr std::string_view kReserved[] = {"exactly", "prefix", "suffix",   "anything-but",      "numeric",
                                          "exists",  "cidr",   "wildcard", "equals-ignore-case"};

// "$or" is the operator when it holds two objects or more; else it is a name like others.
bool is_or(std::string_view name, const json::value& value) {
  if (name != "$or" || !value.is_array() || value.get_array().size() < 2) return false;
  return std::all_of(value.get_array().begin(), value.get_array().end(), [](const json::value& v) {
    return v.is_object() && !v.get_object().empty() &&
           std::none_of(v.get_object().begin(), v.get_object().end(), [](const auto& member) {
             return std::find(std::begin(kReserved), std::end(kReserved), std::string_view(member.key())) != std::end(kReserved);
           });
  });
}

using Draft = std::vector<std::pair<std::string, event::Conditions>>;

void read_object(const json::object& object, const std::string& path, std::vector<Draft>& drafts, std::size_t depth) {
  if (object.empty()) fail("Empty objects are not allowed");
  if (depth > 64) fail("Rule is too deeply nested");
  for (const auto& member : object) {
    const std::string_view name = member.key();
    const auto& value = member.value();
    if (is_or(name, value)) {
      std::vector<Draft> all;
      for (const auto& choice : value.get_array()) {
        auto some = drafts;
        read_object(choice.get_object(), path, some, depth + 1);
        if (all.size() + some.size() > kMaxBranches) fail("Rule is too complex - try using fewer OR conditions");
        std::move(some.begin(), some.end(), std::back_inserter(all));
      }
      drafts = std::move(all);
      continue;
    }
    std::string inner = path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
    if (value.is_object()) {
      read_object(value.get_object(), inner, drafts, depth + 1);
    } else if (value.is_array()) {
      const auto read = conditions(value.get_array());
      for (auto& draft : drafts) {
        auto same = std::find_if(draft.begin(), draft.end(), [&](const auto& field) { return field.first == inner; });
        if (same == draft.end())
          draft.emplace_back(inner, read);
        else
          same->second = read;
      }
    } else {
      fail(fmt::format("\"{}\" must be an object or an array", name));
    }
  }
}

// Of one branch, without the automaton: a single pattern is tried directly.
class Trial {
 public:
  Trial(const Branch& branch, const std::vector<event::PathId>& ids, const event::Values& values)
      : branch_(branch), ids_(ids), values_(values) {}

  bool from(std::size_t field, const event::Place& place) {
    if (field == branch_.size()) return true;
    if (!values_.plain() && !tried_.emplace(field, place).second) return false;
    auto [first, last] = values_.at(ids_[field]);
    const auto& any = *branch_[field].conditions;
    if (first == last)
      return std::any_of(any.begin(), any.end(), [](const Condition& c) { return c.kind == Kind::absent; }) &&
             from(field + 1, place);
    for (; first != last && looks_ > 0; ++first) {
      --looks_;
      event::Place both;
      if (!event::merge(place, first->place, both)) continue;
      if (std::any_of(any.begin(), any.end(), [&](const Condition& c) { return c.matches(first->scalar); }) &&
          from(field + 1, both))
        return true;
    }
    return false;
  }

 private:
  const Branch& branch_;
  const std::vector<event::PathId>& ids_;
  const event::Values& values_;
  std::set<std::pair<std::size_t, event::Place>> tried_;
  std::size_t looks_ = 300'000;  // arrays of objects can multiply the ways
};

}  // namespace

EventPattern EventPattern::parse(std::string_view text) {
  auto pattern = base::parse_json(text);
  if (!pattern) fail("Invalid JSON");
  return compile(*pattern);
}

EventPattern EventPattern::compile(const json::value& pattern) {
  if (!pattern.is_object()) fail("Filter is not an object");
  std::vector<Draft> drafts(1);
  read_object(pattern.get_object(), {}, drafts, 0);
  auto program = std::make_shared<event::Program>();
  for (auto& draft : drafts) {
    std::sort(draft.begin(), draft.end());
    auto& branch = program->branches.emplace_back();
    auto& ids = program->ids.emplace_back();
    for (auto& [path, any] : draft) {
      ids.push_back(program->paths.add(path));
      branch.push_back({std::move(path), std::move(any)});
    }
  }
  return EventPattern(std::move(program));
}

bool EventPattern::matches(const json::value& event) const {
  if (!event.is_object()) return false;
  const event::Values values(event, program_->paths);
  for (std::size_t i = 0; i < program_->branches.size(); ++i)
    if (Trial(program_->branches[i], program_->ids[i], values).from(0, {})) return true;
  return false;
}

}  // namespace lambari::lang
