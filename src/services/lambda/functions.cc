#include "services/lambda/async.h"
#include "services/lambda/describe.h"
#include "services/lambda/faults.h"
#include "services/lambda/operations.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {
namespace {

// Which row a reference means, and what its ARN ends with when it is shown.
Version resolve(store::Reader& reader, const FunctionRef& ref) {
  if (!rows::function(reader, ref.key)) function_not_found(ref.key, ref.qualifier);
  std::uint64_t number = 0;
  if (is_version(ref.qualifier)) {
    number = version_number(ref.qualifier);
  } else if (!ref.unqualified() && ref.qualifier != "$LATEST") {
    const auto alias = rows::alias(reader, ref.key, ref.qualifier);
    if (!alias) function_not_found(ref.key, ref.qualifier);
    number = version_number(alias->version);
  }
  auto version = rows::version(reader, ref.key, number);
  if (!version) function_not_found(ref.key, ref.qualifier);
  return std::move(*version);
}

Configuration configuration_of(const aws::lambda::CreateFunctionRequest& r) {
  Configuration c;
  const bool image = r.PackageType == "Image";
  if (!image && r.Code.ImageUri) invalid("Please don't provide ImageUri when creating a function with packageType Zip.");
  if (image && (r.Code.ZipFile || r.Code.S3Bucket || r.Code.S3Key))
    invalid("Please don't provide ZipFile or S3 when creating a function with packageType Image.");
  if (image && !r.Code.ImageUri) invalid("Please provide ImageUri when creating a function with packageType Image.");
  if (r.Code.SourceKMSKeyArn && !r.Code.SourceKMSKeyArn->empty()) not_here("SourceKMSKeyArn");
  if (r.CodeSigningConfigArn && !r.CodeSigningConfigArn->empty()) not_here("CodeSigningConfigArn");
  if (r.PublishTo) not_here("PublishTo");
  if (r.TenancyConfig) not_here("TenancyConfig");
  check_extras({r.VpcConfig, r.KMSKeyArn, r.TracingConfig, r.FileSystemConfigs, r.SnapStart, r.CapacityProviderConfig,
                r.DurableConfig, r.RuntimeConfig, r.AcceleratorConfig});
  check_role(r.Role);
  c.role = r.Role;
  if (r.ImageConfig) set_image_config(*r.ImageConfig, image, c);
  if (image) {
    if (r.Runtime || r.Handler || (r.Layers && !r.Layers->empty())) refuse_runtime_of_image();
  } else {
    if (!r.Runtime || r.Runtime->empty()) {
      invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.");
    }
    check_runtime(*r.Runtime);
    c.runtime = *r.Runtime;
    check_handler(c.runtime, r.Handler);
    c.handler = r.Handler.value_or("");
  }
  c.description = r.Description.value_or("");
  c.dead_letter = dead_letter_target(r.DeadLetterConfig);
  c.timeout_s = r.Timeout.value_or(3);
  c.memory_mb = r.MemorySize.value_or(128);
  c.tmp_mb = r.EphemeralStorage ? r.EphemeralStorage->Size : 512;
  check_ephemeral_storage(c.tmp_mb);
  c.architecture = host_architecture();
  if (r.Architectures) check_architectures(*r.Architectures);
  if (r.Environment && r.Environment->Variables) {
    check_environment(*r.Environment->Variables);
    c.environment = *r.Environment->Variables;
  }
  if (r.LoggingConfig) set_logging(*r.LoggingConfig, c);
  return c;
}

}  // namespace

async::Task<aws::lambda::FunctionConfiguration> Functions::create(const wire::Call& call,
                                                                  aws::lambda::CreateFunctionRequest request) {
  const auto key = parse_new_function(request.FunctionName, House::scope(call));
  auto configuration = configuration_of(request);
  if (request.Tags) check_tags(*request.Tags);
  house_.check_runtime_present(runtime_of(configuration));
  std::string zip;
  if (!request.Code.ImageUri) {
    zip = House::zip_of(request.Code);
    if (zip.empty()) invalid("Please provide a source for function code.");
  }
  co_await house_.check_role_usable(call, configuration.role);
  co_await check_dead_letter(house_, configuration.role, configuration.dead_letter);
  const auto layers = co_await resolve_layers(house_, call, request.Layers.value_or(std::vector<std::string>{}));
  configuration.layers = layers.uses;
  const auto kept = request.Code.ImageUri ? co_await house_.packages.keep_image(*request.Code.ImageUri)
                                          : co_await house_.packages.keep(std::move(zip));
  check_total_size(kept.code, configuration.layers);

  const auto now = house_.d.clock.now();
  const bool publish = request.Publish.value_or(false);
  std::vector<std::string> loose;
  std::optional<Version> published;
  const auto latest = co_await house_.d.store.transact([&](store::Transaction& t) {
    loose.clear();
    published.reset();
    if (rows::function(t, key)) refuse<aws::lambda::ResourceConflictException>("Function already exist: " + key.name);
    Function function{key, request.Tags.value_or(std::map<std::string, std::string>{}), 0};
    Version v;
    v.function = key;
    v.configuration = configuration;
    v.code = kept.code;
    v.modified = now;
    v.revision = base::uuid();
    v.generation = base::uuid();
    v.state = "Pending";
    v.state_reason = "The function is being created.";
    v.state_reason_code = "Creating";
    if (publish) published = publish_in(t, function, v, std::nullopt, now, loose);
    rows::put(t, v, loose);
    rows::put(t, function);
    check_code_storage(house_, t, key.account, key.region);
    return v;
  });
  house_.changed(key, loose);
  house_.settle_later(latest);
  if (published) house_.settle_later(*published);
  // AWS answers with the version's number, but not with its ARN.
  co_return describe(published ? *published : latest, {});
}

