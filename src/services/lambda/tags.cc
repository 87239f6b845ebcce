#include "base/text.h"
#include "services/lambda/faults.h"
#include "services/lambda/operations.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {
namespace {

FunctionKey tagged(const std::string& arn, const Scope& scope) {
  const auto parts = base::split(arn, ':');
  if (parts.size() >= 7 && parts[2] == "lambda" && parts[5] != "function")
    not_here("Tags on " + std::string(parts[5]) + " resources");
  if (parts.size() < 7 || parts[0] != "arn" || parts[2] != "lambda") {
    violates(
        arn, "resource",
        R"(Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+))");
  }
  auto ref = parse_function(arn, std::nullopt, scope);
  if (!ref.unqualified()) invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.");
  return std::move(ref.key);
}

template <class Change>
async::Task<> change_tags(House& house, FunctionKey key, Change change) {
  co_await house.d.store.commit([&](store::Transaction& t) {
    auto function = rows::function(t, key);
    auto latest = rows::version(t, key, 0);
    if (!function || !latest) function_not_found(key);
    change(function->tags);
    check_tags(function->tags);
    rows::put(t, *function);
    latest->revision = base::uuid();
    std::vector<std::string> none;
    rows::put(t, *latest, none);
  });
  house.changed(key);
}

}  // namespace

async::Task<> Tags::add(const wire::Call& call, aws::lambda::TagResourceRequest request) {
  auto key = tagged(request.Resource, House::scope(call));
  if (request.Tags.empty()) invalid("An error occurred and the request cannot be processed.");
  co_await change_tags(house_, std::move(key), [&](auto& tags) {
    for (const auto& [name, value] : request.Tags) tags[name] = value;
  });
}

async::Task<> Tags::remove(const wire::Call& call, aws::lambda::UntagResourceRequest request) {
  auto key = tagged(request.Resource, House::scope(call));
  if (request.TagKeys.empty()) {
    throw wire::Fault(
        "ValidationException",
        "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null", 400);
  }
  co_await change_tags(house_, std::move(key), [&](auto& tags) {
    for (const auto& name : request.TagKeys) tags.erase(name);
  });
}

async::Task<aws::lambda::ListTagsResponse> Tags::list(const wire::Call& call, aws::lambda::ListTagsRequest request) {
  const auto key = tagged(request.Resource, House::scope(call));
  const auto function = rows::function(*house_.d.store.read(), key);
  if (!function) function_not_found(key);
  co_return aws::lambda::ListTagsResponse{function->tags};
}

}  // namespace lambari::lambda
