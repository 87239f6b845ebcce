// ImportApi, ReimportApi, ExportApi. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
#include "services/apigateway/openapi.h"
#include "services/apigateway/results.h"
#include "services/apigateway/state.h"

namespace lambari::apigateway {
namespace {

BasePath base_path_of(const std::optional<std::string>& given) {
  if (!given || given->empty() || *given == "ignore") return BasePath::ignore;
  if (*given == "prepend") return BasePath::prepend;
  if (*given == "split") return BasePath::split;
  bad_request("Invalid basepath specified. Must be one of [ignore, prepend, split]");
}

Imported import_checked(const std::string& body, const std::optional<std::string>& base_path, bool fail_on_warnings,
                        const Scope& scope) {
  Imported imported = import_openapi(body, base_path_of(base_path), scope);
  if (fail_on_warnings && !imported.api.warnings.empty()) {
    std::string text = "Warnings found during import:";
    for (const auto& warning : imported.api.warnings) text += "\n\t" + warning;
    bad_request(std::move(text));
  }
  for (auto& it : imported.integrations) it.id = new_route_id();
  for (auto& [route, target] : imported.routes) {
    route.id = new_route_id();
    if (target >= 0) route.target = "integrations/" + imported.integrations[static_cast<std::size_t>(target)].id;
  }
  return imported;
}

void put_all(store::Transaction& rows, const ApiRef& ref, const Imported& imported) {
  for (const auto& it : imported.integrations) put(rows, ref, it);
  for (const auto& entry : imported.routes) put(rows, ref, entry.first);
}

}  // namespace

async::Task<aws2::ImportApiResponse> ApiGateway::ImportApi(const wire::Call& call, aws2::ImportApiRequest request) {
  Imported imported =
      import_checked(request.Body, request.Basepath, request.FailOnWarnings.value_or(false), {call.account, call.region});
  imported.api.id = new_api_id();
  imported.api.created = state_->now().ms;
  const ApiRef ref = ref_of(call, imported.api.id);
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    if (all_apis(rows, ref.scope).size() >= kMaxApis) too_many("Apis for this account");
    put(rows, ref, imported.api);
    put_all(rows, ref, imported);
  });
  state_->refresh(ref);
  co_return api_result<aws2::ImportApiResponse>(imported.api, state_->endpoint(call, ref.id));
}

async::Task<aws2::ReimportApiResponse> ApiGateway::ReimportApi(const wire::Call& call, aws2::ReimportApiRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  need_api(*state_->deps.store.read(), ref);
  const Imported imported = import_checked(request.Body, request.Basepath, request.FailOnWarnings.value_or(false), ref.scope);
  const std::string deployment = new_deployment_id();
  const base::Timestamp now = state_->now();
  const Api api = co_await state_->deps.store.transact([&](store::Transaction& rows) {
    const Api before = need_api(rows, ref);
    Api after = imported.api;
    after.id = before.id;
    after.created = before.created;
    after.ip_address_type = before.ip_address_type;
    if (after.tags.empty()) after.tags = before.tags;
    // A route that stays keeps its id, so what names it by id still finds it.
    std::map<std::string, std::string> ids;
    for (const auto& route : all_routes(rows, ref)) {
      ids[route.key] = route.id;
      erase_route(rows, ref, route.id);
    }
    for (const auto& it : all_integrations(rows, ref)) erase_integration(rows, ref, it.id);
    Imported fresh = imported;
    for (auto& entry : fresh.routes)
      if (const auto known = ids.find(entry.first.key); known != ids.end()) entry.first.id = known->second;
    put(rows, ref, after);
    put_all(rows, ref, fresh);
    auto_deploy(rows, ref, deployment, now);
    return after;
  });
  state_->refresh(ref);
  co_return api_result<aws2::ReimportApiResponse>(api, state_->endpoint(call, ref.id));
}

async::Task<aws2::ExportApiResponse> ApiGateway::ExportApi(const wire::Call& call, aws2::ExportApiRequest request) {
  if (request.Specification != "OAS30") bad_request("Invalid specification: only OAS30 is supported");
  if (request.OutputType != "JSON" && request.OutputType != "YAML") bad_request("Invalid outputType: must be JSON or YAML");
  if (request.ExportVersion && *request.ExportVersion != "1.0") bad_request("Invalid exportVersion: only 1.0 is supported");
  const ApiRef ref = ref_of(call, request.ApiId);
  const auto rows = state_->deps.store.read();
  const Api api = need_api(*rows, ref);
  Snapshot snapshot;
  ExportOptions options;
  options.endpoint = state_->endpoint(call, ref.id);
  options.extensions = request.IncludeExtensions.value_or(true);
  if (request.StageName && !request.StageName->empty()) {
    const Stage stage = need_stage(*rows, ref, *request.StageName);
    options.stage = stage.name;
    if (stage.deployment_id)
      if (auto deployment = find_deployment(*rows, ref, *stage.deployment_id)) snapshot = std::move(deployment->snapshot);
  } else {
    snapshot.cors = api.cors;
    snapshot.disable_execute_api_endpoint = api.disable_execute_api_endpoint;
    snapshot.routes = all_routes(*rows, ref);
    snapshot.integrations = all_integrations(*rows, ref);
  }
  const auto document = export_openapi(api, snapshot, options);
  aws2::ExportApiResponse response;
  response.body = request.OutputType == "JSON" ? print_json(document) : print_yaml(document);
  co_return response;
}

}  // namespace lambari::apigateway
