// DynamoDB's numbers: exact decimals of up to 38 significant digits, from 1E-130 to 9.9...E+125 and their negatives.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
#pragma once

#include <compare>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lambari::lang::dynamodb {

// what() is AWS's message of the ValidationException.
struct NumberError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// A plain value of 32 bytes.
class Number {
 public:
  Number() = default;  // zero
  // Throws NumberError.
  static Number parse(std::string_view text);

  // As DynamoDB gives it back: no exponent, no plus, no needless zeros ("0.0015", "-12", "1000").
  std::string text() const;
  // A self-delimiting form whose bytes sort as the values do; at most 22 bytes.
  std::string sortable() const;
  // Reads sortable() from the front of `bytes` and says how long it was. `bytes` must be of that form.
  static Number from_sortable(std::string_view bytes, std::size_t& length);

  // What it counts for in an item's size, in bytes.
  std::size_t size() const;
  bool is_zero() const { return coefficient_ == 0; }
  bool negative() const { return negative_; }

  // Exact; throws NumberError when the sum has too many digits or is out of range.
  friend Number operator+(const Number& a, const Number& b);
  friend Number operator-(const Number& a, const Number& b) { return a + b.negated(); }

  std::strong_ordering operator<=>(const Number& other) const;
  bool operator==(const Number& other) const = default;

 private:
  using Coefficient = unsigned __int128;  // 38 digits fit

  Number negated() const;
  static Number make(bool negative, Coefficient coefficient, int exponent);
  int digits() const;

  // value = coefficient * 10^exponent; the coefficient has no trailing zero, and zero is {0, 0, false}.
  Coefficient coefficient_ = 0;
  int exponent_ = 0;
  bool negative_ = false;
};

}  // namespace lambari::lang::dynamodb
