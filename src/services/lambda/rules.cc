#include "services/lambda/rules.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "sandbox/sandbox.h"
#include "services/lambda/faults.h"

namespace lambari::lambda {
namespace {

constexpr std::string_view kNamePattern =
    R"((arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?)";

constexpr std::array<std::string_view, 25> kRuntimes = {
    "nodejs20.x", "python3.14", "provided.al2023", "python3.12", "python3.13", "nodejs24.x", "nodejs22.x",
    "java25",     "python3.10", "python3.11",      "java21",     "ruby3.3",    "ruby3.4",    "ruby3.2",
    "python3.8",  "python3.9",  "java17",          "nodejs16.x", "dotnet10",   "dotnet8",    "java11",
    "dotnet6",    "nodejs18.x", "provided.al2",    "java8.al2"};

constexpr std::array<std::string_view, 20> kRetiredRuntimes = {
    "java8",      "go1.x",      "provided",      "ruby2.7",       "ruby2.5",        "nodejs14.x",   "nodejs12.x",
    "nodejs10.x", "nodejs8.10", "nodejs6.10",    "nodejs4.3",     "nodejs4.3-edge", "nodejs",       "python3.7",
    "python3.6",  "python2.7",  "dotnetcore3.1", "dotnetcore2.1", "dotnetcore2.0",  "dotnetcore1.0"};

// Set by Lambda alone. https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
constexpr std::array<std::string_view, 17> kReservedVariables = {
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
};

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}
bool is_account(std::string_view text) { return text.size() == 12 && all_digits(text); }
bool name_chars(std::string_view text, std::string_view more = {}) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || more.find(static_cast<char>(c)) != more.npos;
  });
}
bool is_region(std::string_view text) {
  const auto parts = base::split(text, '-');
  return parts.size() >= 3 && parts.front().size() >= 2 && parts.back().size() == 1 && all_digits(parts.back()) &&
         name_chars(text);
}

[[noreturn]] void bad_name(std::string_view text) {
  violates(text, "functionName", "Member must satisfy regular expression pattern: " + std::string(kNamePattern));
}

FunctionRef parse(std::string_view text, const Scope& caller) {
  FunctionRef ref{{caller.account, caller.region, {}}, {}};
  auto parts = base::split(text, ':');
  std::size_t i = 0;
  std::string region;
  if (parts[0] == "arn") {
    if (parts.size() < 7 || parts.size() > 8 || !parts[1].starts_with("aws") || parts[2] != "lambda" || !is_region(parts[3]) ||
        !is_account(parts[4]) || parts[5] != "function") {
      bad_name(text);
    }
    region = parts[3];
    ref.key.account = parts[4];
    i = 6;
  } else {
    if (parts.size() > 1 && is_region(parts[i])) region = parts[i++];
    if (parts.size() > i + 1 && is_account(parts[i])) ref.key.account = parts[i++];
    if (parts.size() > i + 1 && parts[i] == "function") ++i;
  }
  if (i >= parts.size() || parts.size() - i > 2 || !name_chars(parts[i], ".")) bad_name(text);
  ref.key.name = parts[i];
  if (i + 1 < parts.size()) {
    ref.qualifier = parts[i + 1];
    if (ref.qualifier != "$LATEST" && !name_chars(ref.qualifier)) bad_name(text);
  }
  if (!region.empty() && region != caller.region) {
    refuse<aws::lambda::ResourceNotFoundException>("Functions from '" + region + "' are not reachable in this region ('" +
                                                   caller.region + "')");
  }
  return ref;
}

}  // namespace

FunctionRef parse_function(std::string_view text, const std::optional<std::string>& qualifier, const Scope& caller) {
  auto ref = parse(text, caller);
  if (qualifier && !qualifier->empty()) {
    if (!ref.qualifier.empty() && ref.qualifier != *qualifier) {
      invalid("The derived qualifier from the function name does not match the specified qualifier.");
    }
    if (*qualifier != "$LATEST" && !name_chars(*qualifier, "$")) {
      violates(*qualifier, "qualifier",
               R"(Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+)");
    }
    ref.qualifier = *qualifier;
  }
  return ref;
}

FunctionKey parse_whole_function(std::string_view text, const Scope& caller) {
  auto ref = parse(text, caller);
  if (!ref.unqualified()) {
    invalid(
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
        "Please specify either a function name or an unqualified function ARN.");
  }
  return std::move(ref.key);
}

