#include "services/lambda/urls.h"

#include "base/ids.h"
#include "base/log.h"
#include "services/lambda/faults.h"
#include "services/lambda/rows.h"
#include "services/lambda/url_rules.h"
#include "services/lambda/url_stream.h"
#include "wire/http_event.h"
#include "wire/signer.h"
#include "wire/sigv4.h"

namespace lambari::lambda {
namespace {

using aws::lambda::ResourceNotFoundException;

constexpr std::string_view kHelp =
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";

[[noreturn]] void forbidden() { throw wire::Fault("AccessDeniedException", std::string(kHelp), 403); }

[[noreturn]] void no_url() { refuse<ResourceNotFoundException>("The resource you requested does not exist."); }

// The function and an alias of it; versions and $LATEST have no URL.
FunctionRef parse_url_function(const std::string& name, const std::optional<std::string>& qualifier, const Scope& scope) {
  auto ref = parse_function(name, qualifier, scope);
  if (!ref.unqualified() && !is_alias(ref.qualifier)) {
    violates(ref.qualifier, "qualifier", R"(Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$))");
  }
  return ref;
}

void check_there(store::Reader& reader, const FunctionRef& ref) {
  if (!rows::function(reader, ref.key) || (!ref.unqualified() && !rows::alias(reader, ref.key, ref.qualifier)))
    refuse<ResourceNotFoundException>("Function does not exist");
}

std::vector<std::string> list(const std::optional<std::vector<std::string>>& given) {
  return given.value_or(std::vector<std::string>{});
}

wire::Cors cors_of(const aws::lambda::Cors& given) {
  wire::Cors cors;
  cors.allow_credentials = given.AllowCredentials.value_or(false);
  cors.allow_headers = list(given.AllowHeaders);
  cors.allow_methods = list(given.AllowMethods);
  cors.allow_origins = list(given.AllowOrigins);
  cors.expose_headers = list(given.ExposeHeaders);
  cors.max_age = given.MaxAge;
  return cors;
}

aws::lambda::Cors describe(const wire::Cors& cors) {
  aws::lambda::Cors out;
  const auto unless_empty = [](const std::vector<std::string>& names) {
    return names.empty() ? std::nullopt : std::optional(names);
  };
  if (cors.allow_credentials) out.AllowCredentials = true;
  out.AllowHeaders = unless_empty(cors.allow_headers);
  out.AllowMethods = unless_empty(cors.allow_methods);
  out.AllowOrigins = unless_empty(cors.allow_origins);
  out.ExposeHeaders = unless_empty(cors.expose_headers);
  out.MaxAge = cors.max_age;
  return out;
}

template <class Description>
Description describe(const wire::Call& call, const FunctionUrl& url) {
  Description out;
  out.FunctionUrl = url_of(url, call.host, call.secure);
  out.FunctionArn = function_arn(url.function, url.qualifier);
  out.AuthType = url.auth_type;
  if (url.cors) out.Cors = describe(*url.cors);
  out.CreationTime = base::iso8601(url.created, true);
  out.InvokeMode = url.invoke_mode;
  if constexpr (requires { out.LastModifiedTime; }) out.LastModifiedTime = base::iso8601(url.modified, true);
  return out;
}

}  // namespace

async::Task<aws::lambda::CreateFunctionUrlConfigResponse> FunctionUrls::create(
    const wire::Call& call, aws::lambda::CreateFunctionUrlConfigRequest request) {
  const auto ref = parse_url_function(request.FunctionName, request.Qualifier, House::scope(call));
  FunctionUrl url;
  url.function = ref.key;
  url.qualifier = ref.qualifier;
  url.id = base::random_text(kUrlIdSize, base::kLowerAlphanumeric);
  url.auth_type = request.AuthType;
  url.invoke_mode = request.InvokeMode.value_or("BUFFERED");
  if (request.Cors) url.cors = cors_of(*request.Cors);
  url.created = url.modified = house_.d.clock.now();
  co_await house_.d.store.commit([&](store::Transaction& t) {
    check_there(t, ref);
    if (rows::function_url(t, ref.key, ref.qualifier)) {
      refuse<aws::lambda::ResourceConflictException>(
          "Failed to create function url config for [functionArn = " + function_arn(ref.key, ref.qualifier) +
          "]. Error message:  FunctionUrlConfig exists for this Lambda function");
    }
    rows::put(t, url);
  });
  co_return describe<aws::lambda::CreateFunctionUrlConfigResponse>(call, url);
}

async::Task<aws::lambda::GetFunctionUrlConfigResponse> FunctionUrls::get(const wire::Call& call,
                                                                         aws::lambda::GetFunctionUrlConfigRequest request) {
  const auto ref = parse_url_function(request.FunctionName, request.Qualifier, House::scope(call));
  const auto url = rows::function_url(*house_.d.store.read(), ref.key, ref.qualifier);
  if (!url) no_url();
  co_return describe<aws::lambda::GetFunctionUrlConfigResponse>(call, *url);
}

async::Task<aws::lambda::UpdateFunctionUrlConfigResponse> FunctionUrls::update(
    const wire::Call& call, aws::lambda::UpdateFunctionUrlConfigRequest request) {
  const auto ref = parse_url_function(request.FunctionName, request.Qualifier, House::scope(call));
  const auto now = house_.d.clock.now();
  const auto url = co_await house_.d.store.transact([&](store::Transaction& t) {
    check_there(t, ref);
    auto url = rows::function_url(t, ref.key, ref.qualifier);
    if (!url) no_url();
    if (request.AuthType) url->auth_type = *request.AuthType;
    if (request.InvokeMode) url->invoke_mode = *request.InvokeMode;
    if (request.Cors) url->cors = cors_of(*request.Cors);
    url->modified = now;
    rows::put(t, *url);
    return std::move(*url);
  });
  co_return describe<aws::lambda::UpdateFunctionUrlConfigResponse>(call, url);
}

async::Task<> FunctionUrls::remove(const wire::Call& call, aws::lambda::DeleteFunctionUrlConfigRequest request) {
  const auto ref = parse_url_function(request.FunctionName, request.Qualifier, House::scope(call));
  co_await house_.d.store.commit([&](store::Transaction& t) {
    if (!rows::function_url(t, ref.key, ref.qualifier)) no_url();
    rows::erase_function_url(t, ref.key, ref.qualifier);
  });
}

async::Task<aws::lambda::ListFunctionUrlConfigsResponse> FunctionUrls::list(const wire::Call& call,
                                                                            aws::lambda::ListFunctionUrlConfigsRequest request) {
  const auto ref = parse_url_function(request.FunctionName, std::nullopt, House::scope(call));
  const auto limit = page_size(request.MaxItems);
  const auto after = request.Marker ? from_marker(request.Marker) : std::string();
  const auto reader = house_.d.store.read();
  if (!rows::function(*reader, ref.key)) refuse<ResourceNotFoundException>("Function does not exist");
  aws::lambda::ListFunctionUrlConfigsResponse out;
  for (const auto& url : rows::function_urls(*reader, ref.key)) {
    // The mark is the ARN: an unqualified function has "" for its qualifier, which would look like no mark.
    if (!after.empty() && function_arn(url.function, url.qualifier) <= after) continue;
    if (out.FunctionUrlConfigs.size() == limit) {
      out.NextMarker = to_marker(out.FunctionUrlConfigs.back().FunctionArn);
      break;
    }
    out.FunctionUrlConfigs.push_back(describe<aws::lambda::FunctionUrlConfig>(call, url));
  }
  co_return out;
}

async::Task<http::Response> FunctionUrls::serve(http::Request request, UrlPlace place) {
  http::Response response;
  const auto url = rows::function_url(*house_.d.store.read(), place.id);
  const auto request_id = base::uuid();
  const std::string origin(request.headers.get("origin"));
  std::optional<wire::CompiledCors> cors;
  if (url && url->cors) cors.emplace(*url->cors);
  if (cors && wire::CompiledCors::is_preflight(request)) {
    response = cors->preflight(request);
    response.status = 200;
  } else {
    try {
      if (!url) forbidden();
      response = co_await answer(request, place, *url, request_id);
    } catch (const wire::Fault& fault) {
      response = url_refusal(fault);
    } catch (const std::exception& error) {
      base::log_error("function URL failed", {{"url", place.id}, {"error", error.what()}});
      response = url_failure();
    }
    if (cors) cors->decorate(origin, response);
  }
  response.headers.set("x-amzn-RequestId", request_id);
  co_return response;
}

async::Task<http::Response> FunctionUrls::answer(http::Request& request, const UrlPlace& place, const FunctionUrl& url,
                                                 const std::string& request_id) {
  if (request.body.size() > kMaxPayload)
    throw wire::Fault("RequestEntityTooLargeException",
                      "Request must be smaller than " + std::to_string(kMaxPayload) + " bytes for the InvokeFunction operation",
                      413);
  const auto caller = co_await authenticate(request, url);
  const auto target = house_.targets.find(url.function, url.qualifier);
  co_await authorize(caller, url, *target);
  const auto domain =
      place.prefix == 0 ? std::string(request.host()) : url.id + ".lambda-url." + url.function.region + ".localhost";
  std::string rest = request.target.substr(std::min(place.prefix, request.target.size()));
  Invocations::Job job;
  job.request_id = request_id;
  job.payload = url_event(request, {url, caller, request_id, domain, rest, house_.d.clock.now()});
  job.trace_header = request.headers.get("x-amzn-trace-id");
  if (job.payload.size() > kMaxPayload)
    throw wire::Fault("RequestEntityTooLargeException",
                      "Request must be smaller than " + std::to_string(kMaxPayload) + " bytes for the InvokeFunction operation",
                      413);
  if (url.invoke_mode == "RESPONSE_STREAM") {
    auto streamed = co_await streamed_response(co_await invocations_.call_streamed(url.function, url.qualifier, std::move(job)));
    co_return streamed ? std::move(*streamed) : url_failure();
  }
  auto ran = co_await invocations_.call(url.function, url.qualifier, std::move(job));
  if (!ran.function_error.empty()) co_return url_failure();
  auto response = wire::response_v2(std::move(ran.payload), "application/json");
  if (!response) co_return url_failure();
  co_return std::move(*response);
}

// AWS_IAM: SigV4 for the service lambda. NONE: everybody is anonymous, signed or not.
async::Task<contracts::Principal> FunctionUrls::authenticate(http::Request& request, const FunctionUrl& url) {
  contracts::Principal nobody;
  nobody.account = url.function.account;
  if (url.auth_type != "AWS_IAM") co_return nobody;
  std::optional<wire::SignedAs> signature;
  try {
    signature = wire::read_signature(request);
  } catch (const wire::Fault& fault) {
    if (house_.settings.verify_signatures) throw wire::Fault("AccessDeniedException", fault.message(), 403);
  }
  std::optional<contracts::Secret> secret;
  if (signature) secret = co_await wire::find_secret(house_.d.credentials, *signature);
  if (!house_.settings.verify_signatures) {
    if (secret) co_return secret->principal;
    nobody.kind = contracts::Principal::Kind::root;
    nobody.arn = "arn:aws:iam::" + nobody.account + ":root";
    nobody.user_id = nobody.account;
    co_return nobody;
  }
  if (!signature) forbidden();
  if (!secret || !wire::may_use(*secret, request)) {
    throw wire::Fault("UnrecognizedClientException", "The security token included in the request is invalid.", 403);
  }
  if (secret->expires && *secret->expires <= house_.d.clock.now())
    throw wire::Fault("ExpiredTokenException", "The security token included in the request is expired", 403);
  if (signature->service != "lambda" || signature->region != url.function.region) {
    throw wire::Fault(
        "InvalidSignatureException",
        "Credential should be scoped to a valid region and correct service: '" + url.function.region + "', 'lambda'.", 403);
  }
  try {
    // Clients sign with the machine's time.
    const base::Timestamp machine_time{house_.d.clock.now().ms - house_.d.clock.offset().count()};
    wire::verify_signature(request, *signature, secret->secret_access_key, machine_time);
  } catch (const wire::Fault& fault) {
    throw wire::Fault("InvalidSignatureException", fault.message(), 403);
  }
  secret->principal.access_key_id = signature->access_key_id;
  co_return std::move(secret->principal);
}

// Both actions: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
async::Task<> FunctionUrls::authorize(const contracts::Principal& caller, const FunctionUrl& url, const Target& target) {
  contracts::AccessRequest request;
  request.resources = {target.arn};
  request.resource_policy = target.policy;
  request.context["lambda:FunctionUrlAuthType"] = {url.auth_type};
  request.context["lambda:InvokedViaFunctionUrl"] = {"true"};
  for (const auto& [name, value] : target.tags) request.context["aws:ResourceTag/" + name] = {value};
  for (const auto* action : {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}) {
    request.action = action;
    const auto decision = co_await house_.d.authorizer.authorize(caller, request);
    if (!decision.allowed) {
      base::log_info("function URL refused", {{"url", url.id}, {"reason", decision.reason}});
      forbidden();
    }
  }
}

}  // namespace lambari::lambda
