// Time to live, and tags.
#include <functional>

#include "services/dynamodb/control.h"
#include "services/dynamodb/convert.h"
#include "services/dynamodb/keys.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;

constexpr std::size_t kMaxTags = 50;

TableKey key_of_arn(const wire::Call& call, const std::string& arn) {
  const auto key = parse_arn(arn);
  if (!key) invalid("Invalid TableArn: Invalid ResourceArn provided as input " + arn);
  if (key->account != call.account) {
    throw api::ResourceNotFoundException("Requested resource not found: ResourcArn: " + arn + " not found");
  }
  return *key;
}

async::Task<> change(Shared state, TableKey name, std::function<void(store::Transaction&, Table&)> edit) {
  co_await state->store.commit([&](store::Transaction& t) {
    auto table = *state->tables.describe(t, name);
    edit(t, table);
    t.put(keys::table(name), encode(table));
  });
  state->changed(name);
}

}  // namespace

async::Task<api::UpdateTimeToLiveOutput> update_time_to_live(Shared state, wire::Call call, api::UpdateTimeToLiveInput request) {
  const auto& wanted = request.TimeToLiveSpecification;
  co_await change(state, table_key(call, request.TableName), [&](store::Transaction& t, Table& table) {
    if (table.status != "ACTIVE") {
      throw api::ResourceInUseException("Attempt to change a resource which is still in use: Table is being updated: " +
                                        table.name.name);
    }
    if (wanted.Enabled) {
      if (table.ttl_attribute == wanted.AttributeName) invalid("TimeToLive is already enabled");
      if (!table.ttl_attribute.empty()) {
        invalid("TimeToLive is active on a different AttributeName: current AttributeName is " + table.ttl_attribute);
      }
      table.ttl_attribute = wanted.AttributeName;
      table.ttl_begins = true;
      table.status = "UPDATING";  // until what is there already has its expiry
    } else {
      if (table.ttl_attribute.empty()) invalid("TimeToLive is already disabled");
      if (table.ttl_attribute != wanted.AttributeName) {
        invalid("TimeToLive is active on a different AttributeName: current AttributeName is " + table.ttl_attribute);
      }
      table.ttl_attribute.clear();
      t.erase(store::prefix_range(keys::expiries(table.id)));
    }
  });
  state->stirred.notify_all();
  api::UpdateTimeToLiveOutput out;
  out.TimeToLiveSpecification = wanted;
  co_return out;
}

async::Task<api::DescribeTimeToLiveOutput> describe_time_to_live(Shared state, wire::Call call,
                                                                 api::DescribeTimeToLiveInput request) {
  const auto reader = state->store.read();
  const auto table = state->tables.describe(*reader, table_key(call, request.TableName));
  api::DescribeTimeToLiveOutput out;
  auto& description = out.TimeToLiveDescription.emplace();
  description.TimeToLiveStatus = table->ttl_attribute.empty() ? "DISABLED" : "ENABLED";
  if (!table->ttl_attribute.empty()) description.AttributeName = table->ttl_attribute;
  co_return out;
}

async::Task<> tag(Shared state, wire::Call call, api::TagResourceInput request) {
  co_await change(state, key_of_arn(call, request.ResourceArn), [&](store::Transaction&, Table& table) {
    for (const auto& each : request.Tags) table.tags[each.Key] = each.Value;
    if (table.tags.size() > kMaxTags) invalid_values("Too many tags");
  });
}

async::Task<> untag(Shared state, wire::Call call, api::UntagResourceInput request) {
  co_await change(state, key_of_arn(call, request.ResourceArn), [&](store::Transaction&, Table& table) {
    for (const auto& key : request.TagKeys) table.tags.erase(key);
  });
}

async::Task<api::ListTagsOfResourceOutput> list_tags(Shared state, wire::Call call, api::ListTagsOfResourceInput request) {
  const auto reader = state->store.read();
  const auto table = state->tables.find(*reader, key_of_arn(call, request.ResourceArn));
  if (!table) {
    throw wire::Fault("AccessDeniedException",
                      "User: " + call.principal.arn +
                          " is not authorized to perform: dynamodb:ListTagsOfResource on resource: " + request.ResourceArn,
                      400);
  }
  api::ListTagsOfResourceOutput out;
  auto& tags = out.Tags.emplace();
  for (const auto& [key, value] : table->tags) tags.push_back({key, value});
  co_return out;
}

}  // namespace lambari::dynamodb