FunctionKey parse_new_function(std::string_view text, const Scope& caller) {
  auto ref = parse(text, caller);
  if (!ref.unqualified() || ref.key.name.find('.') != std::string::npos) bad_name(text);
  if (ref.key.name.size() > 64) {
    invalid("1 validation error detected: Value '" + ref.key.name +
            "' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64");
  }
  if (ref.key.account != caller.account)
    throw wire::Fault("AccessDeniedException", "Functions are created in the caller's own account.", 403);
  return std::move(ref.key);
}

bool is_version(std::string_view qualifier) { return all_digits(qualifier); }
bool is_alias(std::string_view qualifier) { return name_chars(qualifier) && !all_digits(qualifier); }

std::uint64_t version_number(std::string_view label) {
  if (label == "$LATEST") return 0;
  return static_cast<std::uint64_t>(base::parse_int(label).value_or(-1));
}

std::string function_arn(const FunctionKey& key, std::string_view qualifier) {
  std::string arn = "arn:aws:lambda:" + key.region + ":" + key.account + ":function:" + key.name;
  if (!qualifier.empty()) arn.append(":").append(qualifier);
  return arn;
}

std::string layer_arn(std::string_view account, std::string_view region, std::string_view name) {
  std::string arn = "arn:aws:lambda:";
  arn.append(region).append(":").append(account).append(":layer:").append(name);
  return arn;
}

std::string layer_version_arn(std::string_view account, std::string_view region, std::string_view name, std::uint64_t number) {
  return layer_arn(account, region, name) + ":" + std::to_string(number);
}

std::string runtime_version_arn(std::string_view region, std::string_view runtime) {
  return "arn:aws:lambda:" + std::string(region) + "::runtime:" + base::hex(base::sha256("lambari/" + std::string(runtime)));
}

std::optional<LayerRef> parse_layer_arn(std::string_view arn) {
  const auto parts = base::split(arn, ':');
  if (parts.size() < 7 || parts.size() > 8 || parts[0] != "arn" || !parts[1].starts_with("aws") || parts[2] != "lambda" ||
      !is_region(parts[3]) || !is_account(parts[4]) || parts[5] != "layer" || !name_chars(parts[6])) {
    return std::nullopt;
  }
  LayerRef ref{std::string(parts[4]), std::string(parts[3]), std::string(parts[6]), 0};
  if (parts.size() == 8) {
    if (!all_digits(parts[7]) || parts[7].size() > 18) return std::nullopt;
    ref.number = static_cast<std::uint64_t>(*base::parse_int(parts[7]));
  }
  return ref;
}

LayerRef parse_layer_name(std::string_view text, const Scope& caller) {
  if (text.find(':') == text.npos && name_chars(text) && text.size() <= 140)
    return {caller.account, caller.region, std::string(text), 0};
  const auto ref = parse_layer_arn(text);
  if (!ref || ref->number != 0) {
    violates(
        text, "layerName",
        R"(Member must satisfy regular expression pattern: (arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+)");
  }
  return *ref;
}

void function_not_found(const FunctionKey& key, std::string_view qualifier) {
  refuse<aws::lambda::ResourceNotFoundException>("Function not found: " + function_arn(key, qualifier));
}

std::span<const std::string_view> valid_runtimes() { return kRuntimes; }

void check_runtime(std::string_view runtime) {
  if (std::find(kRuntimes.begin(), kRuntimes.end(), runtime) != kRuntimes.end()) return;
  if (std::find(kRetiredRuntimes.begin(), kRetiredRuntimes.end(), runtime) != kRetiredRuntimes.end()) {
    invalid(
        "The runtime parameter of " + std::string(runtime) +
        " is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while "
        "creating or updating functions.");
  }
  std::string all;
  for (const auto name : kRuntimes) all.append(all.empty() ? "" : ", ").append(name);
  invalid("Value " + std::string(runtime) + " at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [" +
          all + "] or be a valid ARN");
}

void check_role(std::string_view role) {
  // arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+
  const auto parts = base::split(role, ':');
  if (parts.size() == 6 && parts[0] == "arn" && parts[1].starts_with("aws") && parts[2] == "iam" && parts[3].empty() &&
      is_account(parts[4]) && parts[5].starts_with("role") && parts[5].size() > 5 && name_chars(parts[5], "+=,.@/")) {
    return;
  }
  violates(role, "role",
           R"(Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+)");
}

