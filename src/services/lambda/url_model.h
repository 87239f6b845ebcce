// Function URLs: what is kept of one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/lambda/model.h"
#include "store/store.h"
#include "wire/cors.h"

namespace lambari::lambda {

struct FunctionUrl {
  FunctionKey function;
  std::string qualifier;  // an alias, or "" for the function itself
  std::string id;         // 32 characters; another one each time a URL is created
  std::string auth_type;  // "AWS_IAM", "NONE"
  std::string invoke_mode = "BUFFERED";
  std::optional<wire::Cors> cors;
  base::Timestamp created, modified;
  bool operator==(const FunctionUrl&) const = default;
};

// Without what its key says: function and qualifier.
std::string encode(const FunctionUrl& url);
FunctionUrl decode_function_url(std::string_view bytes);

namespace rows {

std::optional<FunctionUrl> function_url(store::Reader& reader, const FunctionKey& key, std::string_view qualifier);
std::optional<FunctionUrl> function_url(store::Reader& reader, std::string_view id);
std::vector<FunctionUrl> function_urls(store::Reader& reader, const FunctionKey& key);  // by qualifier
void put(store::Transaction& t, const FunctionUrl& url);
void erase_function_url(store::Transaction& t, const FunctionKey& key, std::string_view qualifier);
void erase_function_urls(store::Transaction& t, const FunctionKey& key);

}  // namespace rows
}  // namespace lambari::lambda
