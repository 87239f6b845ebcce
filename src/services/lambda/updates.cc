#include "services/lambda/async.h"
#include "services/lambda/describe.h"
#include "services/lambda/faults.h"
#include "services/lambda/operations.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {
namespace {

// A published version never changes.
FunctionKey parse_changeable(std::string_view text, const Scope& caller) {
  auto ref = parse_function(text, std::nullopt, caller);
  if (!ref.unqualified() && ref.qualifier != "$LATEST") {
    invalid(
        "Current operation does not support versions other than $LATEST. Please set the version to $LATEST or do not set a "
        "version "
        "in your request.");
  }
  return std::move(ref.key);
}

Version latest_for_update(store::Reader& reader, const FunctionKey& key, const std::optional<std::string>& revision) {
  auto v = rows::version(reader, key, 0);
  if (!v) function_not_found(key);
  check_revision(revision, v->revision);
  if (v->state == "Pending" || v->update_status == "InProgress") {
    refuse<aws::lambda::ResourceConflictException>(
        "The operation cannot be performed at this time. An update is in progress for resource: " + function_arn(key));
  }
  return std::move(*v);
}

void begin_update(Version& v, base::Timestamp now) {
  v.modified = now;
  v.revision = base::uuid();
  v.generation = base::uuid();
  if (v.state == "Failed") {
    v.state = "Pending";
    v.state_reason = "The function is being created.";
    v.state_reason_code = "Creating";
    v.update_status.clear();
    return;
  }
  v.update_status = "InProgress";
  v.update_reason = "The function is being created.";
  v.update_reason_code = "Creating";
}

// A configuration with what the request gives in place of what was there. Layers are resolved elsewhere.
Configuration merged(Configuration c, bool image, const aws::lambda::UpdateFunctionConfigurationRequest& r) {
  check_extras({r.VpcConfig, r.KMSKeyArn, r.TracingConfig, r.FileSystemConfigs, r.SnapStart, r.CapacityProviderConfig,
                r.DurableConfig, r.RuntimeConfig, r.AcceleratorConfig});
  if (image && (r.Runtime || r.Handler || (r.Layers && !r.Layers->empty()))) refuse_runtime_of_image();
  if (r.Role) {
    check_role(*r.Role);
    c.role = *r.Role;
  }
  if (r.Runtime) {
    check_runtime(*r.Runtime);
    c.runtime = *r.Runtime;
  }
  if (r.Handler) c.handler = *r.Handler;
  if (!image) check_handler(c.runtime, c.handler);
  if (r.ImageConfig) set_image_config(*r.ImageConfig, image, c);
  if (r.Description) c.description = *r.Description;
  if (r.DeadLetterConfig) c.dead_letter = dead_letter_target(r.DeadLetterConfig);
  if (r.Timeout) c.timeout_s = *r.Timeout;
  if (r.MemorySize) c.memory_mb = *r.MemorySize;
  if (r.EphemeralStorage) c.tmp_mb = r.EphemeralStorage->Size;
  check_ephemeral_storage(c.tmp_mb);
  if (r.Environment) {
    const auto variables = r.Environment->Variables.value_or(std::map<std::string, std::string>{});
    check_environment(variables);
    c.environment = variables;
  }
  if (r.LoggingConfig) set_logging(*r.LoggingConfig, c);
  return c;
}

}  // namespace

async::Task<aws::lambda::FunctionConfiguration> Functions::update_code(const wire::Call& call,
                                                                       aws::lambda::UpdateFunctionCodeRequest request) {
  const auto key = parse_changeable(request.FunctionName, House::scope(call));
  if (request.SourceKMSKeyArn && !request.SourceKMSKeyArn->empty()) not_here("SourceKMSKeyArn");
  if (request.PublishTo) not_here("PublishTo");
  if (request.Architectures) check_architectures(*request.Architectures);
  auto before = latest_for_update(*house_.d.store.read(), key, request.RevisionId);
  std::string zip;
  if (before.code.image) {
    if (request.ZipFile || request.S3Bucket || request.S3Key)
      invalid("Please don't provide ZipFile or S3 when updating a function with packageType Image.");
    if (!request.ImageUri) invalid("Please provide ImageUri when updating a function with packageType Image.");
  } else {
    if (request.ImageUri) invalid("Please don't provide ImageUri when updating a function with packageType Zip.");
    zip = House::zip_of(request);
    if (zip.empty()) invalid("Please provide a source for function code.");
  }

  if (request.DryRun.value_or(false)) {
    before.code =
        request.ImageUri ? co_await house_.packages.check_image(*request.ImageUri) : co_await house_.packages.check(zip);
    check_total_size(before.code, before.configuration.layers);
    co_return describe(before, {});
  }
  const auto kept =
      request.ImageUri ? co_await house_.packages.keep_image(*request.ImageUri) : co_await house_.packages.keep(std::move(zip));
  const auto now = house_.d.clock.now();
  std::vector<std::string> loose;
  std::optional<Version> published;
  const auto latest = co_await house_.d.store.transact([&](store::Transaction& t) {
    loose.clear();
    published.reset();
    auto v = latest_for_update(t, key, request.RevisionId);
    if (v.code.image.has_value() != kept.code.image.has_value())  // deleted and made anew meanwhile
      refuse<aws::lambda::ResourceConflictException>("The package type of " + function_arn(key) + " has changed.");
    check_total_size(kept.code, v.configuration.layers);
    v.code = kept.code;
    begin_update(v, now);
    if (request.Publish.value_or(false)) {
      auto function = rows::function(t, key);
      if (!function) function_not_found(key);
      published = publish_in(t, *function, v, std::nullopt, now, loose);
      rows::put(t, *function);
    }
    rows::put(t, v, loose);
    check_code_storage(house_, t, key.account, key.region);
    return v;
  });
  house_.changed(key, loose);
  house_.environments.retire(key, 0);
  house_.settle_later(latest);
  if (published) house_.settle_later(*published);
  co_return published ? describe(*published, published->label()) : describe(latest, {});
}

async::Task<aws::lambda::FunctionConfiguration> Functions::update_configuration(
    const wire::Call& call, aws::lambda::UpdateFunctionConfigurationRequest request) {
  const auto key = parse_changeable(request.FunctionName, House::scope(call));
  const auto before = latest_for_update(*house_.d.store.read(), key, request.RevisionId);
  merged(before.configuration, before.code.image.has_value(), request);
  if (request.Role) co_await house_.check_role_usable(call, *request.Role);
  if (request.DeadLetterConfig)
    co_await check_dead_letter(house_, request.Role.value_or(before.configuration.role),
                               dead_letter_target(request.DeadLetterConfig));
  if (request.Runtime) house_.check_runtime_present(*request.Runtime);
  ResolvedLayers layers;
  if (request.Layers) layers = co_await resolve_layers(house_, call, *request.Layers);

  const auto now = house_.d.clock.now();
  std::vector<std::string> loose;
  const auto latest = co_await house_.d.store.transact([&](store::Transaction& t) {
    loose.clear();
    auto v = latest_for_update(t, key, request.RevisionId);
    v.configuration = merged(std::move(v.configuration), v.code.image.has_value(), request);
    if (request.Layers) v.configuration.layers = layers.uses;
    check_total_size(v.code, v.configuration.layers);
    begin_update(v, now);
    rows::put(t, v, loose);
    return v;
  });
  house_.changed(key, loose);
  house_.environments.retire(key, 0);
  house_.settle_later(latest);
  co_return describe(latest, {});
}

}  // namespace lambari::lambda
