#include "wire/validate.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/codec.h"
#include "wire/fault_names.h"
#include "wire/patterns.h"
#include "wire/reading.h"
#include "wire/scalar.h"

namespace lambari::wire {
namespace {

constexpr std::size_t kMaxShown = 1024;  // of a value, in a message
constexpr std::string_view kIamName = "[\\w+=,.@-]+";

std::int64_t code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

// A value as AWS prints it in a message.
std::string shown(const Member& member, const void* value);

std::string shown_list(const Shape& shape, const void* value) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.count(value) && out.size() < kMaxShown; ++i) {
    if (i) out += ", ";
    out += shown(*shape.element, shape.at(value, i));
  }
  return out += ']';
}

std::string shown_map(const Shape& shape, const void* value) {
  std::pair<std::string, const Member*> context{"{", shape.element};
  shape.for_each(value, &context, [](void* c, const std::string& key, const void* item) {
    auto& [out, element] = *static_cast<std::pair<std::string, const Member*>*>(c);
    if (out.size() > kMaxShown) return;
    if (out.size() > 1) out += ", ";
    (out += key) += '=';
    out += shown(*element, item);
  });
  return context.first + "}";
}

std::string shown_structure(const Shape& shape, const void* value) {
  std::string out(shape.name);
  out += '(';
  for (const auto& member : shape.members) {
    const void* item = member.read(value, member);
    if (!item || out.size() > kMaxShown) continue;
    if (out.back() != '(') out += ", ";
    (out += Path{nullptr, member.name}.text()) += '=';
    out += shown(member, item);
  }
  return out += ')';
}

std::string shown(const Member& member, const void* value) {
  const Shape& shape = *member.shape();
  if (shape.sensitive) return "***";
  std::string out;
  switch (shape.kind) {
    case Kind::list: return shown_list(shape, value);
    case Kind::map: return shown_map(shape, value);
    case Kind::structure: return shown_structure(shape, value);
    case Kind::blob: return "java.nio.HeapByteBuffer";  // what AWS prints; the bytes help nobody
    default: append_scalar(out, member, value, TimeFormat::iso8601); return out;
  }
}

std::string joined(std::span<const std::string_view> values) {
  std::string out = "[";
  for (const auto& value : values) {
    if (out.size() > 1) out += ", ";
    out += value;
  }
  return out += ']';
}

class Checker {
 public:
  explicit Checker(const std::vector<std::string>& missing) : missing_(missing) {}

  void structure(const Shape& shape, const void* value, const Path& at, int depth) {
    if (depth > kMaxDepth || found_.size() >= kMaxReported) return;
    for (const auto& member : shape.members) {
      Path here{&at, member.name};
      if (member.required && !missing_.empty() && is_missing(here)) {
        found_.push_back(fmt::format("Value null at '{}' failed to satisfy constraint: Member must not be null", here.text()));
        continue;
      }
      if (const void* item = member.read(value, member)) visit(member, item, here, depth);
    }
  }

  std::vector<std::string>& found() { return found_; }
  // The first member that is not one of IAM's names: IAM has its own words for that.
  const std::string& bad_name() const { return bad_name_; }

 private:
  bool is_missing(const Path& at) const { return std::find(missing_.begin(), missing_.end(), at.text()) != missing_.end(); }

  void visit(const Member& member, const void* value, const Path& at, int depth) {
    const Shape& shape = *member.shape();
    if (std::string broken = broken_constraint(shape, value); !broken.empty()) {
      if (bad_name_.empty() && shape.pattern == kIamName && broken.ends_with(kIamName)) bad_name_ = at.text();
      report(member, value, at, broken);
    }
    switch (shape.kind) {
      case Kind::structure: return structure(shape, value, at, depth + 1);
      case Kind::list: return list(member, value, at, depth);
      case Kind::map: return map(member, value, at, depth);
      default: return;
    }
  }

  // The constraint's words, or nothing when it holds.
  static std::string broken_constraint(const Shape& shape, const void* value) {
    switch (shape.kind) {
      case Kind::string: return broken_text(shape, *static_cast<const std::string*>(value));
      case Kind::blob: return broken_length(shape, static_cast<std::int64_t>(static_cast<const std::string*>(value)->size()));
      case Kind::list:
      case Kind::map:
        return shape.min || shape.max ? broken_length(shape, static_cast<std::int64_t>(shape.count(value))) : std::string();
      case Kind::integer: return broken_range(shape, *static_cast<const std::int32_t*>(value));
      case Kind::long_: return broken_range(shape, *static_cast<const std::int64_t*>(value));
      case Kind::float_:
      case Kind::double_: return broken_range(shape, *static_cast<const double*>(value));
      default: return {};
    }
  }

  static std::string broken_length(const Shape& shape, std::int64_t length) {
    if (shape.min && length < *shape.min) return fmt::format("Member must have length greater than or equal to {}", *shape.min);
    if (shape.max && length > *shape.max) return fmt::format("Member must have length less than or equal to {}", *shape.max);
    return {};
  }

