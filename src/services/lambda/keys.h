// The only place that spells this room's keys. README.md has the same as a table.
#pragma once

#include <string>
#include <string_view>

#include "services/lambda/mapping_model.h"
#include "services/lambda/model.h"
#include "store/key.h"
#include "store/store.h"

namespace lambari::lambda::keys {

using store::Key;

inline Key under(std::string_view table, const FunctionKey& f) { return Key(table).text(f.account).text(f.region).text(f.name); }

// lambda/function, account, region, name -> Function
inline std::string function(const FunctionKey& f) { return under("lambda/function", f).str(); }
inline std::string functions(std::string_view account, std::string_view region) {
  return Key("lambda/function").text(account).text(region).str();
}

// lambda/version, account, region, name, number -> Version; $LATEST is number 0
inline std::string version(const FunctionKey& f, std::uint64_t number) { return under("lambda/version", f).number(number).str(); }
inline std::string versions(const FunctionKey& f) { return under("lambda/version", f).str(); }
inline std::string all_versions(std::string_view account, std::string_view region) {
  return Key("lambda/version").text(account).text(region).str();
}
inline std::string all_versions() { return Key("lambda/version").str(); }

// lambda/alias, account, region, name, alias -> Alias
inline std::string alias(const FunctionKey& f, std::string_view name) { return under("lambda/alias", f).text(name).str(); }
inline std::string aliases(const FunctionKey& f) { return under("lambda/alias", f).str(); }

// lambda/policy, account, region, name, qualifier ("" for the function itself) -> Policy
inline std::string policy(const FunctionKey& f, std::string_view qualifier) {
  return under("lambda/policy", f).text(qualifier).str();
}
inline std::string policies(const FunctionKey& f) { return under("lambda/policy", f).str(); }

// lambda/reserved, account, region, name -> number as text
inline std::string reserved(const FunctionKey& f) { return under("lambda/reserved", f).str(); }
inline std::string all_reserved(std::string_view account, std::string_view region) {
  return Key("lambda/reserved").text(account).text(region).str();
}

// lambda/event-invoke, account, region, name, qualifier ("$LATEST" for the function) -> EventInvokeConfig
inline std::string event_invoke(const FunctionKey& f, std::string_view qualifier) {
  return under("lambda/event-invoke", f).text(qualifier).str();
}
inline std::string event_invokes(const FunctionKey& f) { return under("lambda/event-invoke", f).str(); }

// lambda/mapping, account, region, UUID -> Mapping
inline std::string mapping(std::string_view account, std::string_view region, std::string_view uuid) {
  return Key("lambda/mapping").text(account).text(region).text(uuid).str();
}
inline std::string mappings(std::string_view account, std::string_view region) {
  return Key("lambda/mapping").text(account).text(region).str();
}
inline std::string all_mappings() { return Key("lambda/mapping").str(); }

// lambda/mapping-pair, account, region, function, qualifier, source -> UUID: each pair is mapped once
inline std::string mapping_pair(const FunctionKey& f, std::string_view source, std::string_view qualifier) {
  return under("lambda/mapping-pair", f).text(qualifier).text(source).str();
}

// lambda/checkpoint, account, region, UUID, shard, lane -> how far a lane of the mapping has read
inline std::string checkpoints(const Mapping& m) {
  return Key("lambda/checkpoint").text(m.function.account).text(m.function.region).text(m.uuid).str();
}
inline std::string checkpoints(const Mapping& m, std::string_view shard) {
  return Key("lambda/checkpoint").text(m.function.account).text(m.function.region).text(m.uuid).text(shard).str();
}
inline std::string checkpoint(const Mapping& m, std::string_view shard, std::uint64_t lane) {
  return Key("lambda/checkpoint").text(m.function.account).text(m.function.region).text(m.uuid).text(shard).number(lane).str();
}

// lambda/provisioned, account, region, name, qualifier -> Provisioned
inline std::string provisioned(const FunctionKey& f, std::string_view qualifier) {
  return under("lambda/provisioned", f).text(qualifier).str();
}
inline std::string provisioned(const FunctionKey& f) { return under("lambda/provisioned", f).str(); }
inline std::string all_provisioned(std::string_view account, std::string_view region) {
  return Key("lambda/provisioned").text(account).text(region).str();
}
inline std::string all_provisioned() { return Key("lambda/provisioned").str(); }

// lambda/stored, account, region -> "functions bytes": how many there are, and what their versions and layers take
inline std::string stored(std::string_view account, std::string_view region) {
  return Key("lambda/stored").text(account).text(region).str();
}

// lambda/url, account, region, name, qualifier ("" for the function itself) -> FunctionUrl
inline std::string url(const FunctionKey& f, std::string_view qualifier) { return under("lambda/url", f).text(qualifier).str(); }
inline std::string urls(const FunctionKey& f) { return under("lambda/url", f).str(); }
// lambda/url-id, id -> key of the URL's row
inline std::string url_id(std::string_view id) { return Key("lambda/url-id").text(id).str(); }

// lambda/pending, account, region, name, number -> "": versions whose activation or update is not finished
inline std::string pending(const FunctionKey& f, std::uint64_t number) { return under("lambda/pending", f).number(number).str(); }
inline std::string all_pending() { return Key("lambda/pending").str(); }

// lambda/layer, account, region, name -> Layer; lambda/layer-version, ..., number -> LayerVersion; lambda/layer-policy likewise
inline std::string layer(std::string_view account, std::string_view region, std::string_view name) {
  return Key("lambda/layer").text(account).text(region).text(name).str();
}
inline std::string layers(std::string_view account, std::string_view region) {
  return Key("lambda/layer").text(account).text(region).str();
}
inline std::string layer_version(std::string_view account, std::string_view region, std::string_view name, std::uint64_t number) {
  return Key("lambda/layer-version").text(account).text(region).text(name).number(number).str();
}
inline std::string layer_versions(std::string_view account, std::string_view region, std::string_view name) {
  return Key("lambda/layer-version").text(account).text(region).text(name).str();
}
inline std::string all_layer_versions(std::string_view account, std::string_view region) {
  return Key("lambda/layer-version").text(account).text(region).str();
}
inline std::string layer_policy(std::string_view account, std::string_view region, std::string_view name, std::uint64_t number) {
  return Key("lambda/layer-policy").text(account).text(region).text(name).number(number).str();
}

// lambda/use, hash of a zip, key of the row that names it -> "": when the last one goes, so does the blob
inline std::string use(std::string_view zip, std::string_view owner) { return Key("lambda/use").text(zip).text(owner).str(); }
inline std::string uses(std::string_view zip) { return Key("lambda/use").text(zip).str(); }

// lambda/loose, hash of a zip -> "": it may have lost its last use; kept until somebody has looked
inline std::string loose(std::string_view zip) { return Key("lambda/loose").text(zip).str(); }
inline std::string all_loose() { return Key("lambda/loose").str(); }

// Everything of this room, for nuke.
inline constexpr std::string_view kTables[] = {
    "lambda/function",    "lambda/version", "lambda/alias",        "lambda/policy",        "lambda/reserved",
    "lambda/provisioned", "lambda/pending", "lambda/layer",        "lambda/layer-version", "lambda/layer-policy",
    "lambda/use",         "lambda/loose",   "lambda/event-invoke", "lambda/mapping",       "lambda/mapping-pair",
    "lambda/stored",      "lambda/url",     "lambda/url-id",       "lambda/checkpoint"};

}  // namespace lambari::lambda::keys