async::Task<aws::lambda::GetFunctionResponse> Functions::get(const wire::Call& call, aws::lambda::GetFunctionRequest request) {
  const auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  const auto reader = house_.d.store.read();
  const auto version = resolve(*reader, ref);
  aws::lambda::GetFunctionResponse out;
  out.Configuration = describe(version, ref.qualifier);
  out.Code.emplace();
  if (const auto& image = version.code.image) {
    out.Code->RepositoryType = "ECR";
    out.Code->ImageUri = image->uri;
    out.Code->ResolvedImageUri = image->repository + "@sha256:" + version.code.zip;
  } else {
    out.Code->RepositoryType = "S3";
    out.Code->Location = house_.links.url(call, version.code.zip);
  }
  if (const auto function = rows::function(*reader, ref.key); function && !function->tags.empty()) out.Tags = function->tags;
  if (const auto reserved = rows::reserved(*reader, ref.key)) out.Concurrency = aws::lambda::Concurrency{*reserved};
  co_return out;
}

async::Task<aws::lambda::FunctionConfiguration> Functions::get_configuration(
    const wire::Call& call, aws::lambda::GetFunctionConfigurationRequest request) {
  const auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  co_return describe(resolve(*house_.d.store.read(), ref), ref.qualifier);
}

async::Task<aws::lambda::DeleteFunctionResponse> Functions::remove(const wire::Call& call,
                                                                   aws::lambda::DeleteFunctionRequest request) {
  const auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  if (ref.qualifier == "$LATEST") invalid("$LATEST version cannot be deleted without deleting the function.");
  if (!ref.unqualified() && !is_version(ref.qualifier)) invalid("Deletion of aliases is not currently supported.");
  std::vector<std::string> loose;
  co_await house_.d.store.commit([&](store::Transaction& t) {
    loose.clear();
    if (!rows::function(t, ref.key)) function_not_found(ref.key);
    if (ref.unqualified()) {
      rows::erase_function(t, ref.key, loose);
      return;
    }
    std::string users;
    for (const auto& alias : rows::aliases(t, ref.key, {}, 10'000)) {
      if (alias.version == ref.qualifier || alias.weights.contains(ref.qualifier))
        users.append(users.empty() ? "" : ", ").append(alias.name);
    }
    if (!users.empty()) {
      refuse<aws::lambda::ResourceConflictException>("Unable to delete version because the following aliases reference it: [" +
                                                     users + "]");
    }
    // A version that is not there is deleted already.
    rows::erase_version(t, ref.key, version_number(ref.qualifier), loose);
  });
  house_.changed(ref.key, loose);
  if (ref.unqualified()) {
    house_.environments.retire(ref.key);
  } else {
    house_.environments.retire(ref.key, version_number(ref.qualifier));
  }
  aws::lambda::DeleteFunctionResponse out;
  out.StatusCode = 204;
  co_return out;
}

async::Task<aws::lambda::ListFunctionsResponse> Functions::list(const wire::Call& call,
                                                                aws::lambda::ListFunctionsRequest request) {
  if (request.MasterRegion && *request.MasterRegion != "ALL" && *request.MasterRegion != call.region) {
    co_return aws::lambda::ListFunctionsResponse{std::nullopt, std::vector<aws::lambda::FunctionConfiguration>{}};
  }
  const bool all = request.FunctionVersion.has_value();
  const auto limit = page_size(request.MaxItems);
  // The marker is the last name, and with all versions the last number too.
  const auto marker = from_marker(request.Marker);
  const auto colon = marker.find(':');
  auto name = marker.substr(0, colon);
  std::uint64_t number = colon == std::string::npos ? 0 : version_number(marker.substr(colon + 1));

  const auto reader = house_.d.store.read();
  aws::lambda::ListFunctionsResponse out;
  out.Functions.emplace();
  std::string last;
  const auto add = [&](const Version& v) {
    if (out.Functions->size() == limit) {
      out.NextMarker = to_marker(last);
      return false;
    }
    out.Functions->push_back(describe(v, all ? v.label() : std::string(), Detail::listed));
    last = v.function.name + (all ? ":" + v.label() : "");
    return true;
  };
  if (all && !name.empty()) {
    for (const auto& v : rows::versions(*reader, {call.account, call.region, name}, number, false, limit + 1)) {
      if (!add(v)) co_return out;
    }
  }
  while (!out.NextMarker) {
    const auto names = rows::function_names(*reader, call.account, call.region, name, limit + 1);
    for (const auto& each : names) {
      const FunctionKey key{call.account, call.region, each};
      for (const auto& v : rows::versions(*reader, key, 0, true, all ? limit + 1 : 1)) {
        if (!add(v)) co_return out;
      }
      name = each;
    }
    if (names.size() < limit + 1) break;
  }
  co_return out;
}

}  // namespace lambari::lambda