  template <class T>
  static std::string broken_range(const Shape& shape, T value) {
    if (shape.min && value < static_cast<T>(*shape.min))
      return fmt::format("Member must have value greater than or equal to {}", *shape.min);
    if (shape.max && value > static_cast<T>(*shape.max))
      return fmt::format("Member must have value less than or equal to {}", *shape.max);
    return {};
  }

  static std::string broken_text(const Shape& shape, const std::string& text) {
    if (!shape.enum_values.empty() &&
        std::find(shape.enum_values.begin(), shape.enum_values.end(), text) == shape.enum_values.end())
      return "Member must satisfy enum value set: " + joined(shape.enum_values);
    if (shape.min || shape.max)
      if (std::string broken = broken_length(shape, code_points(text)); !broken.empty()) return broken;
    if (!shape.pattern.empty() && !matches_pattern(shape.pattern, text))
      return fmt::format("Member must satisfy regular expression pattern: {}", shape.pattern);
    return {};
  }

  static bool scalar(const Shape& shape) {
    return shape.kind != Kind::structure && shape.kind != Kind::list && shape.kind != Kind::map;
  }

  // Elements that are scalars are reported at the list, once; others at their own path.
  void list(const Member& member, const void* value, const Path& at, int depth) {
    const Shape& shape = *member.shape();
    const Shape& element = *shape.element->shape();
    for (std::size_t i = 0; i < shape.count(value); ++i) {
      const void* item = shape.at(value, i);
      if (!scalar(element)) {
        visit(*shape.element, item, Path{&at, {}, i + 1}, depth + 1);
      } else if (std::string broken = broken_constraint(element, item); !broken.empty()) {
        return report(member, value, at, fmt::format("Member must satisfy constraint: [{}]", broken));
      }
    }
  }

  struct MapWalk {
    Checker& checker;
    const Member& member;
    const void* map;
    const Path& at;
    int depth;
    bool bad_key = false, bad_value = false;
  };

  void map(const Member& member, const void* value, const Path& at, int depth) {
    MapWalk walk{*this, member, value, at, depth};
    member.shape()->for_each(value, &walk, [](void* context, const std::string& key, const void* item) {
      auto& w = *static_cast<MapWalk*>(context);
      const Shape& shape = *w.member.shape();
      if (!w.bad_key) {
        if (std::string broken = broken_constraint(*shape.key->shape(), &key); !broken.empty()) {
          w.bad_key = true;
          w.checker.report(w.member, w.map, w.at, fmt::format("Map keys must satisfy constraint: [{}]", broken));
        }
      }
      const Shape& element = *shape.element->shape();
      if (!scalar(element)) return w.checker.visit(*shape.element, item, Path{&w.at, key, 0, true}, w.depth + 1);
      if (w.bad_value) return;
      if (std::string broken = broken_constraint(element, item); !broken.empty()) {
        w.bad_value = true;
        w.checker.report(w.member, w.map, w.at, fmt::format("Map value must satisfy constraint: [{}]", broken));
      }
    });
  }

  void report(const Member& member, const void* value, const Path& at, const std::string& broken) {
    if (found_.size() >= kMaxReported) return;
    std::string text;
    if (!member.shape()->sensitive) {
      text = shown(member, value);
      if (text.size() > kMaxShown) {
        std::size_t end = kMaxShown;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
        text.resize(end);
        if (member.shape()->kind == Kind::list) text += ']';  // what is cut off still ends as a list does
      }
      text = fmt::format(" '{}'", text);
    }
    found_.push_back(fmt::format("Value{} at '{}' failed to satisfy constraint: {}", text, at.text(), broken));
  }

  const std::vector<std::string>& missing_;
  std::vector<std::string> found_;
  std::string bad_name_;
};

}  // namespace

void check(const ServiceModel* model, const Shape& shape, const void* value, const std::vector<std::string>& missing) {
  Checker checker(missing);
  checker.structure(shape, value, Path{}, 0);
  auto& found = checker.found();
  if (found.empty()) return;
  std::string code(model ? validation_code(*model) : "ValidationException");
  if (model && model->name == "iam" && !checker.bad_name().empty())
    throw Fault(
        code,
        fmt::format(
            "The specified value for {} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
            checker.bad_name()),
        400);
  if (code == "MissingParameter" && !missing.empty()) {
    std::string name = missing.front();
    name.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(name.front())));
    throw Fault(code, fmt::format("The request must contain the parameter {}.", name), 400);
  }
  std::string message = fmt::format("{} validation error{} detected: ", found.size(), found.size() == 1 ? "" : "s");
  for (std::size_t i = 0; i < found.size(); ++i) message += (i ? "; " : "") + found[i];
  throw Fault(code, message, 400);
}

void validate(const ServiceModel& model, const Shape& shape, const void* value) { check(&model, shape, value, {}); }

}  // namespace lambari::wire
