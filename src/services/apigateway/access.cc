// Tags, and what IAM is asked before each operation.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagementv2.html
#include "base/text.h"
#include "services/apigateway/results.h"
#include "services/apigateway/state.h"

namespace lambari::apigateway {
namespace {

// arn:aws:apigateway:{region}::/apis/{id}[/stages/{name}]
struct Tagged {
  ApiRef api;
  std::string stage;
};

Tagged tagged_of(const wire::Call& call, std::string_view arn) {
  const std::string prefix = fmt::format("arn:aws:apigateway:{}::", call.region);
  std::string_view path = arn;
  if (!path.starts_with(prefix)) bad_request(fmt::format("Invalid resource ARN specified: {}", arn));
  path.remove_prefix(prefix.size());
  const auto parts = base::split(path, '/');
  const bool is_api = parts.size() == 3, is_stage = parts.size() == 5 && parts[3] == "stages";
  if (parts[0] != "" || parts.size() < 3 || parts[1] != "apis" || parts[2].empty() || (!is_api && !is_stage))
    bad_request(fmt::format("Invalid resource ARN specified: {}", arn));
  return {ref_of(call, std::string(parts[2])), is_stage ? std::string(parts[4]) : std::string()};
}

// Applies `change` to the tags of the API or stage.
void change_tags(store::Transaction& rows, const Tagged& tagged, const std::function<void(Strings&)>& change) {
  Api api = need_api(rows, tagged.api);
  if (tagged.stage.empty()) {
    change(api.tags);
    check_tags(api.tags);
    put(rows, tagged.api, api);
    return;
  }
  Stage stage = need_stage(rows, tagged.api, tagged.stage);
  change(stage.tags);
  check_tags(stage.tags);
  put(rows, tagged.api, stage);
}

// The member of the request that fills {label} of the URI.
std::optional<std::string> label_value(const wire::Operation& operation, const void* request, std::string_view label) {
  if (!operation.input) return {};
  for (const auto& member : operation.input->members)
    if (member.location == wire::Location::uri && member.wire_name == label)
      return wire::string_member(*operation.input, request, member.name);
  return {};
}

}  // namespace

async::Task<aws2::TagResourceResponse> ApiGateway::TagResource(const wire::Call& call, aws2::TagResourceRequest request) {
  const Tagged tagged = tagged_of(call, request.ResourceArn);
  const Strings tags = request.Tags.value_or(Strings());
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    change_tags(rows, tagged, [&](Strings& known) {
      for (const auto& [key, value] : tags) known[key] = value;
    });
  });
  co_return aws2::TagResourceResponse();
}

async::Task<> ApiGateway::UntagResource(const wire::Call& call, aws2::UntagResourceRequest request) {
  const Tagged tagged = tagged_of(call, request.ResourceArn);
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    change_tags(rows, tagged, [&](Strings& known) {
      for (const auto& key : request.TagKeys) known.erase(key);
    });
  });
}

async::Task<aws2::GetTagsResponse> ApiGateway::GetTags(const wire::Call& call, aws2::GetTagsRequest request) {
  const Tagged tagged = tagged_of(call, request.ResourceArn);
  const auto rows = state_->deps.store.read();
  const Api api = need_api(*rows, tagged.api);
  aws2::GetTagsResponse response;
  response.Tags = tagged.stage.empty() ? api.tags : need_stage(*rows, tagged.api, tagged.stage).tags;
  co_return response;
}

async::Task<contracts::AccessRequest> ApiGateway::access(const wire::Call& call, const wire::Operation& operation,
                                                         const void* request) {
  contracts::AccessRequest asked;
  asked.action = fmt::format("apigateway:{}", operation.method);
  std::string resource = fmt::format("arn:aws:apigateway:{}::", call.region);
  std::string_view uri = base::cut(operation.uri, '?').first;
  if (uri.starts_with("/v2")) uri.remove_prefix(3);
  while (!uri.empty()) {
    const auto open = uri.find('{');
    const auto close = open == uri.npos ? uri.npos : uri.find('}', open);
    resource += uri.substr(0, close == uri.npos ? uri.npos : open);
    if (close == uri.npos) break;
    const auto value = label_value(operation, request, uri.substr(open + 1, close - open - 1));
    resource += value ? base::percent_encode(*value) : "*";
    uri.remove_prefix(close + 1);
  }
  asked.resources.push_back(std::move(resource));
  co_return asked;
}

}  // namespace lambari::apigateway
