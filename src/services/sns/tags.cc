#include "services/sns/state.h"

namespace lambari::sns {

using namespace aws::sns;

namespace {

Topic tagged(store::Reader& reader, const std::string& arn) {
  try {
    return require_topic(reader, require_arn(arn));
  } catch (const NotFoundException&) {
    throw ResourceNotFoundException("Resource does not exist");
  }
}

}  // namespace

async::Task<TagResourceResponse> Sns::TagResource(const wire::Call& call, TagResourceRequest request) {
  co_await state_->d.store.commit([&](store::Transaction& t) {
    auto topic = tagged(t, request.ResourceArn);
    for (const auto& tag : request.Tags) topic.tags[tag.Key] = tag.Value;
    check_tags(topic.tags);
    put(t, topic);
  });
  state_->audiences.refresh(require_arn(request.ResourceArn));
  co_return TagResourceResponse{};
}

async::Task<UntagResourceResponse> Sns::UntagResource(const wire::Call& call, UntagResourceRequest request) {
  co_await state_->d.store.commit([&](store::Transaction& t) {
    auto topic = tagged(t, request.ResourceArn);
    for (const auto& key : request.TagKeys) topic.tags.erase(key);
    put(t, topic);
  });
  state_->audiences.refresh(require_arn(request.ResourceArn));
  co_return UntagResourceResponse{};
}

async::Task<ListTagsForResourceResponse> Sns::ListTagsForResource(const wire::Call& call, ListTagsForResourceRequest request) {
  ListTagsForResourceResponse out;
  out.Tags.emplace();
  for (const auto& [key, value] : tagged(*state_->d.store.read(), request.ResourceArn).tags) out.Tags->push_back({key, value});
  co_return out;
}

}  // namespace lambari::sns