void check_handler(std::string_view runtime, const std::optional<std::string>& handler) {
  if (!handler || handler->empty()) {
    if (runtime.starts_with("provided")) return;
    invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.");
  }
  if (handler->size() > 128) violates(*handler, "handler", "Member must have length less than or equal to 128");
  if (std::any_of(handler->begin(), handler->end(), [](unsigned char c) { return std::isspace(c); })) {
    violates(*handler, "handler", R"(Member must satisfy regular expression pattern: [^\s]+)");
  }
}

void check_environment(const std::map<std::string, std::string>& variables) {
  std::string reserved;
  base::json::object measured;
  for (const auto& [name, value] : variables) {
    const bool well_formed = !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) && name_chars(name) &&
                             name.find('-') == std::string::npos;
    const bool is_reserved = std::find(kReservedVariables.begin(), kReservedVariables.end(), name) != kReservedVariables.end();
    if (!well_formed && !is_reserved) {
      violates("{" + name + "=" + value + "}", "environment.variables",
               "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]");
    }
    if (value.find('\0') != std::string::npos) invalid("Environment variables must not contain null characters.");
    if (is_reserved) reserved.append(reserved.empty() ? "" : ", ").append(name);
    measured[name] = value;
  }
  if (!reserved.empty()) {
    invalid(
        "Lambda was unable to configure your environment variables because the environment variables you have provided contains "
        "reserved keys that are currently not supported for modification. Reserved keys used in this request: " +
        reserved);
  }
  const auto text = base::to_json(measured);
  if (text.size() > kMaxEnvironment) {
    invalid(
        "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded "
        "the "
        "4KB limit. String measured: " +
        text);
  }
}

void check_tags(const std::map<std::string, std::string>& tags) {
  for (const auto& [name, value] : tags) {
    if (name.empty() || name.size() > 128 || value.size() > 256 || base::lower(name).starts_with("aws:")) {
      invalid(
          "The tag key or value is not valid: a key has 1 to 128 characters and does not begin with aws:, a value has at most "
          "256.");
    }
  }
  if (tags.size() > kMaxTags) invalid("Number of tags exceeds resource tag limit.");
}

std::string host_architecture() {
#if defined(__aarch64__)
  return "arm64";
#else
  return "x86_64";
#endif
}

void check_architectures(const std::vector<std::string>& architectures) {
  std::string all = "[";
  for (const auto& name : architectures) all.append(all.size() == 1 ? "" : ", ").append(name);
  all += "]";
  if (architectures.size() != 1) violates(all, "architectures", "Member must have length less than or equal to 1");
  if (architectures[0] != "x86_64" && architectures[0] != "arm64") {
    violates(all, "architectures",
             "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]");
  }
  if (architectures[0] != host_architecture()) {
    invalid("Architecture " + architectures[0] + " cannot run here: this host is " + host_architecture() + ".");
  }
}

void check_extras(const Extras& e) {
  if (e.vpc &&
      ((e.vpc->SubnetIds && !e.vpc->SubnetIds->empty()) || (e.vpc->SecurityGroupIds && !e.vpc->SecurityGroupIds->empty()))) {
    not_here("VpcConfig with subnets or security groups");
  }
  if (e.kms_key && !e.kms_key->empty()) not_here("KMSKeyArn");
  if (e.tracing && e.tracing->Mode && *e.tracing->Mode != "PassThrough") not_here("TracingConfig mode " + *e.tracing->Mode);
  if (e.file_systems && !e.file_systems->empty()) not_here("FileSystemConfigs");
  if (e.snap_start && e.snap_start->ApplyOn && *e.snap_start->ApplyOn != "None") not_here("SnapStart");
  if (e.capacity_provider) not_here("CapacityProviderConfig");
  if (e.durable) not_here("DurableConfig");
  if (e.runtime_config) not_here("RuntimeConfig");
  if (e.accelerator) not_here("AcceleratorConfig");
}

std::string runtime_of(const Configuration& c) { return c.runtime.empty() ? std::string(sandbox::kImageRuntime) : c.runtime; }

