#include "services/lambda/describe.h"

#include "base/bytes.h"
#include "services/lambda/rules.h"

namespace lambari::lambda {
namespace {

template <class T>
std::optional<T> unless_empty(const T& value) {
  return value.empty() ? std::nullopt : std::optional(value);
}

}  // namespace

std::string code_sha256(const Code& code) {
  if (code.image) return code.zip;  // an image's is in hexadecimal
  return base::base64(base::unhex(code.zip).value_or(""));
}

aws::lambda::FunctionConfiguration describe(const Version& v, std::string_view qualifier, Detail detail) {
  const auto& c = v.configuration;
  aws::lambda::FunctionConfiguration out;
  out.FunctionName = v.function.name;
  out.FunctionArn = function_arn(v.function, qualifier);
  if (!c.runtime.empty()) out.Runtime = c.runtime;
  out.Role = c.role;
  if (!c.handler.empty()) out.Handler = c.handler;
  out.CodeSize = static_cast<std::int64_t>(v.code.size);
  out.Description = c.description;
  out.Timeout = c.timeout_s;
  out.MemorySize = c.memory_mb;
  out.LastModified = lambda_time(v.modified);
  out.CodeSha256 = code_sha256(v.code);
  out.Version = v.label();
  out.TracingConfig = aws::lambda::TracingConfigResponse{"PassThrough"};
  out.RevisionId = v.revision;
  if (c.environment) {
    out.Environment.emplace();
    out.Environment->Variables = *c.environment;
  }
  if (!c.dead_letter.empty()) out.DeadLetterConfig = aws::lambda::DeadLetterConfig{c.dead_letter};
  if (!c.layers.empty()) {
    out.Layers.emplace();
    for (const auto& layer : c.layers) {
      aws::lambda::Layer shown;
      shown.Arn = layer.arn;
      shown.CodeSize = static_cast<std::int64_t>(layer.code.size);
      out.Layers->push_back(std::move(shown));
    }
  }
  out.PackageType = v.code.image ? "Image" : "Zip";
  if (!c.image.empty()) {
    auto& shown = out.ImageConfigResponse.emplace().ImageConfig.emplace();
    shown.EntryPoint = unless_empty(c.image.entry_point);
    shown.Command = unless_empty(c.image.command);
    shown.WorkingDirectory = unless_empty(c.image.folder);
  }
  out.Architectures = {c.architecture};
  out.EphemeralStorage = aws::lambda::EphemeralStorage{c.tmp_mb};
  out.SnapStart = aws::lambda::SnapStartResponse{"None", "Off"};
  out.LoggingConfig.emplace();
  out.LoggingConfig->LogFormat = c.log_format;
  if (!c.application_log_level.empty()) out.LoggingConfig->ApplicationLogLevel = c.application_log_level;
  if (!c.system_log_level.empty()) out.LoggingConfig->SystemLogLevel = c.system_log_level;
  out.LoggingConfig->LogGroup = log_group_of(v);
  if (detail == Detail::full) {
    out.State = v.state;
    out.StateReason = unless_empty(v.state_reason);
    out.StateReasonCode = unless_empty(v.state_reason_code);
    out.LastUpdateStatus = unless_empty(v.update_status);
    out.LastUpdateStatusReason = unless_empty(v.update_reason);
    out.LastUpdateStatusReasonCode = unless_empty(v.update_reason_code);
    if (!v.code.image) {
      out.RuntimeVersionConfig.emplace();
      out.RuntimeVersionConfig->RuntimeVersionArn = runtime_version_arn(v.function.region, c.runtime);
    }
  }
  return out;
}

aws::lambda::AliasConfiguration describe(const FunctionKey& key, const Alias& alias) {
  aws::lambda::AliasConfiguration out;
  out.AliasArn = function_arn(key, alias.name);
  out.Name = alias.name;
  out.FunctionVersion = alias.version;
  out.Description = alias.description;
  out.RevisionId = alias.revision;
  if (!alias.weights.empty()) {
    out.RoutingConfig.emplace();
    out.RoutingConfig->AdditionalVersionWeights = alias.weights;
  }
  return out;
}

aws::lambda::LayerVersionsListItem describe(const LayerVersion& v) {
  aws::lambda::LayerVersionsListItem out;
  out.LayerVersionArn = layer_version_arn(v.account, v.region, v.name, v.number);
  out.Version = static_cast<std::int64_t>(v.number);
  out.Description = v.description;
  out.CreatedDate = lambda_time(v.created);
  out.CompatibleRuntimes = v.runtimes;
  out.CompatibleArchitectures = v.architectures;
  out.LicenseInfo = unless_empty(v.license);
  return out;
}

}  // namespace lambari::lambda
