// The only place that spells this room's keys. Every row is below its account, region and API.
//   apigateway/api          account region api              -> Api
//   apigateway/route        account region api route        -> Route
//   apigateway/integration  account region api integration  -> Integration
//   apigateway/stage        account region api name         -> Stage
//   apigateway/deployment   account region api deployment   -> Deployment with its snapshot
#pragma once

#include <string>
#include <string_view>

#include "services/apigateway/model.h"
#include "store/key.h"

namespace lambari::apigateway::keys {

inline constexpr std::string_view kApi = "apigateway/api";
inline constexpr std::string_view kRoute = "apigateway/route";
inline constexpr std::string_view kIntegration = "apigateway/integration";
inline constexpr std::string_view kStage = "apigateway/stage";
inline constexpr std::string_view kDeployment = "apigateway/deployment";
inline constexpr std::string_view kTables[] = {kApi, kRoute, kIntegration, kStage, kDeployment};
inline constexpr std::string_view kChildren[] = {kRoute, kIntegration, kStage, kDeployment};

inline std::string apis(const Scope& scope) { return store::Key(kApi).text(scope.account).text(scope.region).str(); }
inline std::string api(const Scope& scope, std::string_view id) {
  return store::Key(kApi).text(scope.account).text(scope.region).text(id).str();
}
inline std::string children(std::string_view table, const Scope& scope, std::string_view api) {
  return store::Key(table).text(scope.account).text(scope.region).text(api).str();
}
inline std::string child(std::string_view table, const Scope& scope, std::string_view api, std::string_view id) {
  return store::Key(table).text(scope.account).text(scope.region).text(api).text(id).str();
}
inline std::string table(std::string_view name) { return store::Key(name).str(); }

}  // namespace lambari::apigateway::keys
