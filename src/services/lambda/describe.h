// Rows as the API shows them. Pure.
#pragma once

#include <string>
#include <string_view>

#include "aws/lambda/types.h"
#include "services/lambda/model.h"

namespace lambari::lambda {

// Lists leave out states and the runtime's version, as AWS does.
enum class Detail { full, listed };

// `qualifier` ends the ARN; "" for none.
aws::lambda::FunctionConfiguration describe(const Version& version, std::string_view qualifier, Detail detail = Detail::full);
aws::lambda::AliasConfiguration describe(const FunctionKey& key, const Alias& alias);
aws::lambda::LayerVersionsListItem describe(const LayerVersion& version);
// The hash of a zip as the API gives it: base64, where rows have hex.
std::string code_sha256(const Code& code);

}  // namespace lambari::lambda
