#include "lang/dynamodb_number.h"

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>

namespace lambari::lang::dynamodb {
namespace {

constexpr int kMaxDigits = 38;
constexpr int kMaxMagnitude = 125;   // of the first digit
constexpr int kMinMagnitude = -130;  // of the first digit
constexpr int kMaxExponentDigits = 6;

[[noreturn]] void not_numeric(std::string_view text) {
  throw NumberError("The parameter cannot be converted to a numeric value" + (text.empty() ? "" : ": " + std::string(text)));
}
[[noreturn]] void overflow() {
  throw NumberError("Number overflow. Attempting to store a number with magnitude larger than supported range");
}
[[noreturn]] void underflow() {
  throw NumberError("Number underflow. Attempting to store a number with magnitude smaller than supported range");
}
[[noreturn]] void too_many_digits() { throw NumberError("Attempting to store more than 38 significant digits in a Number"); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Most significant first, without leading zeros.
std::string digits_of(unsigned __int128 value) {
  std::string out;
  for (; value != 0; value /= 10) out += static_cast<char>('0' + static_cast<int>(value % 10));
  std::reverse(out.begin(), out.end());
  return out;
}

unsigned __int128 value_of(std::string_view digits) {
  unsigned __int128 value = 0;
  for (char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

}  // namespace

Number Number::make(bool negative, Coefficient coefficient, int exponent) {
  Number out;
  if (coefficient == 0) return out;
  while (coefficient % 10 == 0) {
    coefficient /= 10;
    ++exponent;
  }
  out.coefficient_ = coefficient;
  out.exponent_ = exponent;
  out.negative_ = negative;
  const int magnitude = out.digits() - 1 + exponent;
  if (magnitude > kMaxMagnitude) overflow();
  if (magnitude < kMinMagnitude) underflow();
  return out;
}

Number Number::parse(std::string_view text) {
  std::size_t at = 0;
  const auto peek = [&] { return at < text.size() ? text[at] : '\0'; };
  bool negative = false;
  if (peek() == '-' || peek() == '+') negative = text[at++] == '-';

  // Leading zeros carry nothing; trailing ones only move the exponent.
  std::string significant;
  int exponent = 0;
  bool any = false, fraction = false;
  for (;; ++at) {
    if (peek() == '.' && !fraction) {
      fraction = true;
      continue;
    }
    if (!is_digit(peek())) break;
    any = true;
    if (fraction) --exponent;
    if (significant.empty() && peek() == '0') continue;
    significant += text[at];
  }
  if (!any) not_numeric(text);
  if (peek() == 'e' || peek() == 'E') {
    ++at;
    bool down = false;
    if (peek() == '-' || peek() == '+') down = text[at++] == '-';
    const auto first = at;
    int given = 0;
    for (; is_digit(peek()); ++at) {
      if (at - first < kMaxExponentDigits) given = given * 10 + (peek() - '0');
    }
    if (at == first) not_numeric(text);
    if (at - first > kMaxExponentDigits && !significant.empty()) down ? underflow() : overflow();
    exponent += down ? -given : given;
  }
  if (at != text.size()) not_numeric(text);

  while (!significant.empty() && significant.back() == '0') {
    significant.pop_back();
    ++exponent;
  }
  if (significant.empty()) return {};
  const auto magnitude = static_cast<long>(significant.size()) - 1 + exponent;
  if (magnitude > kMaxMagnitude) overflow();
  if (magnitude < kMinMagnitude) underflow();
  if (significant.size() > kMaxDigits) too_many_digits();
  return make(negative, value_of(significant), exponent);
}

int Number::digits() const {
  int count = 0;
  for (auto rest = coefficient_; rest != 0; rest /= 10) ++count;
  return count;
}

std::string Number::text() const {
  if (coefficient_ == 0) return "0";
  auto digits = digits_of(coefficient_);
  const auto count = static_cast<int>(digits.size());
  if (exponent_ >= 0) {
    digits.append(static_cast<std::size_t>(exponent_), '0');
  } else if (-exponent_ < count) {
    digits.insert(digits.end() + exponent_, '.');
  } else {
    digits.insert(0, "0." + std::string(static_cast<std::size_t>(-exponent_ - count), '0'));
  }
  return negative_ ? "-" + digits : digits;
}

// One byte for the sign (0, 1, 2), one for the magnitude, then two digits a byte, each pair + 1, ended by 0. In negative
// numbers all but the sign is complemented.
std::string Number::sortable() const {
  if (coefficient_ == 0) return "\x01";
  auto digits = digits_of(coefficient_);
  const int magnitude = static_cast<int>(digits.size()) - 1 + exponent_;
  if (digits.size() % 2 != 0) digits += '0';
  std::string out;
  out += static_cast<char>(magnitude - kMinMagnitude);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    out += static_cast<char>((digits[i] - '0') * 10 + (digits[i + 1] - '0') + 1);
  }
  out += '\0';
  if (negative_) {
    for (char& c : out) c = static_cast<char>(~c);
  }
  return (negative_ ? '\0' : '\x02') + out;
}

Number Number::from_sortable(std::string_view bytes, std::size_t& length) {
  length = 1;
  if (bytes.at(0) == 1) return {};
  const bool negative = bytes[0] == 0;
  const auto byte_at = [&](std::size_t i) {
    const auto byte = static_cast<unsigned char>(bytes.at(i));
    return negative ? 255 - byte : static_cast<int>(byte);
  };
  const int magnitude = byte_at(1) + kMinMagnitude;
  Coefficient coefficient = 0;
  int count = 0;
  std::size_t at = 2;
  for (; byte_at(at) != 0; ++at) {
    const int pair = byte_at(at) - 1;
    if (byte_at(at + 1) == 0 && pair % 10 == 0) {
      coefficient = coefficient * 10 + static_cast<unsigned>(pair / 10);
      count += 1;
    } else {
      coefficient = coefficient * 100 + static_cast<unsigned>(pair);
      count += 2;
    }
  }
  length = at + 1;
  return make(negative, coefficient, magnitude - count + 1);
}

// About one byte for two digits, and one more; one for the sign of negative numbers. Zero is one byte.
std::size_t Number::size() const {
  if (coefficient_ == 0) return 1;
  // Digits go in pairs that are aligned to the decimal point.
  const int first = digits() - 1 + exponent_, last = exponent_;
  const auto pair_of = [](int place) { return place >= 0 ? place / 2 : (place - 1) / 2; };
  return static_cast<std::size_t>(pair_of(first) - pair_of(last) + 1) + 1 + (negative_ ? 1 : 0);
}

Number Number::negated() const {
  Number out = *this;
  out.negative_ = !negative_ && coefficient_ != 0;
  return out;
}

Number operator+(const Number& a, const Number& b) {
  if (a.coefficient_ == 0) return b;
  if (b.coefficient_ == 0) return a;
  namespace mp = boost::multiprecision;
  const auto& high = a.exponent_ >= b.exponent_ ? a : b;
  const auto& low = a.exponent_ >= b.exponent_ ? b : a;
  mp::cpp_int sum(high.coefficient_);
  sum *= mp::pow(mp::cpp_int(10), static_cast<unsigned>(high.exponent_ - low.exponent_));
  if (high.negative_) sum = -sum;
  const mp::cpp_int other(low.coefficient_);
  sum += low.negative_ ? mp::cpp_int(-other) : other;
  const bool negative = sum < 0;
  auto digits = mp::cpp_int(mp::abs(sum)).str();
  int exponent = low.exponent_;
  while (digits.size() > 1 && digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  if (digits == "0") return {};
  if (static_cast<int>(digits.size()) - 1 + exponent > kMaxMagnitude) overflow();
  if (digits.size() > kMaxDigits) too_many_digits();
  return Number::make(negative, value_of(digits), exponent);
}

std::strong_ordering Number::operator<=>(const Number& other) const {
  const int sign = coefficient_ == 0 ? 0 : negative_ ? -1 : 1;
  const int other_sign = other.coefficient_ == 0 ? 0 : other.negative_ ? -1 : 1;
  if (sign != other_sign || sign == 0) return sign <=> other_sign;
  const auto up = [&](std::strong_ordering order) { return negative_ ? 0 <=> order : order; };
  const int count = digits(), other_count = other.digits();
  if (const auto order = count + exponent_ <=> other_count + other.exponent_; order != 0) return up(order);
  // The same magnitude: the digits decide, padded to the same length.
  auto left = coefficient_, right = other.coefficient_;
  for (int i = count; i < other_count; ++i) left *= 10;
  for (int i = other_count; i < count; ++i) right *= 10;
  return up(left < right   ? std::strong_ordering::less
            : left > right ? std::strong_ordering::greater
                           : std::strong_ordering::equal);
}

}  // namespace lambari::lang::dynamodb
