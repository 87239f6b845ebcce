// What the room keeps: plain values, and their bytes in the store (JSON with a format number; unknown members are ignored).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace lambari::lambda {

struct FunctionKey {
  std::string account, region, name;
  auto operator<=>(const FunctionKey&) const = default;
};

// A container image, and what it says of the process that it is for.
struct Image {
  std::string uri;                 // as it was asked for
  std::string repository;          // "{registry}/{name}"
  std::vector<std::string> parts;  // blobs: its configuration, then its layers, the lowest first
  std::vector<std::string> entry_point, command;
  std::string folder;
  std::map<std::string, std::string> environment;
  bool operator==(const Image&) const = default;
};

struct Code {
  std::string zip;         // hash of the blob, lower-case hex SHA-256; of an image its manifest's
  std::uint64_t size = 0;  // of the zip
  std::uint64_t unzipped = 0;
  std::optional<Image> image = {};
  bool operator==(const Code&) const = default;
};

// A layer version as a function uses it: it keeps working after the layer version is deleted.
struct LayerUse {
  std::string arn;
  Code code;
  bool operator==(const LayerUse&) const = default;
};

// What stands in place of the image's own; what is empty does not.
struct ImageConfig {
  std::vector<std::string> entry_point, command;
  std::string folder;
  bool empty() const { return entry_point.empty() && command.empty() && folder.empty(); }
  bool operator==(const ImageConfig&) const = default;
};

// What a client set, copied whole into each published version.
struct Configuration {
  std::string runtime, handler, role, description;
  int timeout_s = 3;
  int memory_mb = 128;
  int tmp_mb = 512;
  std::optional<std::map<std::string, std::string>> environment;  // absent and empty are told apart in answers
  std::vector<LayerUse> layers;
  ImageConfig image;
  std::string architecture = "x86_64";
  std::string dead_letter;  // ARN of a queue or topic
  std::string log_group;    // empty: /aws/lambda/<name>
  std::string log_format = "Text";
  std::string application_log_level, system_log_level;  // of the format JSON only
  std::string update_runtime_on = "Auto";
  bool operator==(const Configuration&) const = default;
};

// $LATEST (number 0, changes) or a published version (number > 0, immutable but for its state).
//   state              Pending -> Active | Failed
//   last_update_status (empty while Pending) Successful <-> InProgress -> Successful | Failed
struct Version {
  FunctionKey function;
  std::uint64_t number = 0;
  Configuration configuration;
  Code code;
  base::Timestamp modified;
  std::string revision;    // RevisionId: new with every change of the row
  std::string generation;  // new with every change of what runs; a version keeps that of the $LATEST it was made from
  std::string state = "Pending", state_reason, state_reason_code;
  std::string update_status, update_reason, update_reason_code;

  std::string label() const { return number == 0 ? "$LATEST" : std::to_string(number); }
  bool operator==(const Version&) const = default;
};

// What all versions share.
struct Function {
  FunctionKey key;
  std::map<std::string, std::string> tags;
  std::uint64_t last_version = 0;  // numbers are never used again
  bool recursive_loops = false;    // RecursiveLoop Allow
  bool operator==(const Function&) const = default;
};

struct Alias {
  std::string name, version, description, revision;
  std::map<std::string, double> weights;  // of additional versions
  bool operator==(const Alias&) const = default;
};

// Provisioned concurrency of a published version or an alias.
struct Provisioned {
  int requested = 0;
  base::Timestamp modified;
  bool operator==(const Provisioned&) const = default;
};

// The resource policy of a function, one of its versions, an alias or a layer version. Statements are JSON objects.
struct Policy {
  std::vector<std::string> statements;
  std::string revision;
  bool operator==(const Policy&) const = default;
};

struct Layer {
  std::uint64_t last_version = 0;
  bool operator==(const Layer&) const = default;
};

struct LayerVersion {
  std::string account, region, name;
  std::uint64_t number = 0;
  std::string description, license;
  std::optional<std::vector<std::string>> runtimes, architectures;
  Code code;
  base::Timestamp created;
  bool operator==(const LayerVersion&) const = default;
};

inline constexpr int kRowFormat = 1;

// The key of a row is not repeated in its value: decoding leaves those members empty.
std::string encode(const Version& value);
std::string encode(const Function& value);
std::string encode(const Alias& value);
std::string encode(const Policy& value);
std::string encode(const Provisioned& value);
std::string encode(const Layer& value);
std::string encode(const LayerVersion& value);

// Throws std::runtime_error for bytes that this room did not write, or that a newer one did.
Version decode_version(std::string_view bytes);
Function decode_function(std::string_view bytes);
Alias decode_alias(std::string_view bytes);
Policy decode_policy(std::string_view bytes);
Provisioned decode_provisioned(std::string_view bytes);
Layer decode_layer(std::string_view bytes);
LayerVersion decode_layer_version(std::string_view bytes);

}  // namespace lambari::lambda
