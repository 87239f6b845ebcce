#include "services/dynamodb/define.h"

#include <algorithm>
#include <set>

#include "base/ids.h"
#include "services/dynamodb/convert.h"
#include "wire/fault.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;

constexpr std::size_t kMaxLocal = 5, kMaxGlobal = 20, kMaxIncluded = 100, kMaxTags = 50;

[[noreturn]] void not_offered(const std::string& what) { invalid("lambari does not offer " + what + " yet."); }

std::string joined(const std::set<std::string>& names) {
  std::string out = "[";
  for (const auto& name : names) out += (out.size() > 1 ? ", " : "") + name;
  return out + "]";
}

std::string spelled(const std::vector<api::KeySchemaElement>& schema) {
  std::set<std::string> names;
  for (const auto& element : schema) names.insert(element.AttributeName);
  return joined(names);
}

KeySchema key_schema(const std::vector<api::KeySchemaElement>& schema, const std::map<std::string, std::string>& attributes) {
  for (const auto& element : schema) {
    if (attributes.contains(element.AttributeName)) continue;
    std::set<std::string> defined;
    for (const auto& [name, type] : attributes) defined.insert(name);
    invalid_values("Some index key attributes are not defined in AttributeDefinitions. Keys: " + spelled(schema) +
                   ", AttributeDefinitions: " + joined(defined));
  }
  if (schema.empty()) violated("'[]'", "keySchema", "Member must have length greater than or equal to 1");
  if (schema.size() > 2) {
    std::string all;
    for (const auto& element : schema) {
      all += (all.empty() ? "KeySchemaElement(attributeName=" : ", KeySchemaElement(attributeName=") + element.AttributeName +
             ", keyType=" + element.KeyType + ")";
    }
    violated("'[" + all + "]'", "keySchema", "Member must have length less than or equal to 2");
  }
  if (schema[0].KeyType != "HASH") {
    invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  }
  if (schema.size() == 1) return {schema[0].AttributeName, {}};
  if (schema[1].AttributeName == schema[0].AttributeName) {
    invalid("Invalid KeySchema: Some index key attribute have no definition");
  }
  if (schema[1].KeyType != "RANGE") invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
  return {schema[0].AttributeName, schema[1].AttributeName};
}

