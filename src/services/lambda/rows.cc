#include "services/lambda/rows.h"

#include <set>

#include "base/text.h"
#include "services/lambda/keys.h"
#include "services/lambda/url_model.h"

namespace lambari::lambda::rows {
namespace {

using store::KeyReader;
using store::prefix_range;

constexpr std::size_t kScan = 512;

std::set<std::string> zips_of(const Version& v) {
  std::set<std::string> zips{v.code.zip};
  if (v.code.image) zips.insert(v.code.image->parts.begin(), v.code.image->parts.end());
  for (const auto& layer : v.configuration.layers) zips.insert(layer.code.zip);
  return zips;
}

void drop_use(Transaction& t, const std::string& zip, const std::string& owner, std::vector<std::string>& loose) {
  t.erase(keys::use(zip, owner));
  t.put(keys::loose(zip), "");
  loose.push_back(zip);
}

// Reads all of `range`, a piece at a time.
template <class Visit>
void each(Reader& reader, store::Range range, Visit visit) {
  for (;;) {
    const auto rows = reader.scan(range, kScan);
    for (const auto& row : rows) visit(row);
    if (rows.size() < kScan) return;
    range.begin = rows.back().key + '\0';
  }
}

bool read_function_key(KeyReader& reader, FunctionKey& out) {
  std::string table;
  return reader.text(table) && reader.text(out.account) && reader.text(out.region) && reader.text(out.name);
}

// Before the write that changes it.
void add_usage(Transaction& t, std::string_view account, std::string_view region, int functions, std::int64_t bytes) {
  if (functions == 0 && bytes == 0) return;
  const auto before = usage(t, account, region);
  const auto now_functions = static_cast<std::int64_t>(before.functions) + functions;
  const auto now_bytes = static_cast<std::int64_t>(before.code_bytes) + bytes;
  if (now_functions == 0 && now_bytes == 0) {
    t.erase(keys::stored(account, region));
  } else {
    t.put(keys::stored(account, region), std::to_string(now_functions) + " " + std::to_string(now_bytes));
  }
}

bool unfinished(const Version& v) { return v.state == "Pending" || v.update_status == "InProgress"; }

}  // namespace

std::optional<Function> function(Reader& reader, const FunctionKey& key) {
  const auto bytes = reader.get(keys::function(key));
  if (!bytes) return std::nullopt;
  auto function = decode_function(*bytes);
  function.key = key;
  return function;
}

std::optional<Version> version(Reader& reader, const FunctionKey& key, std::uint64_t number) {
  const auto bytes = reader.get(keys::version(key, number));
  if (!bytes) return std::nullopt;
  auto version = decode_version(*bytes);
  version.function = key;
  version.number = number;
  return version;
}

std::optional<Alias> alias(Reader& reader, const FunctionKey& key, std::string_view name) {
  const auto bytes = reader.get(keys::alias(key, name));
  if (!bytes) return std::nullopt;
  auto alias = decode_alias(*bytes);
  alias.name = name;
  return alias;
}

std::optional<Policy> policy(Reader& reader, const FunctionKey& key, std::string_view qualifier) {
  return reader.get(keys::policy(key, qualifier)).transform(decode_policy);
}

std::optional<int> reserved(Reader& reader, const FunctionKey& key) {
  return reader.get(keys::reserved(key)).transform([](const std::string& bytes) {
    return static_cast<int>(base::parse_int(bytes).value_or(0));
  });
}

int total_set_aside(Reader& reader, std::string_view account, std::string_view region) {
  int total = 0;
  std::set<std::string> with_reservation;
  each(reader, prefix_range(keys::all_reserved(account, region)), [&](const store::KeyValue& row) {
    total += static_cast<int>(base::parse_int(row.value).value_or(0));
    KeyReader fields(row.key);
    if (FunctionKey key; read_function_key(fields, key)) with_reservation.insert(std::move(key.name));
  });
  each(reader, prefix_range(keys::all_provisioned(account, region)), [&](const store::KeyValue& row) {
    KeyReader fields(row.key);
    FunctionKey key;
    if (read_function_key(fields, key) && !with_reservation.contains(key.name)) total += decode_provisioned(row.value).requested;
  });
  return total;
}

std::optional<Provisioned> provisioned(Reader& reader, const FunctionKey& key, std::string_view qualifier) {
  const auto bytes = reader.get(keys::provisioned(key, qualifier));
  if (!bytes) return std::nullopt;
  return decode_provisioned(*bytes);
}

std::map<std::string, Provisioned> provisioned(Reader& reader, const FunctionKey& key) {
  std::map<std::string, Provisioned> out;
  each(reader, prefix_range(keys::provisioned(key)), [&](const store::KeyValue& row) {
    KeyReader fields(row.key);
    FunctionKey ignored;
    std::string qualifier;
    if (read_function_key(fields, ignored) && fields.text(qualifier)) out.emplace(qualifier, decode_provisioned(row.value));
  });
  return out;
}

std::vector<FunctionKey> provisioned_functions(Reader& reader) {
  std::vector<FunctionKey> out;
  each(reader, prefix_range(keys::all_provisioned()), [&](const store::KeyValue& row) {
    KeyReader fields(row.key);
    FunctionKey key;
    if (read_function_key(fields, key) && (out.empty() || out.back() != key)) out.push_back(std::move(key));
  });
  return out;
}

void put_provisioned(Transaction& t, const FunctionKey& key, std::string_view qualifier,
                     const std::optional<Provisioned>& config) {
  if (config) {
    t.put(keys::provisioned(key, qualifier), encode(*config));
  } else {
    t.erase(keys::provisioned(key, qualifier));
  }
}

void put(Transaction& t, const Function& f) {
  const auto key = keys::function(f.key);
  if (!t.get(key)) add_usage(t, f.key.account, f.key.region, 1, 0);
  t.put(key, encode(f));
}

void put(Transaction& t, const Version& v, std::vector<std::string>& loose) {
  const auto key = keys::version(v.function, v.number);
  const auto now = zips_of(v);
  std::set<std::string> before;
  auto growth = static_cast<std::int64_t>(v.code.size);
  if (const auto old = version(t, v.function, v.number)) {
    before = zips_of(*old);
    growth -= static_cast<std::int64_t>(old->code.size);
  }
  add_usage(t, v.function.account, v.function.region, 0, growth);
  for (const auto& zip : before) {
    if (!now.contains(zip)) drop_use(t, zip, key, loose);
  }
  for (const auto& zip : now) {
    if (!before.contains(zip)) t.put(keys::use(zip, key), "");
  }
  if (unfinished(v)) {
    t.put(keys::pending(v.function, v.number), "");
  } else {
    t.erase(keys::pending(v.function, v.number));
  }
  t.put(key, encode(v));
}

void put(Transaction& t, const FunctionKey& key, const Alias& alias) { t.put(keys::alias(key, alias.name), encode(alias)); }

void erase_alias(Transaction& t, const FunctionKey& key, std::string_view name) {
  t.erase(keys::alias(key, name));
  t.erase(keys::policy(key, name));
  t.erase(keys::event_invoke(key, name));
  t.erase(keys::provisioned(key, name));
  erase_function_url(t, key, name);
}

void put_policy(Transaction& t, const FunctionKey& key, std::string_view qualifier, const Policy& policy) {
  if (policy.statements.empty()) {
    t.erase(keys::policy(key, qualifier));
  } else {
    t.put(keys::policy(key, qualifier), encode(policy));
  }
}

std::optional<Policy> layer_policy(Reader& reader, std::string_view account, std::string_view region, std::string_view name,
                                   std::uint64_t number) {
  return reader.get(keys::layer_policy(account, region, name, number)).transform(decode_policy);
}

void put_layer_policy(Transaction& t, std::string_view account, std::string_view region, std::string_view name,
                      std::uint64_t number, const Policy& policy) {
  if (policy.statements.empty()) {
    t.erase(keys::layer_policy(account, region, name, number));
  } else {
    t.put(keys::layer_policy(account, region, name, number), encode(policy));
  }
}

void put_reserved(Transaction& t, const FunctionKey& key, std::optional<int> count) {
  if (count) {
    t.put(keys::reserved(key), std::to_string(*count));
  } else {
    t.erase(keys::reserved(key));
  }
}

void erase_version(Transaction& t, const FunctionKey& key, std::uint64_t number, std::vector<std::string>& loose) {
  const auto row = version(t, key, number);
  if (!row) return;
  const auto owner = keys::version(key, number);
  add_usage(t, key.account, key.region, 0, -static_cast<std::int64_t>(row->code.size));
  for (const auto& zip : zips_of(*row)) drop_use(t, zip, owner, loose);
  t.erase(owner);
  t.erase(keys::pending(key, number));
  t.erase(keys::policy(key, row->label()));
  t.erase(keys::event_invoke(key, row->label()));
  t.erase(keys::provisioned(key, row->label()));
}

void erase_function(Transaction& t, const FunctionKey& key, std::vector<std::string>& loose) {
  std::vector<std::uint64_t> numbers;
  each(t, prefix_range(keys::versions(key)), [&](const store::KeyValue& row) {
    KeyReader reader(row.key);
    FunctionKey ignored;
    std::uint64_t number = 0;
    if (read_function_key(reader, ignored) && reader.number(number)) numbers.push_back(number);
  });
  for (const auto number : numbers) erase_version(t, key, number, loose);
  t.erase(prefix_range(keys::aliases(key)));
  t.erase(prefix_range(keys::policies(key)));
  t.erase(prefix_range(keys::event_invokes(key)));
  t.erase(prefix_range(keys::provisioned(key)));
  erase_function_urls(t, key);
  t.erase(keys::reserved(key));
  add_usage(t, key.account, key.region, -1, 0);
  t.erase(keys::function(key));
}

std::optional<Layer> layer(Reader& reader, std::string_view account, std::string_view region, std::string_view name) {
  return reader.get(keys::layer(account, region, name)).transform(decode_layer);
}

std::optional<LayerVersion> layer_version(Reader& reader, std::string_view account, std::string_view region,
                                          std::string_view name, std::uint64_t number) {
  const auto bytes = reader.get(keys::layer_version(account, region, name, number));
  if (!bytes) return std::nullopt;
  auto version = decode_layer_version(*bytes);
  version.account = account;
  version.region = region;
  version.name = name;
  version.number = number;
  return version;
}

void put_layer(Transaction& t, std::string_view account, std::string_view region, std::string_view name, const Layer& layer) {
  t.put(keys::layer(account, region, name), encode(layer));
}

void put(Transaction& t, const LayerVersion& v) {
  const auto key = keys::layer_version(v.account, v.region, v.name, v.number);
  if (!t.get(key)) add_usage(t, v.account, v.region, 0, static_cast<std::int64_t>(v.code.size));
  t.put(keys::use(v.code.zip, key), "");
  t.put(key, encode(v));
}

void erase_layer_version(Transaction& t, std::string_view account, std::string_view region, std::string_view name,
                         std::uint64_t number, std::vector<std::string>& loose) {
  const auto row = layer_version(t, account, region, name, number);
  if (!row) return;
  const auto key = keys::layer_version(account, region, name, number);
  add_usage(t, account, region, 0, -static_cast<std::int64_t>(row->code.size));
  drop_use(t, row->code.zip, key, loose);
  t.erase(key);
  t.erase(keys::layer_policy(account, region, name, number));
}

bool used(Reader& reader, std::string_view zip) { return !reader.scan(prefix_range(keys::uses(zip)), 1).empty(); }

std::vector<std::string> loose(Reader& reader) {
  std::vector<std::string> out;
  each(reader, prefix_range(keys::all_loose()), [&](const store::KeyValue& row) {
    KeyReader fields(row.key);
    std::string table, zip;
    if (fields.text(table) && fields.text(zip)) out.push_back(std::move(zip));
  });
  return out;
}

void erase_loose(Transaction& t, std::string_view zip) { t.erase(keys::loose(zip)); }

std::vector<Version> versions(Reader& reader, const FunctionKey& key, std::uint64_t after_number, bool from_start,
                              std::size_t limit) {
  auto range = prefix_range(keys::versions(key));
  if (!from_start) range.begin = keys::version(key, after_number + 1);
  std::vector<Version> out;
  for (const auto& row : reader.scan(range, limit)) {
    KeyReader fields(row.key);
    auto version = decode_version(row.value);
    if (!read_function_key(fields, version.function) || !fields.number(version.number)) continue;
    out.push_back(std::move(version));
  }
  return out;
}

std::vector<std::string> function_names(Reader& reader, std::string_view account, std::string_view region, std::string_view after,
                                        std::size_t limit) {
  auto range = prefix_range(keys::functions(account, region));
  if (!after.empty()) range.begin = keys::function({std::string(account), std::string(region), std::string(after)}) + '\0';
  std::vector<std::string> out;
  for (const auto& row : reader.scan(range, limit)) {
    KeyReader fields(row.key);
    FunctionKey key;
    if (read_function_key(fields, key)) out.push_back(std::move(key.name));
  }
  return out;
}

std::vector<Alias> aliases(Reader& reader, const FunctionKey& key, std::string_view after, std::size_t limit) {
  auto range = prefix_range(keys::aliases(key));
  if (!after.empty()) range.begin = keys::alias(key, after) + '\0';
  std::vector<Alias> out;
  for (const auto& row : reader.scan(range, limit)) {
    KeyReader fields(row.key);
    FunctionKey ignored;
    auto alias = decode_alias(row.value);
    if (read_function_key(fields, ignored) && fields.text(alias.name)) out.push_back(std::move(alias));
  }
  return out;
}

std::vector<std::string> layer_names(Reader& reader, std::string_view account, std::string_view region, std::string_view after,
                                     std::size_t limit) {
  auto range = prefix_range(keys::layers(account, region));
  if (!after.empty()) range.begin = keys::layer(account, region, after) + '\0';
  std::vector<std::string> out;
  for (const auto& row : reader.scan(range, limit)) {
    KeyReader fields(row.key);
    FunctionKey key;
    if (read_function_key(fields, key)) out.push_back(std::move(key.name));
  }
  return out;
}

std::vector<LayerVersion> layer_versions(Reader& reader, std::string_view account, std::string_view region, std::string_view name,
                                         std::uint64_t before, std::size_t limit) {
  auto range = prefix_range(keys::layer_versions(account, region, name));
  if (before != 0) range.end = keys::layer_version(account, region, name, before);
  std::vector<LayerVersion> out;
  for (const auto& row : reader.scan(range, limit, store::Order::descending)) {
    KeyReader fields(row.key);
    std::string table;
    auto version = decode_layer_version(row.value);
    if (fields.text(table) && fields.text(version.account) && fields.text(version.region) && fields.text(version.name) &&
        fields.number(version.number)) {
      out.push_back(std::move(version));
    }
  }
  return out;
}

std::vector<Version> first_versions(Reader& reader, std::size_t limit) {
  std::vector<Version> out;
  for (const auto& row : reader.scan(prefix_range(keys::all_versions()), limit)) out.push_back(decode_version(row.value));
  return out;
}

std::vector<PendingVersion> pending(Reader& reader) {
  std::vector<PendingVersion> out;
  each(reader, prefix_range(keys::all_pending()), [&](const store::KeyValue& row) {
    KeyReader fields(row.key);
    PendingVersion item;
    if (read_function_key(fields, item.function) && fields.number(item.number)) out.push_back(std::move(item));
  });
  return out;
}

Usage usage(Reader& reader, std::string_view account, std::string_view region) {
  Usage usage;
  if (const auto bytes = reader.get(keys::stored(account, region))) {
    const auto [functions, code] = base::cut(*bytes, ' ');
    usage.functions = static_cast<std::uint64_t>(base::parse_int(functions).value_or(0));
    usage.code_bytes = static_cast<std::uint64_t>(base::parse_int(code).value_or(0));
    return usage;
  }
  // Nothing was written since this row is kept: it is counted once.
  each(reader, prefix_range(keys::functions(account, region)), [&](const store::KeyValue&) { ++usage.functions; });
  each(reader, prefix_range(keys::all_versions(account, region)),
       [&](const store::KeyValue& row) { usage.code_bytes += decode_version(row.value).code.size; });
  each(reader, prefix_range(keys::all_layer_versions(account, region)),
       [&](const store::KeyValue& row) { usage.code_bytes += decode_layer_version(row.value).code.size; });
  return usage;
}

}  // namespace lambari::lambda::rows
