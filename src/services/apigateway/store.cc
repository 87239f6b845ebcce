#include "services/apigateway/store.h"

#include "base/ids.h"
#include "services/apigateway/keys.h"
#include "services/apigateway/rows.h"
#include "services/apigateway/rules.h"

namespace lambari::apigateway {
namespace {

constexpr std::size_t kMany = 100'000;  // more rows than any API may have
constexpr std::size_t kMaxRow = 1024 * 1024;

template <class T>
std::vector<T> all(store::Reader& rows, std::string_view table, const ApiRef& ref) {
  std::vector<T> out;
  for (const auto& row : rows.scan(store::prefix_range(keys::children(table, ref.scope, ref.id)), kMany))
    out.push_back(from_row<T>(row.value));
  return out;
}

template <class T>
std::optional<T> find(store::Reader& rows, std::string_view table, const ApiRef& ref, std::string_view id) {
  const auto row = rows.get(keys::child(table, ref.scope, ref.id, id));
  return row ? std::optional<T>(from_row<T>(*row)) : std::nullopt;
}

template <class T>
T need(store::Reader& rows, std::string_view table, const ApiRef& ref, std::string_view id, std::string_view what) {
  auto found = find<T>(rows, table, ref, id);
  if (!found) not_found(fmt::format("Invalid {} identifier specified {}", what, id));
  return std::move(*found);
}

}  // namespace

std::optional<Api> find_api(store::Reader& rows, const ApiRef& ref) {
  const auto row = rows.get(keys::api(ref.scope, ref.id));
  return row ? std::optional<Api>(from_row<Api>(*row)) : std::nullopt;
}

Api need_api(store::Reader& rows, const ApiRef& ref) {
  auto found = find_api(rows, ref);
  if (!found) not_found(fmt::format("Invalid API identifier specified {}:{}", ref.scope.account, ref.id));
  return std::move(*found);
}

std::vector<Api> all_apis(store::Reader& rows, const Scope& scope) {
  std::vector<Api> out;
  for (const auto& row : rows.scan(store::prefix_range(keys::apis(scope)), kMany)) out.push_back(from_row<Api>(row.value));
  return out;
}

std::vector<ApiRef> every_api(store::Reader& rows) {
  std::vector<ApiRef> out;
  auto range = store::prefix_range(keys::table(keys::kApi));
  for (;;) {
    const auto page = rows.scan(range, 1000);
    for (const auto& row : page) {
      store::KeyReader key(std::string_view(row.key).substr(keys::table(keys::kApi).size()));
      ApiRef ref;
      if (key.text(ref.scope.account) && key.text(ref.scope.region) && key.text(ref.id)) out.push_back(std::move(ref));
    }
    if (page.size() < 1000) return out;
    range.begin = page.back().key + '\0';
  }
}

std::vector<Route> all_routes(store::Reader& rows, const ApiRef& ref) { return all<Route>(rows, keys::kRoute, ref); }
std::vector<Integration> all_integrations(store::Reader& rows, const ApiRef& ref) {
  return all<Integration>(rows, keys::kIntegration, ref);
}
std::vector<Stage> all_stages(store::Reader& rows, const ApiRef& ref) { return all<Stage>(rows, keys::kStage, ref); }
std::vector<Deployment> all_deployments(store::Reader& rows, const ApiRef& ref) {
  return all<Deployment>(rows, keys::kDeployment, ref);
}

Route need_route(store::Reader& rows, const ApiRef& ref, std::string_view id) {
  return need<Route>(rows, keys::kRoute, ref, id, "Route");
}
Integration need_integration(store::Reader& rows, const ApiRef& ref, std::string_view id) {
  return need<Integration>(rows, keys::kIntegration, ref, id, "Integration");
}
Stage need_stage(store::Reader& rows, const ApiRef& ref, std::string_view name) {
  return need<Stage>(rows, keys::kStage, ref, name, "Stage");
}
Deployment need_deployment(store::Reader& rows, const ApiRef& ref, std::string_view id) {
  return need<Deployment>(rows, keys::kDeployment, ref, id, "Deployment");
}
std::optional<Stage> find_stage(store::Reader& rows, const ApiRef& ref, std::string_view name) {
  return find<Stage>(rows, keys::kStage, ref, name);
}
std::optional<Deployment> find_deployment(store::Reader& rows, const ApiRef& ref, std::string_view id) {
  return find<Deployment>(rows, keys::kDeployment, ref, id);
}

void put(store::Transaction& rows, const ApiRef& ref, const Api& api) { rows.put(keys::api(ref.scope, ref.id), to_row(api)); }
void put(store::Transaction& rows, const ApiRef& ref, const Route& route) {
  rows.put(keys::child(keys::kRoute, ref.scope, ref.id, route.id), to_row(route));
}
void put(store::Transaction& rows, const ApiRef& ref, const Integration& it) {
  rows.put(keys::child(keys::kIntegration, ref.scope, ref.id, it.id), to_row(it));
}
void put(store::Transaction& rows, const ApiRef& ref, const Stage& stage) {
  rows.put(keys::child(keys::kStage, ref.scope, ref.id, stage.name), to_row(stage));
}
void put(store::Transaction& rows, const ApiRef& ref, const Deployment& deployment) {
  std::string row = to_row(deployment);
  if (row.size() > kMaxRow) bad_request("The API is too large to deploy: its routes and integrations exceed 1 MB");
  rows.put(keys::child(keys::kDeployment, ref.scope, ref.id, deployment.id), row);
}

void erase_route(store::Transaction& rows, const ApiRef& ref, std::string_view id) {
  rows.erase(keys::child(keys::kRoute, ref.scope, ref.id, id));
}
void erase_integration(store::Transaction& rows, const ApiRef& ref, std::string_view id) {
  rows.erase(keys::child(keys::kIntegration, ref.scope, ref.id, id));
}
void erase_stage(store::Transaction& rows, const ApiRef& ref, std::string_view name) {
  rows.erase(keys::child(keys::kStage, ref.scope, ref.id, name));
}
void erase_deployment(store::Transaction& rows, const ApiRef& ref, std::string_view id) {
  rows.erase(keys::child(keys::kDeployment, ref.scope, ref.id, id));
}

void erase_api(store::Transaction& rows, const ApiRef& ref) {
  rows.erase(keys::api(ref.scope, ref.id));
  for (std::string_view table : keys::kChildren) rows.erase(store::prefix_range(keys::children(table, ref.scope, ref.id)));
}

Deployment make_deployment(store::Transaction& rows, const ApiRef& ref, std::string id, std::optional<std::string> description,
                           bool automatic, base::Timestamp now) {
  const Api api = need_api(rows, ref);
  Deployment deployment;
  deployment.id = std::move(id);
  deployment.description = std::move(description);
  deployment.automatic = automatic;
  deployment.created = now.ms;
  deployment.snapshot.cors = api.cors;
  deployment.snapshot.disable_execute_api_endpoint = api.disable_execute_api_endpoint;
  deployment.snapshot.routes = all_routes(rows, ref);
  deployment.snapshot.integrations = all_integrations(rows, ref);
  put(rows, ref, deployment);
  return deployment;
}

void drop_if_unused(store::Transaction& rows, const ApiRef& ref, const std::string& id) {
  for (const auto& stage : all_stages(rows, ref))
    if (stage.deployment_id == id) return;
  const auto deployment = find_deployment(rows, ref, id);
  if (deployment && deployment->automatic) erase_deployment(rows, ref, id);
}

void deploy(store::Transaction& rows, const ApiRef& ref, Stage stage, const Deployment& deployment, base::Timestamp now) {
  const auto former = stage.deployment_id;
  stage.deployment_id = deployment.id;
  stage.updated = now.ms;
  if (stage.auto_deploy) stage.status_message = fmt::format("Successfully deployed stage with deployment ID '{}'", deployment.id);
  put(rows, ref, stage);
  if (former && *former != deployment.id) drop_if_unused(rows, ref, *former);
}

void auto_deploy(store::Transaction& rows, const ApiRef& ref, const std::string& id, base::Timestamp now) {
  std::optional<Deployment> made;
  for (auto& stage : all_stages(rows, ref)) {
    if (!stage.auto_deploy) continue;
    if (!made)
      made = make_deployment(rows, ref, id, "Automatic deployment triggered by changes to the Api configuration", true, now);
    deploy(rows, ref, std::move(stage), *made, now);
  }
}

std::string new_api_id() { return base::random_text(10, base::kLowerAlphanumeric); }
std::string new_route_id() { return base::random_text(7, base::kLowerAlphanumeric); }
std::string new_deployment_id() { return base::random_text(6, base::kLowerAlphanumeric); }

}  // namespace lambari::apigateway