void set_projection(Index& index, const api::Projection& projection) {
  if (!projection.ProjectionType) invalid_values("Unknown ProjectionType: null");
  index.projection = *projection.ProjectionType;
  const bool names = projection.NonKeyAttributes && !projection.NonKeyAttributes->empty();
  if (index.projection == "INCLUDE") {
    if (!names) invalid_values("ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
    index.include = *projection.NonKeyAttributes;
  } else if (projection.NonKeyAttributes) {
    invalid_values("ProjectionType is " + index.projection + ", but NonKeyAttributes is specified");
  }
}

void set_attributes(Table& table, const std::vector<api::AttributeDefinition>& definitions) {
  for (const auto& definition : definitions) {
    const auto [it, fresh] = table.attributes.emplace(definition.AttributeName, definition.AttributeType);
    if (!fresh && it->second != definition.AttributeType) {
      invalid_values("Attribute " + definition.AttributeName + " is defined with another type already");
    }
  }
}

// Exactly the attributes that some key uses.
void check_attributes(const Table& table) {
  std::set<std::string> used{table.key.hash};
  const auto use = [&](const KeySchema& key) {
    used.insert(key.hash);
    if (!key.range.empty()) used.insert(key.range);
  };
  use(table.key);
  for (const auto& index : table.indexes) use(index.key);
  if (used.size() == table.attributes.size()) return;
  if (table.indexes.empty()) {
    invalid_values(
        "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions");
  }
  std::set<std::string> defined;
  for (const auto& [name, type] : table.attributes) defined.insert(name);
  invalid_values("Some AttributeDefinitions are not used. AttributeDefinitions: " + joined(defined) +
                 ", keys used: " + joined(used));
}

Throughput throughput_of(const std::optional<api::ProvisionedThroughput>& given) {
  return given ? Throughput{given->ReadCapacityUnits, given->WriteCapacityUnits} : Throughput{};
}

Index& add_index(Table& table, Index index) {
  if (table.index(index.name) != nullptr) invalid_values("Duplicate index name: " + index.name);
  index.id = table.next_index++;
  table.indexes.push_back(std::move(index));
  return table.indexes.back();
}

template <class Definition>
Index global_index(const Table& table, const Definition& given) {
  Index index;
  index.name = given.IndexName;
  index.global = true;
  index.key = key_schema(given.KeySchema, table.attributes);
  set_projection(index, given.Projection);
  index.throughput = throughput_of(given.ProvisionedThroughput);
  if (given.OnDemandThroughput) not_offered("OnDemandThroughput");
  if (given.WarmThroughput) not_offered("WarmThroughput");
  if (table.on_demand && given.ProvisionedThroughput) {
    invalid_values("ProvisionedThroughput should not be specified for index: " + index.name +
                   " when BillingMode is PAY_PER_REQUEST");
  }
  if (!table.on_demand && !given.ProvisionedThroughput) {
    invalid_values("ProvisionedThroughput must be specified for index: " + index.name);
  }
  return index;
}

void add_local_index(Table& table, const api::LocalSecondaryIndex& given) {
  if (table.key.range.empty()) {
    invalid_values("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex");
  }
  Index index;
  index.name = given.IndexName;
  index.key = key_schema(given.KeySchema, table.attributes);
  if (index.key.range.empty()) {
    invalid_values("Index KeySchema does not have a range key for index: " + index.name);
  }
  if (index.key.hash != table.key.hash) {
    invalid_values("Index KeySchema does not have the same leading hash key as table KeySchema for index: " + index.name +
                   ". index hash key: " + index.key.hash + ", table hash key: " + table.key.hash);
  }
  set_projection(index, given.Projection);
  add_index(table, std::move(index));
}

void check_included(const Table& table) {
  std::size_t included = 0;
  for (const auto& index : table.indexes) included += index.include.size();
  if (included > kMaxIncluded) {
    invalid_values("The number of projected attributes over all indexes exceeds the limit of " + std::to_string(kMaxIncluded));
  }
}

void set_stream(Table& table, const api::StreamSpecification& given, base::Timestamp now) {
  if (given.StreamEnabled) {
    if (table.stream() != nullptr) invalid("Table already has an enabled stream: TableName: " + table.name.name);
    if (!given.StreamViewType) {
      invalid_values("StreamViewType must be specified when StreamEnabled is true");
    }
    auto label = base::iso8601(now, true);
    label.pop_back();  // AWS writes no Z
    table.streams.push_back({std::move(label), *given.StreamViewType, true});
  } else {
    if (given.StreamViewType) invalid_values("StreamViewType must not be specified when StreamEnabled is false");
    if (table.stream() != nullptr) table.streams.back().enabled = false;
  }
}

// The default, a key that AWS owns, asks for nothing. A key of KMS is refused: there is no KMS.
void check_encryption(const std::optional<api::SSESpecification>& given) {
  if (given && (given->KMSMasterKeyId || given->SSEType || given->Enabled.value_or(false))) {
    not_offered("encryption with KMS keys (SSESpecification)");
  }
}

api::ProvisionedThroughputDescription to_wire(const Throughput& throughput) {
  api::ProvisionedThroughputDescription out;
  out.NumberOfDecreasesToday = 0;
  out.ReadCapacityUnits = throughput.read;
  out.WriteCapacityUnits = throughput.write;
  return out;
}

std::vector<api::KeySchemaElement> to_wire(const KeySchema& key) {
  std::vector<api::KeySchemaElement> out{{key.hash, "HASH"}};
  if (!key.range.empty()) out.push_back({key.range, "RANGE"});
  return out;
}

api::Projection to_wire_projection(const Index& index) {
  api::Projection out;
  out.ProjectionType = index.projection;
  if (!index.include.empty()) out.NonKeyAttributes = index.include;
  return out;
}

// Attributes that no key uses any more go with the index that used them.
void drop_unused_attributes(Table& table) {
  std::erase_if(table.attributes, [&](const auto& attribute) {
    return !table.key.has(attribute.first) && std::none_of(table.indexes.begin(), table.indexes.end(),
                                                           [&](const Index& index) { return index.key.has(attribute.first); });
  });
}

bool same(const Throughput& a, const Throughput& b) { return a.read == b.read && a.write == b.write; }

}  // namespace

