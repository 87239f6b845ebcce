#include "services/dynamodb/tables.h"

#include "aws/dynamodb/types.h"
#include "services/dynamodb/convert.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/state.h"

namespace lambari::dynamodb {
namespace {

constexpr std::size_t kMaxEntries = 10'000;

}  // namespace

TableKey table_key(const wire::Call& call, const std::string& name_or_arn) {
  if (auto key = parse_arn(name_or_arn)) return *key;
  check_table_name(name_or_arn);
  return {call.account, call.region, name_or_arn};
}

SharedTable Tables::find(store::Reader& reader, const TableKey& name) {
  auto key = keys::table(name);
  auto row = reader.get(key);
  const std::lock_guard lock(mutex_);
  if (!row) {
    entries_.erase(key);
    return nullptr;
  }
  if (const auto it = entries_.find(key); it != entries_.end() && it->second.row == *row) return it->second.table;
  auto table = std::make_shared<const Table>(decode_table(*row));
  if (entries_.size() >= kMaxEntries) entries_.clear();
  entries_.insert_or_assign(std::move(key), Entry{std::move(*row), table});
  return table;
}

SharedTable Tables::need(store::Reader& reader, const TableKey& name) {
  auto table = find(reader, name);
  if (!table || table->status == "CREATING" || table->status == "DELETING") {
    throw aws::dynamodb::ResourceNotFoundException("Requested resource not found");
  }
  return table;
}

SharedTable Tables::describe(store::Reader& reader, const TableKey& name) {
  auto table = find(reader, name);
  if (!table) throw aws::dynamodb::ResourceNotFoundException("Requested resource not found: Table: " + name.name + " not found");
  return table;
}

}  // namespace lambari::dynamodb
