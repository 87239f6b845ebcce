// The rows of the room, read and written inside transactions. Keeps the reference index of blobs beside the rows that name them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/lambda/model.h"
#include "store/store.h"

namespace lambari::lambda::rows {

using store::Reader;
using store::Transaction;

std::optional<Function> function(Reader& reader, const FunctionKey& key);
std::optional<Version> version(Reader& reader, const FunctionKey& key, std::uint64_t number);
std::optional<Alias> alias(Reader& reader, const FunctionKey& key, std::string_view name);
std::optional<Policy> policy(Reader& reader, const FunctionKey& key, std::string_view qualifier);
std::optional<int> reserved(Reader& reader, const FunctionKey& key);
// Of all functions of an account in a region: reservations, and what is provisioned for functions without one.
int total_set_aside(Reader& reader, std::string_view account, std::string_view region);

std::optional<Provisioned> provisioned(Reader& reader, const FunctionKey& key, std::string_view qualifier);
std::map<std::string, Provisioned> provisioned(Reader& reader, const FunctionKey& key);  // by qualifier
// All functions that have some, of all accounts.
std::vector<FunctionKey> provisioned_functions(Reader& reader);
void put_provisioned(Transaction& t, const FunctionKey& key, std::string_view qualifier,
                     const std::optional<Provisioned>& config);

void put(Transaction& t, const Function& function);
// Also keeps `pending` and `use` in step with the row. Zips that may have lost their last user are added to `loose`.
void put(Transaction& t, const Version& version, std::vector<std::string>& loose);
void put(Transaction& t, const FunctionKey& key, const Alias& alias);
// With its policy and its provisioned concurrency.
void erase_alias(Transaction& t, const FunctionKey& key, std::string_view name);
void put_policy(Transaction& t, const FunctionKey& key, std::string_view qualifier, const Policy& policy);

void put_reserved(Transaction& t, const FunctionKey& key, std::optional<int> count);

void erase_version(Transaction& t, const FunctionKey& key, std::uint64_t number, std::vector<std::string>& loose);
// With versions, aliases, policies, reservation and provisioned concurrency.
void erase_function(Transaction& t, const FunctionKey& key, std::vector<std::string>& loose);

std::optional<Layer> layer(Reader& reader, std::string_view account, std::string_view region, std::string_view name);
std::optional<LayerVersion> layer_version(Reader& reader, std::string_view account, std::string_view region,
                                          std::string_view name, std::uint64_t number);
std::optional<Policy> layer_policy(Reader& reader, std::string_view account, std::string_view region, std::string_view name,
                                   std::uint64_t number);
void put_layer_policy(Transaction& t, std::string_view account, std::string_view region, std::string_view name,
                      std::uint64_t number, const Policy& policy);
void put_layer(Transaction& t, std::string_view account, std::string_view region, std::string_view name, const Layer& layer);
void put(Transaction& t, const LayerVersion& version);
void erase_layer_version(Transaction& t, std::string_view account, std::string_view region, std::string_view name,
                         std::uint64_t number, std::vector<std::string>& loose);

bool used(Reader& reader, std::string_view zip);
// Zips that a row stopped naming; nobody has looked yet whether another one does.
std::vector<std::string> loose(Reader& reader);
void erase_loose(Transaction& t, std::string_view zip);

// Rows of a scan, with their keys put back.
std::vector<Version> versions(Reader& reader, const FunctionKey& key, std::uint64_t after_number, bool from_start,
                              std::size_t limit);
std::vector<std::string> function_names(Reader& reader, std::string_view account, std::string_view region, std::string_view after,
                                        std::size_t limit);
std::vector<Alias> aliases(Reader& reader, const FunctionKey& key, std::string_view after, std::size_t limit);
std::vector<std::string> layer_names(Reader& reader, std::string_view account, std::string_view region, std::string_view after,
                                     std::size_t limit);
// Newest first, numbers below `before` (0: all).
std::vector<LayerVersion> layer_versions(Reader& reader, std::string_view account, std::string_view region, std::string_view name,
                                         std::uint64_t before, std::size_t limit);

// The first ones of all accounts, without their keys.
std::vector<Version> first_versions(Reader& reader, std::size_t limit);

struct PendingVersion {
  FunctionKey function;
  std::uint64_t number = 0;
};
std::vector<PendingVersion> pending(Reader& reader);

// Kept in step by the writes above, in their transactions.
struct Usage {
  std::uint64_t functions = 0, code_bytes = 0;
};
Usage usage(Reader& reader, std::string_view account, std::string_view region);

}  // namespace lambari::lambda::rows