Table define(const TableKey& name, const api::CreateTableInput& request, base::Timestamp now) {
  if (request.OnDemandThroughput) not_offered("OnDemandThroughput");
  if (request.WarmThroughput) not_offered("WarmThroughput");
  if (request.GlobalTableSourceArn || request.GlobalTableSettingsReplicationMode) not_offered("global tables");
  if (request.VectorIndexes) not_offered("VectorIndexes");
  check_encryption(request.SSESpecification);
  if (!request.AttributeDefinitions || !request.KeySchema) {
    invalid_values("AttributeDefinitions and KeySchema must be specified");
  }

  Table table;
  table.name = name;
  table.id = base::random_u64() >> 1;
  table.uuid = base::uuid();
  table.status = "CREATING";
  table.created = now.ms;
  table.on_demand = request.BillingMode == "PAY_PER_REQUEST";
  if (table.on_demand) {
    table.on_demand_since = now.ms;
    if (request.ProvisionedThroughput) {
      invalid_values("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
    }
  } else if (!request.ProvisionedThroughput) {
    invalid_values("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
  }
  table.throughput = throughput_of(request.ProvisionedThroughput);
  set_attributes(table, *request.AttributeDefinitions);
  for (const auto& element : *request.KeySchema) {
    if (!table.attributes.contains(element.AttributeName)) {
      invalid("Invalid KeySchema: Some index key attribute have no definition");
    }
  }
  table.key = key_schema(*request.KeySchema, table.attributes);
  if (request.LocalSecondaryIndexes) {
    if (request.LocalSecondaryIndexes->empty()) invalid_values("List of LocalSecondaryIndexes is empty");
    if (request.LocalSecondaryIndexes->size() > kMaxLocal) {
      invalid_values("Number of LocalSecondaryIndexes exceeds per-table limit of " + std::to_string(kMaxLocal));
    }
    for (const auto& index : *request.LocalSecondaryIndexes) add_local_index(table, index);
  }
  if (request.GlobalSecondaryIndexes) {
    if (request.GlobalSecondaryIndexes->empty()) invalid_values("List of GlobalSecondaryIndexes is empty");
    if (request.GlobalSecondaryIndexes->size() > kMaxGlobal) {
      invalid_values("GlobalSecondaryIndex count exceeds the per-table limit of " + std::to_string(kMaxGlobal));
    }
    for (const auto& index : *request.GlobalSecondaryIndexes) add_index(table, global_index(table, index));
  }
  check_attributes(table);
  check_included(table);
  if (request.StreamSpecification) set_stream(table, *request.StreamSpecification, now);
  table.protected_from_deletion = request.DeletionProtectionEnabled.value_or(false);
  table.table_class = request.TableClass.value_or("");
  if (request.Tags) {
    for (const auto& tag : *request.Tags) table.tags[tag.Key] = tag.Value;
    if (table.tags.size() > kMaxTags) invalid_values("Too many tags");
  }
  return table;
}

Table redefine(Table table, const api::UpdateTableInput& request, base::Timestamp now) {
  if (request.ReplicaUpdates || request.MultiRegionConsistency || request.GlobalTableWitnessUpdates ||
      request.GlobalTableSettingsReplicationMode) {
    not_offered("global tables");
  }
  if (request.OnDemandThroughput) not_offered("OnDemandThroughput");
  if (request.WarmThroughput) not_offered("WarmThroughput");
  if (request.VectorIndexUpdates) not_offered("VectorIndexes");
  if (request.DisassociationProtectionEnabled) not_offered("DisassociationProtectionEnabled");
  check_encryption(request.SSESpecification);
  const auto& updates = request.GlobalSecondaryIndexUpdates;
  if (!request.BillingMode && !request.ProvisionedThroughput && (!updates || updates->empty()) && !request.StreamSpecification &&
      !request.TableClass && !request.DeletionProtectionEnabled && !request.SSESpecification) {
    invalid(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
        "SSESpecification "
        "or ReplicaUpdates is required");
  }
  if (table.status != "ACTIVE") {
    throw api::ResourceInUseException("Attempt to change a resource which is still in use: Table is being updated: " +
                                      table.name.name);
  }
  const bool was_on_demand = table.on_demand;
  if (request.BillingMode) table.on_demand = *request.BillingMode == "PAY_PER_REQUEST";
  if (table.on_demand && request.ProvisionedThroughput) {
    invalid_values("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
  }
  if (!table.on_demand && was_on_demand && !request.ProvisionedThroughput) {
    invalid_values("ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
  }
  if (table.on_demand && !was_on_demand) {
    table.on_demand_since = now.ms;
    table.throughput = {};
    for (auto& index : table.indexes) index.throughput = {};
  }
  if (request.ProvisionedThroughput) {
    const auto wanted = throughput_of(request.ProvisionedThroughput);
    if (!was_on_demand && same(wanted, table.throughput)) {
      invalid(
          "The provisioned throughput for the table will not change. The requested value equals the current value. Current "
          "ReadCapacityUnits provisioned for the table: " +
          std::to_string(wanted.read) + ". Requested ReadCapacityUnits: " + std::to_string(wanted.read) +
          ". Current WriteCapacityUnits provisioned for the table: " + std::to_string(wanted.write) +
          ". Requested WriteCapacityUnits: " + std::to_string(wanted.write) +
          ". Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.");
    }
    table.throughput = wanted;
  }
  if (request.AttributeDefinitions) set_attributes(table, *request.AttributeDefinitions);
  std::size_t created = 0, deleted = 0;
  for (const auto& update : updates.value_or(std::vector<api::GlobalSecondaryIndexUpdate>{})) {
    if (update.Create) {
      ++created;
      auto& index = add_index(table, global_index(table, *update.Create));
      index.status = "CREATING";
    }
    if (update.Delete || update.Update) {
      const auto& name = update.Delete ? update.Delete->IndexName : update.Update->IndexName;
      auto* index = table.index(name);
      if (index == nullptr || !index->global) {
        throw api::ResourceNotFoundException("Requested resource not found: Table: " + table.name.name + " not found");
      }
      if (index->status != "ACTIVE") {
        throw api::ResourceInUseException("Attempt to change a resource which is still in use: Index is being updated: " + name);
      }
      if (update.Delete) {
        ++deleted;
        index->status = "DELETING";
      } else if (update.Update->ProvisionedThroughput) {
        index->throughput = throughput_of(update.Update->ProvisionedThroughput);
      }
    }
  }
  if (created + deleted > 1) {
    throw api::LimitExceededException(
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table");
  }
  const auto global = std::count_if(table.indexes.begin(), table.indexes.end(), [](const auto& index) { return index.global; });
  if (static_cast<std::size_t>(global) > kMaxGlobal) {
    invalid_values("GlobalSecondaryIndex count exceeds the per-table limit of " + std::to_string(kMaxGlobal));
  }
  check_included(table);
  if (!table.on_demand && was_on_demand) {
    for (const auto& index : table.indexes) {
      if (index.global && index.throughput.read == 0)
        invalid_values("ProvisionedThroughput must be specified for index: " + index.name);
    }
  }
  if (request.StreamSpecification) set_stream(table, *request.StreamSpecification, now);
  if (request.DeletionProtectionEnabled) table.protected_from_deletion = *request.DeletionProtectionEnabled;
  if (request.TableClass) table.table_class = *request.TableClass;
  drop_unused_attributes(table);
  table.status = "UPDATING";
  return table;
}

template <class Request>
Overrides overrides_of(const Request& request) {
  if (request.OnDemandThroughputOverride) not_offered("OnDemandThroughputOverride");
  if (request.VectorIndexOverride) not_offered("VectorIndexOverride");
  check_encryption(request.SSESpecificationOverride);
  return {request.BillingModeOverride, request.ProvisionedThroughputOverride, request.GlobalSecondaryIndexOverride,
          request.LocalSecondaryIndexOverride};
}
template Overrides overrides_of(const api::RestoreTableFromBackupInput& request);
template Overrides overrides_of(const api::RestoreTableToPointInTimeInput& request);

namespace {

bool same(const Index& index, const auto& given) {
  Index wanted;
  set_projection(wanted, given.Projection);
  const auto schema = to_wire(index.key);
  return index.projection == wanted.projection &&
         std::set(index.include.begin(), index.include.end()) == std::set(wanted.include.begin(), wanted.include.end()) &&
         std::equal(schema.begin(), schema.end(), given.KeySchema.begin(), given.KeySchema.end(),
                    [](const auto& a, const auto& b) { return a.AttributeName == b.AttributeName && a.KeyType == b.KeyType; });
}

// Keeps of the indexes of one kind those that are given; each must be one of the source's.
template <class Definition>
void keep_indexes(Table& table, bool global, const std::optional<std::vector<Definition>>& given) {
  if (!given) return;
  std::set<std::string> kept;
  for (const auto& wanted : *given) {
    auto* index = table.index(wanted.IndexName);
    if (index == nullptr || index->global != global || !same(*index, wanted)) {
      invalid_values("The index " + wanted.IndexName + " does not match an index of the source table");
    }
    kept.insert(wanted.IndexName);
    if constexpr (requires { wanted.ProvisionedThroughput; }) {
      if (wanted.OnDemandThroughput) not_offered("OnDemandThroughput");
      if (wanted.WarmThroughput) not_offered("WarmThroughput");
      if (wanted.ProvisionedThroughput && table.on_demand) {
        invalid_values("ProvisionedThroughput should not be specified for index: " + index->name +
                       " when BillingMode is PAY_PER_REQUEST");
      }
      if (wanted.ProvisionedThroughput) index->throughput = throughput_of(wanted.ProvisionedThroughput);
    }
  }
  std::erase_if(table.indexes, [&](const Index& index) { return index.global == global && !kept.contains(index.name); });
}

}  // namespace

Table define_restored(const Table& source, const TableKey& name, const Overrides& overrides, Origin origin, base::Timestamp now) {
  Table table;
  table.name = name;
  table.id = base::random_u64() >> 1;
  table.uuid = base::uuid();
  table.status = "CREATING";
  table.created = now.ms;
  table.attributes = source.attributes;
  table.key = source.key;
  table.on_demand = overrides.billing ? *overrides.billing == "PAY_PER_REQUEST" : source.on_demand;
  table.throughput = source.throughput;
  table.indexes = source.indexes;
  table.next_index = source.next_index;
  table.table_class = source.table_class;
  table.origin = std::move(origin);
  if (table.on_demand) {
    if (overrides.throughput) {
      invalid_values("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
    }
    table.on_demand_since = now.ms;
    table.throughput = {};
    for (auto& index : table.indexes) index.throughput = {};
  }
  if (overrides.throughput) table.throughput = throughput_of(overrides.throughput);
  if (!table.on_demand && table.throughput.read == 0) {
    invalid_values("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
  }
  std::erase_if(table.indexes, [](const Index& index) { return index.status == "DELETING"; });
  keep_indexes(table, true, overrides.global);
  keep_indexes(table, false, overrides.local);
  for (auto& index : table.indexes) {
    if (!table.on_demand && index.global && index.throughput.read == 0) {
      invalid_values("ProvisionedThroughput must be specified for index: " + index.name);
    }
    index.status = "CREATING";  // until its rows are there
  }
  drop_unused_attributes(table);
  return table;
}

api::TableDescription describe(const Table& table, const Growth& size) {
  api::TableDescription out;
  auto& attributes = out.AttributeDefinitions.emplace();
  for (const auto& [name, type] : table.attributes) attributes.push_back({name, type});
  out.TableName = table.name.name;
  out.KeySchema = to_wire(table.key);
  out.TableStatus = table.status;
  out.CreationDateTime = base::Timestamp{table.created};
  out.ProvisionedThroughput = to_wire(table.throughput);
  out.TableSizeBytes = std::max<std::int64_t>(0, size.table.bytes);
  out.ItemCount = std::max<std::int64_t>(0, size.table.items);
  out.TableArn = table.arn();
  out.TableId = table.uuid;
  if (table.on_demand) {
    auto& billing = out.BillingModeSummary.emplace();
    billing.BillingMode = "PAY_PER_REQUEST";
    billing.LastUpdateToPayPerRequestDateTime = base::Timestamp{table.on_demand_since};
  }
  for (const auto& index : table.indexes) {
    const auto fill = [&](auto& description) {
      description.IndexName = index.name;
      description.KeySchema = to_wire(index.key);
      description.Projection = to_wire_projection(index);
      description.IndexArn = table.arn() + "/index/" + index.name;
      const auto it = size.indexes.find(index.id);
      const auto held = it == size.indexes.end() ? Size{} : it->second;
      description.IndexSizeBytes = std::max<std::int64_t>(0, held.bytes);
      description.ItemCount = std::max<std::int64_t>(0, held.items);
    };
    if (index.global) {
      if (!out.GlobalSecondaryIndexes) out.GlobalSecondaryIndexes.emplace();
      auto& description = out.GlobalSecondaryIndexes->emplace_back();
      fill(description);
      description.IndexStatus = index.status;
      if (index.status == "CREATING") description.Backfilling = true;
      description.ProvisionedThroughput = to_wire(index.throughput);
    } else {
      if (!out.LocalSecondaryIndexes) out.LocalSecondaryIndexes.emplace();
      fill(out.LocalSecondaryIndexes->emplace_back());
    }
  }
  if (const auto* stream = table.stream()) {
    out.StreamSpecification = api::StreamSpecification{true, stream->view};
  }
  if (!table.streams.empty()) {
    out.LatestStreamLabel = table.streams.back().label;
    out.LatestStreamArn = table.stream_arn(table.streams.back());
  }
  if (!table.table_class.empty()) {
    auto& summary = out.TableClassSummary.emplace();
    summary.TableClass = table.table_class;
  }
  if (table.origin) {
    auto& summary = out.RestoreSummary.emplace();
    if (!table.origin->backup_arn.empty()) summary.SourceBackupArn = table.origin->backup_arn;
    summary.SourceTableArn = table.origin->table_arn;
    summary.RestoreDateTime = base::Timestamp{table.origin->time};
    summary.RestoreInProgress = table.status == "CREATING";
  }
  out.DeletionProtectionEnabled = table.protected_from_deletion;
  return out;
}

}  // namespace lambari::dynamodb
