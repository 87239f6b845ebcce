#include "services/lambda/mappings.h"

#include "base/log.h"
#include "services/lambda/faults.h"
#include "services/lambda/keys.h"
#include "services/lambda/mapping_checkpoints.h"
#include "services/lambda/mapping_rules.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {
namespace {

using Described = aws::lambda::EventSourceMappingConfiguration;

constexpr std::size_t kMappingPage = 100;
constexpr std::size_t kScan = 200;

std::optional<Mapping> find(store::Reader& reader, std::string_view account, std::string_view region, std::string_view uuid) {
  return reader.get(keys::mapping(account, region, uuid)).transform(decode_mapping);
}

Mapping need(store::Reader& reader, const wire::Call& call, std::string_view uuid) {
  auto mapping = find(reader, call.account, call.region, uuid);
  if (!mapping) refuse<aws::lambda::ResourceNotFoundException>("The resource you requested does not exist.");
  return std::move(*mapping);
}

void put(store::Transaction& t, const Mapping& m) {
  t.put(keys::mapping(m.function.account, m.function.region, m.uuid), encode(m));
}

// The row that makes a pair of source and function unique.
std::string pair_key(const Mapping& m) { return keys::mapping_pair(m.function, m.source, m.qualifier); }

void take_pair(store::Transaction& t, const Mapping& m) {
  const auto key = pair_key(m);
  if (const auto other = t.get(key); other && *other != m.uuid) {
    const auto pair = "arn (\" " + m.source + " \") and function (\" " + m.function.name + " \")";
    refuse<aws::lambda::ResourceConflictException>(
        (is_stream(m) ? "The event source " + pair + " provided mapping" : "An event source mapping with SQS " + pair) +
        " already exists. Please update or delete the existing mapping with UUID " + *other);
  }
  t.put(key, m.uuid);
}

}  // namespace

async::Task<Described> Mappings::create(const wire::Call& call, aws::lambda::CreateEventSourceMappingRequest request) {
  check_source(request.EventSourceArn, call.region);
  const auto ref = parse_function(request.FunctionName, std::nullopt, House::scope(call));
  Mapping m;
  m.uuid = base::uuid();
  m.source = *request.EventSourceArn;
  m.function = ref.key;
  m.qualifier = ref.qualifier;
  m.modified = house_.d.clock.now();
  apply_settings(m, request);
  check_batching(m);
  if (request.Tags) {
    check_tags(*request.Tags);
    m.tags = *request.Tags;
  }
  co_await check(m);
  const auto from = co_await starts(m);
  co_await house_.d.store.commit([&](store::Transaction& t) {
    if (!rows::function(t, m.function)) invalid("Function does not exist");
    take_pair(t, m);
    put(t, m);
    for (const auto& [shard, cursor] : from) MappingCheckpoints::begin(t, m, shard, cursor);
  });
  settle_later(m);
  co_return describe(m, {});
}

async::Task<Described> Mappings::get(const wire::Call& call, aws::lambda::GetEventSourceMappingRequest request) {
  co_return describe(need(*house_.d.store.read(), call, request.UUID), last_result(request.UUID));
}

async::Task<aws::lambda::ListEventSourceMappingsResponse> Mappings::list(const wire::Call& call,
                                                                         aws::lambda::ListEventSourceMappingsRequest request) {
  std::optional<FunctionRef> ref;
  if (request.FunctionName) ref = parse_function(*request.FunctionName, std::nullopt, House::scope(call));
  const auto limit = page_size(request.MaxItems, kMappingPage);
  const auto after = from_marker(request.Marker);
  auto range = store::prefix_range(keys::mappings(call.account, call.region));
  if (!after.empty()) range.begin = keys::mapping(call.account, call.region, after) + '\0';
  const auto reader = house_.d.store.read();
  aws::lambda::ListEventSourceMappingsResponse out;
  out.EventSourceMappings.emplace();
  for (;;) {
    const auto found = reader->scan(range, kScan);
    for (const auto& row : found) {
      const auto m = decode_mapping(row.value);
      if (request.EventSourceArn && *request.EventSourceArn != m.source) continue;
      if (ref && (ref->key != m.function || (!ref->unqualified() && ref->qualifier != m.qualifier))) continue;
      if (out.EventSourceMappings->size() == limit) {
        out.NextMarker = to_marker(*out.EventSourceMappings->back().UUID);
        co_return out;
      }
      out.EventSourceMappings->push_back(describe(m, last_result(m.uuid)));
    }
    if (found.size() < kScan) co_return out;
    range.begin = found.back().key + '\0';
  }
}

async::Task<Described> Mappings::update(const wire::Call& call, aws::lambda::UpdateEventSourceMappingRequest request) {
  const auto change = [&](store::Reader& reader) {
    auto m = need(reader, call, request.UUID);
    if (m.state == "Deleting")
      refuse<aws::lambda::ResourceInUseException>("Cannot update the event source mapping because it is in use.");
    const bool was = m.enabled;
    apply_settings(m, request);
    if (request.FunctionName) {
      auto ref = parse_function(*request.FunctionName, std::nullopt, House::scope(call));
      m.function = std::move(ref.key);
      m.qualifier = std::move(ref.qualifier);
    }
    check_batching(m);
    m.state = was == m.enabled ? "Updating" : m.enabled ? "Enabling" : "Disabling";
    m.modified = house_.d.clock.now();
    ++m.generation;
    return m;
  };
  co_await check(change(*house_.d.store.read()));
  const auto m = co_await house_.d.store.transact([&](store::Transaction& t) {
    const auto before = need(t, call, request.UUID);
    auto m = change(t);
    if (!rows::function(t, m.function)) invalid("Function does not exist");
    if (pair_key(before) != pair_key(m)) t.erase(pair_key(before));
    take_pair(t, m);
    put(t, m);
    return m;
  });
  settle_later(m);
  co_return describe(m, last_result(m.uuid));
}

async::Task<Described> Mappings::remove(const wire::Call& call, aws::lambda::DeleteEventSourceMappingRequest request) {
  const auto m = co_await house_.d.store.transact([&](store::Transaction& t) {
    auto m = need(t, call, request.UUID);
    if (m.state == "Deleting")
      refuse<aws::lambda::ResourceInUseException>("Cannot delete the event source mapping because it is in use.");
    m.state = "Deleting";
    m.enabled = false;
    m.modified = house_.d.clock.now();
    ++m.generation;
    t.erase(pair_key(m));  // another one may be created at once
    put(t, m);
    return m;
  });
  settle_later(m);
  co_return describe(m, last_result(m.uuid));
}

async::Task<> Mappings::tag(const wire::Call& call, aws::lambda::TagResourceRequest request) {
  co_await house_.d.store.commit([&](store::Transaction& t) {
    auto m = need(t, call, uuid_of_mapping_arn(request.Resource));
    for (const auto& [name, value] : request.Tags) m.tags[name] = value;
    check_tags(m.tags);
    put(t, m);
  });
}

async::Task<> Mappings::untag(const wire::Call& call, aws::lambda::UntagResourceRequest request) {
  co_await house_.d.store.commit([&](store::Transaction& t) {
    auto m = need(t, call, uuid_of_mapping_arn(request.Resource));
    for (const auto& name : request.TagKeys) m.tags.erase(name);
    put(t, m);
  });
}

async::Task<aws::lambda::ListTagsResponse> Mappings::tags(const wire::Call& call, aws::lambda::ListTagsRequest request) {
  co_return aws::lambda::ListTagsResponse{need(*house_.d.store.read(), call, uuid_of_mapping_arn(request.Resource)).tags};
}

}  // namespace lambari::lambda