void set_image_config(const aws::lambda::ImageConfig& config, bool is_image, Configuration& c) {
  c.image = {config.EntryPoint.value_or(std::vector<std::string>{}), config.Command.value_or(std::vector<std::string>{}),
             config.WorkingDirectory.value_or("")};
  if (!is_image && !c.image.empty()) invalid("Please don't provide ImageConfig when the intended function PackageType is Zip.");
}

void set_logging(const aws::lambda::LoggingConfig& logging, Configuration& c) {
  if (logging.LogFormat) c.log_format = *logging.LogFormat;
  if (c.log_format != "JSON") {
    if (logging.ApplicationLogLevel || logging.SystemLogLevel) {
      invalid(
          "LogLevel is not supported when LogFormat is set to \"Text\". Remove LogLevel from your request or change the "
          "LogFormat "
          "to \"JSON\" and try again.");
    }
    c.application_log_level.clear();
    c.system_log_level.clear();
  } else {
    if (logging.ApplicationLogLevel) c.application_log_level = *logging.ApplicationLogLevel;
    if (logging.SystemLogLevel) c.system_log_level = *logging.SystemLogLevel;
    if (c.application_log_level.empty()) c.application_log_level = "INFO";
    if (c.system_log_level.empty()) c.system_log_level = "INFO";
  }
  if (!logging.LogGroup) return;
  if (logging.LogGroup->empty() || logging.LogGroup->size() > 512 || !name_chars(*logging.LogGroup, "./#")) {
    violates(*logging.LogGroup, "loggingConfig.logGroup",
             R"(Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+)");
  }
  c.log_group = *logging.LogGroup;
}

void check_ephemeral_storage(int megabytes) {
  if (megabytes <= kMaxEphemeralStorage) return;
  violates(std::to_string(megabytes), "ephemeralStorage.size",
           "Member must have value less than or equal to " + std::to_string(kMaxEphemeralStorage));
}

void check_total_size(const Code& code, const std::vector<LayerUse>& layers) {
  auto total = code.unzipped;
  for (const auto& layer : layers) total += layer.code.unzipped;
  if (total <= kMaxUnzipped) return;
  invalid("Function code combined with layers exceeds the maximum allowed size of " + std::to_string(kMaxUnzipped) +
          " bytes. The actual size is " + std::to_string(total) + " bytes.");
}

void check_routing(std::string_view version, const std::map<std::string, double>& weights) {
  if (weights.empty()) return;
  if (weights.size() > 1) invalid("Number of items in AdditionalVersionWeights cannot be greater than 1");
  const auto& [other, weight] = *weights.begin();
  const auto shown = "{" + other + "=" + base::to_json(base::json::value(weight)) + "}";
  if (!(weight >= 0.0 && weight <= 1.0)) {
    violates(shown, "routingConfig.additionalVersionWeights",
             "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value "
             "greater than or "
             "equal to 0.0, Member must not be null]");
  }
  if (version == "$LATEST") invalid("$LATEST is not supported for an alias pointing to more than 1 version");
  if (!is_version(other)) {
    violates(shown, "routingConfig.additionalVersionWeights",
             "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length "
             "greater than "
             "or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]");
  }
  if (other == version) {
    invalid("Invalid function version " + other + ". Function version " + other +
            " is already included in routing configuration.");
  }
}

std::string lambda_time(base::Timestamp t) {
  auto text = base::iso8601(t, true);
  if (text.ends_with('Z')) text.pop_back();
  return text + "+0000";
}

std::string log_stream_name(base::Timestamp t, std::string_view version, std::string_view hex32) {
  auto day = base::iso8601(t).substr(0, 10);
  std::replace(day.begin(), day.end(), '-', '/');
  return day.append("/[").append(version).append("]").append(hex32);
}

std::string log_group_of(const Version& version) {
  return version.configuration.log_group.empty() ? "/aws/lambda/" + version.function.name : version.configuration.log_group;
}

std::string to_marker(std::string_view last) { return base::base64url(last); }

std::string from_marker(const std::optional<std::string>& marker) {
  if (!marker || marker->empty()) return {};
  auto last = base::unbase64url(*marker);
  if (!last) invalid("Invalid pagination token.");
  return std::move(*last);
}

std::size_t page_size(const std::optional<std::int32_t>& asked, std::size_t limit) {
  if (!asked || *asked < 1) return limit;
  return std::min<std::size_t>(static_cast<std::size_t>(*asked), limit);
}

}  // namespace lambari::lambda
