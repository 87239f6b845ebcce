// Pure decisions: names and ARNs, and what a client may ask for. They answer a value or throw the fault that AWS would.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aws/lambda/types.h"
#include "services/lambda/model.h"

namespace lambari::lambda {

// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
inline constexpr std::uint64_t kMaxZipped = 52'428'800;
inline constexpr std::uint64_t kMaxUnzipped = 262'144'000;
inline constexpr std::size_t kMaxPayload = 6'291'456;
inline constexpr std::size_t kMaxResponse = 6'291'556;
inline constexpr std::size_t kMaxEnvironment = 4'096;
inline constexpr std::size_t kMaxPolicy = 20'480;
inline constexpr std::size_t kMaxLayers = 5;
inline constexpr std::size_t kMaxTags = 50;
inline constexpr std::size_t kMaxClientContext = 3'583;
inline constexpr std::size_t kPage = 50;  // items a list gives at most, whatever is asked
inline constexpr int kMinUnreserved = 100;
inline constexpr int kMaxEphemeralStorage = 10'240;

struct Scope {
  std::string account, region;
};

// A function as a request names it: a name, a partial or a full ARN, each with or without ":qualifier".
struct FunctionRef {
  FunctionKey key;
  std::string qualifier;  // "" when none was given

  bool unqualified() const { return qualifier.empty(); }
};

// `qualifier` is the separate parameter; when both give one they must agree.
FunctionRef parse_function(std::string_view text, const std::optional<std::string>& qualifier, const Scope& caller);
// For operations on whole functions: a qualifier is refused.
FunctionKey parse_whole_function(std::string_view text, const Scope& caller);
// For CreateFunction: at most 64 characters, of the caller's account, no qualifier.
FunctionKey parse_new_function(std::string_view text, const Scope& caller);

bool is_version(std::string_view qualifier);  // digits
bool is_alias(std::string_view qualifier);
std::uint64_t version_number(std::string_view label);  // of "$LATEST" or digits

std::string function_arn(const FunctionKey& key, std::string_view qualifier = {});
std::string layer_arn(std::string_view account, std::string_view region, std::string_view name);
std::string layer_version_arn(std::string_view account, std::string_view region, std::string_view name, std::uint64_t number);
std::string runtime_version_arn(std::string_view region, std::string_view runtime);

struct LayerRef {
  std::string account, region, name;
  std::uint64_t number = 0;  // 0: the ARN names no version
};
std::optional<LayerRef> parse_layer_arn(std::string_view arn);
// A name or an ARN without version.
LayerRef parse_layer_name(std::string_view text, const Scope& caller);

[[noreturn]] void function_not_found(const FunctionKey& key, std::string_view qualifier = {});

// AWS's list as of the pinned model's day, in AWS's order.
std::span<const std::string_view> valid_runtimes();
void check_runtime(std::string_view runtime);
void check_role(std::string_view role);
void check_handler(std::string_view runtime, const std::optional<std::string>& handler);
void check_environment(const std::map<std::string, std::string>& variables);
void check_tags(const std::map<std::string, std::string>& tags);
void check_architectures(const std::vector<std::string>& architectures);
std::string host_architecture();

// Settings that change nothing are taken; what would have to act and cannot is refused by name.
struct Extras {
  const std::optional<aws::lambda::VpcConfig>& vpc;
  const std::optional<std::string>& kms_key;
  const std::optional<aws::lambda::TracingConfig>& tracing;
  const std::optional<std::vector<aws::lambda::FileSystemConfig>>& file_systems;
  const std::optional<aws::lambda::SnapStart>& snap_start;
  const std::optional<aws::lambda::CapacityProviderConfig>& capacity_provider;
  const std::optional<aws::lambda::DurableConfig>& durable;
  const std::optional<aws::lambda::FunctionRuntimeConfig>& runtime_config;
  const std::optional<aws::lambda::AcceleratorConfig>& accelerator;
};
// What its environment is prepared for; images bring all that is in it.
std::string runtime_of(const Configuration& configuration);
void check_extras(const Extras& extras);
// What the request gives in place of what was there.
void set_image_config(const aws::lambda::ImageConfig& config, bool is_image, Configuration& configuration);
// What the request gives in place of what was there.
void set_logging(const aws::lambda::LoggingConfig& logging, Configuration& configuration);
void check_ephemeral_storage(int megabytes);

// Code and layers together, unzipped.
void check_total_size(const Code& code, const std::vector<LayerUse>& layers);

// Weights of an alias that points to `version`; `exists` tells whether the function has a version.
void check_routing(std::string_view version, const std::map<std::string, double>& weights);

// "2026-01-31T12:00:00.000+0000"
std::string lambda_time(base::Timestamp t);
// yyyy/mm/dd/[version]<32 hex digits>
std::string log_stream_name(base::Timestamp t, std::string_view version, std::string_view hex32);
std::string log_group_of(const Version& version);

// Markers of lists are opaque to clients.
std::string to_marker(std::string_view last);
std::string from_marker(const std::optional<std::string>& marker);
std::size_t page_size(const std::optional<std::int32_t>& asked, std::size_t limit = kPage);

}  // namespace lambari::lambda
