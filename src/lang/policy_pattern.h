// A string of a policy that may hold wildcards, policy variables and their escapes (${*} ${?} ${$}).
//   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/policy.h"
#include "lang/wildcard.h"

namespace lambari::lang {

class PolicyPattern {
 public:
  enum class Wildcards { no, yes };
  // `variables` is false in documents older than 2012-10-17: there "${" is plain text.
  PolicyPattern(std::string_view text, Wildcards wildcards, bool variables);

  // False, too, when a variable has no (single) value in `context`.
  bool matches(std::string_view text, const PolicyContext& context, Case sensitivity) const;

  // The plain text, with the variables' values in their places and wildcards as they are written.
  std::optional<std::string> expand(const PolicyContext& context) const;

  const std::string& text() const { return text_; }
  bool is_plain() const { return form_ == Form::exact; }

 private:
  enum class Form { exact, wildcard, parts };
  // A run of symbols (bytes; kAny, kOne are wildcards), then a variable's value unless `variable` is empty.
  struct Part {
    std::u16string symbols;
    std::string variable;
    std::optional<std::string> fallback;
  };
  bool build(const PolicyContext& context, std::u16string& out) const;

  Form form_ = Form::exact;
  std::string text_;
  std::vector<Part> parts_;
};

}  // namespace lambari::lang
