// Rows of the room inside one transaction or read. Functions that need a resource throw AWS's NotFoundException.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "services/apigateway/model.h"
#include "store/store.h"

namespace lambari::apigateway {

// One API of one account and region, where its rows are.
struct ApiRef {
  Scope scope;
  std::string id;
};

std::optional<Api> find_api(store::Reader& rows, const ApiRef& ref);
Api need_api(store::Reader& rows, const ApiRef& ref);
std::vector<Api> all_apis(store::Reader& rows, const Scope& scope);
// Every API of every account, for start().
std::vector<ApiRef> every_api(store::Reader& rows);

std::vector<Route> all_routes(store::Reader& rows, const ApiRef& ref);
std::vector<Integration> all_integrations(store::Reader& rows, const ApiRef& ref);
std::vector<Stage> all_stages(store::Reader& rows, const ApiRef& ref);
std::vector<Deployment> all_deployments(store::Reader& rows, const ApiRef& ref);

Route need_route(store::Reader& rows, const ApiRef& ref, std::string_view id);
Integration need_integration(store::Reader& rows, const ApiRef& ref, std::string_view id);
Stage need_stage(store::Reader& rows, const ApiRef& ref, std::string_view name);
Deployment need_deployment(store::Reader& rows, const ApiRef& ref, std::string_view id);
std::optional<Stage> find_stage(store::Reader& rows, const ApiRef& ref, std::string_view name);
std::optional<Deployment> find_deployment(store::Reader& rows, const ApiRef& ref, std::string_view id);

void put(store::Transaction& rows, const ApiRef& ref, const Api& api);
void put(store::Transaction& rows, const ApiRef& ref, const Route& route);
void put(store::Transaction& rows, const ApiRef& ref, const Integration& integration);
void put(store::Transaction& rows, const ApiRef& ref, const Stage& stage);
void put(store::Transaction& rows, const ApiRef& ref, const Deployment& deployment);
void erase_route(store::Transaction& rows, const ApiRef& ref, std::string_view id);
void erase_integration(store::Transaction& rows, const ApiRef& ref, std::string_view id);
void erase_stage(store::Transaction& rows, const ApiRef& ref, std::string_view name);
void erase_deployment(store::Transaction& rows, const ApiRef& ref, std::string_view id);
// The API with everything below it.
void erase_api(store::Transaction& rows, const ApiRef& ref);

// Freezes the API as it is now into a new deployment. `id` is fresh.
Deployment make_deployment(store::Transaction& rows, const ApiRef& ref, std::string id, std::optional<std::string> description,
                           bool automatic, base::Timestamp now);
// Points `stage` at `deployment`; an automatic deployment that no stage serves any more goes away.
void deploy(store::Transaction& rows, const ApiRef& ref, Stage stage, const Deployment& deployment, base::Timestamp now);
// Removes an automatic deployment that no stage points to.
void drop_if_unused(store::Transaction& rows, const ApiRef& ref, const std::string& id);
// After routes, integrations or the API changed: stages with auto-deploy get a new deployment. `id` names it, if one is made.
void auto_deploy(store::Transaction& rows, const ApiRef& ref, const std::string& id, base::Timestamp now);

// New identifiers, as long as AWS's.
std::string new_api_id();
std::string new_route_id();
std::string new_deployment_id();

}  // namespace lambari::apigateway
