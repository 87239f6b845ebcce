#include "lang/policy_condition.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/text.h"

namespace lambari::lang {

namespace {

std::optional<double> to_number(std::string_view text) {
  text = base::trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// ISO 8601 (a bare year, month or day, too), or seconds since 1970.
std::optional<double> to_time(std::string_view text) {
  text = base::trim(text);
  if (text.find_first_not_of("0123456789.") == text.npos && text.size() != 4) return to_number(text);
  std::string full(text);
  if (full.size() == 4) full += "-01-01";
  if (full.size() == 7) full += "-01";
  if (full.size() == 10) full += "T00:00:00Z";
  if (const auto t = full.find('T'); t != full.npos) {
    const auto time = full.substr(t + 1);
    if (time.find_first_of("Zz+-") == time.npos) full += "Z";
  }
  base::Timestamp time;
  if (!base::parse_iso8601(full, time)) return std::nullopt;
  return static_cast<double>(time.ms) / 1000;
}

struct Network {
  int bits = 0;  // 32 or 128
  unsigned char bytes[16] = {};
  int prefix = 0;
};

std::optional<Network> to_network(std::string_view text) {
  const auto [address, length] = base::cut(base::trim(text), '/');
  char buffer[64];
  if (address.empty() || address.size() >= sizeof buffer) return std::nullopt;
  std::memcpy(buffer, address.data(), address.size());
  buffer[address.size()] = '\0';
  Network out;
  if (inet_pton(AF_INET, buffer, out.bytes) == 1) {
    out.bits = 32;
  } else if (inet_pton(AF_INET6, buffer, out.bytes) == 1) {
    out.bits = 128;
  } else {
    return std::nullopt;
  }
  out.prefix = out.bits;
  if (text.find('/') != text.npos) {
    const auto bits = base::parse_int(length);
    if (!bits || *bits < 0 || *bits > out.bits) return std::nullopt;
    out.prefix = static_cast<int>(*bits);
  }
  return out;
}

bool contains(const Network& network, const Network& address) {
  if (network.bits != address.bits) return false;
  const int whole = network.prefix / 8, rest = network.prefix % 8;
  if (std::memcmp(network.bytes, address.bytes, static_cast<std::size_t>(whole)) != 0) return false;
  if (!rest) return true;
  const auto mask = static_cast<unsigned char>(0xFF << (8 - rest));
  return (network.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

// Each of the six parts is matched on its own.
bool arn_matches(std::string_view pattern, std::string_view arn) {
  for (int part = 0; part < 5; ++part) {
    const auto a = pattern.find(':'), b = arn.find(':');
    if (a == pattern.npos || b == arn.npos) return a == b && wildcard_match(pattern, arn);
    if (!wildcard_match(pattern.substr(0, a), arn.substr(0, b))) return false;
    pattern.remove_prefix(a + 1);
    arn.remove_prefix(b + 1);
  }
  return wildcard_match(pattern, arn);
}

bool remove_prefix(std::string_view& text, std::string_view prefix) {
  if (text.size() < prefix.size() || !base::iequals(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool remove_suffix(std::string_view& text, std::string_view suffix) {
  if (text.size() < suffix.size() || !base::iequals(text.substr(text.size() - suffix.size()), suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

[[noreturn]] void syntax_error() { throw PolicyError("Syntax errors in policy."); }

}  // namespace

PolicyCondition::PolicyCondition(std::string_view name, std::string_view key, const std::vector<std::string>& values,
                                 bool variables)
    : key_(key) {
  if (remove_prefix(name, "ForAnyValue:")) {
    quantifier_ = Quantifier::any_value;
  } else if (remove_prefix(name, "ForAllValues:")) {
    quantifier_ = Quantifier::all_values;
  }
  if_exists_ = remove_suffix(name, "IfExists");

  struct Known {
    std::string_view name;
    Type type;
    Relation relation = Relation::equal;
    bool negated = false;
  };
  static constexpr Known kKnown[] = {
      {"StringEquals", Type::string},
      {"StringNotEquals", Type::string, Relation::equal, true},
      {"StringEqualsIgnoreCase", Type::string_ignoring_case},
      {"StringNotEqualsIgnoreCase", Type::string_ignoring_case, Relation::equal, true},
      {"StringLike", Type::like},
      {"StringNotLike", Type::like, Relation::equal, true},
      {"NumericEquals", Type::numeric},
      {"NumericNotEquals", Type::numeric, Relation::equal, true},
      {"NumericLessThan", Type::numeric, Relation::less},
      {"NumericLessThanEquals", Type::numeric, Relation::less_equal},
      {"NumericGreaterThan", Type::numeric, Relation::greater},
      {"NumericGreaterThanEquals", Type::numeric, Relation::greater_equal},
      {"DateEquals", Type::date},
      {"DateNotEquals", Type::date, Relation::equal, true},
      {"DateLessThan", Type::date, Relation::less},
      {"DateLessThanEquals", Type::date, Relation::less_equal},
      {"DateGreaterThan", Type::date, Relation::greater},
      {"DateGreaterThanEquals", Type::date, Relation::greater_equal},
      {"Bool", Type::boolean},
      {"BinaryEquals", Type::binary},
      {"IpAddress", Type::ip},
      {"NotIpAddress", Type::ip, Relation::equal, true},
      {"ArnEquals", Type::arn},
      {"ArnLike", Type::arn},
      {"ArnNotEquals", Type::arn, Relation::equal, true},
      {"ArnNotLike", Type::arn, Relation::equal, true},
      {"Null", Type::null},
  };
  const Known* known = nullptr;
  for (const auto& candidate : kKnown) {
    if (base::iequals(candidate.name, name)) known = &candidate;
  }
  if (!known || (known->type == Type::null && (if_exists_ || quantifier_ != Quantifier::none))) syntax_error();
  type_ = known->type;
  relation_ = known->relation;
  negated_ = known->negated;

  const bool wild = type_ == Type::like || type_ == Type::arn;
  for (const auto& value : values) {
    values_.emplace_back(value, wild ? PolicyPattern::Wildcards::yes : PolicyPattern::Wildcards::no, variables);
    if (!values_.back().is_plain()) continue;
    // What can be seen to be wrong is refused when the policy is written, not ignored when it is used.
    if (type_ == Type::date && !to_time(value)) throw PolicyError("The policy failed legacy parsing");
    if (type_ == Type::numeric && !to_number(value)) syntax_error();
    if (type_ == Type::ip && !to_network(value)) syntax_error();
    if ((type_ == Type::boolean || type_ == Type::null) && !base::iequals(value, "true") && !base::iequals(value, "false"))
      syntax_error();
  }
}

bool PolicyCondition::one_matches(const PolicyPattern& wanted, std::string_view value, const PolicyContext& context) const {
  switch (type_) {
    case Type::string:
    case Type::like: return wanted.matches(value, context, Case::sensitive);
    case Type::string_ignoring_case:
    case Type::boolean:
    case Type::null: return wanted.matches(value, context, Case::insensitive);
    case Type::arn: {
      if (wanted.is_plain()) return arn_matches(wanted.text(), value);
      const auto pattern = wanted.expand(context);
      return pattern && arn_matches(*pattern, value);
    }
    case Type::binary: {
      const auto a = base::unbase64(wanted.text()), b = base::unbase64(value);
      return a && b && *a == *b;
    }
    case Type::ip: {
      const auto text = wanted.expand(context);
      const auto network = text ? to_network(*text) : std::nullopt;
      const auto address = to_network(value);
      return network && address && contains(*network, *address);
    }
    case Type::numeric:
    case Type::date: {
      const auto text = wanted.expand(context);
      if (!text) return false;
      const auto a = type_ == Type::date ? to_time(value) : to_number(value);
      const auto b = type_ == Type::date ? to_time(*text) : to_number(*text);
      if (!a || !b) return false;
      switch (relation_) {
        case Relation::equal: return *a == *b;
        case Relation::less: return *a < *b;
        case Relation::less_equal: return *a <= *b;
        case Relation::greater: return *a > *b;
        case Relation::greater_equal: return *a >= *b;
      }
    }
  }
  return false;
}

bool PolicyCondition::value_matches(std::string_view value, const PolicyContext& context) const {
  for (const auto& wanted : values_) {
    if (one_matches(wanted, value, context)) return true;
  }
  return false;
}

bool PolicyCondition::holds(const PolicyContext& context) const {
  std::vector<std::string_view> values;
  const bool present = context.find(key_, values) && !values.empty();
  if (type_ == Type::null) return value_matches(present ? "false" : "true", context);
  if (!present) {
    if (if_exists_ || quantifier_ == Quantifier::all_values) return true;
    return quantifier_ == Quantifier::none && negated_;
  }
  switch (quantifier_) {
    case Quantifier::all_values:
      for (const auto value : values) {
        if (value_matches(value, context) == negated_) return false;
      }
      return true;
    case Quantifier::any_value:
      for (const auto value : values) {
        if (value_matches(value, context) != negated_) return true;
      }
      return false;
    case Quantifier::none:
      for (const auto value : values) {
        if (value_matches(value, context)) return !negated_;
      }
      return negated_;
  }
  return false;
}

}  // namespace lambari::lang
