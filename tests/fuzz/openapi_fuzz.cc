// OpenAPI import: any bytes are imported or refused with a fault, and what is imported can be exported and imported again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "services/apigateway/openapi.h"
#include "wire/fault.h"

using namespace lambari;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 64 * 1024) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const apigateway::Scope scope{"000000000000", "us-east-1"};
  try {
    const auto mode = size % 3 == 0   ? apigateway::BasePath::ignore
                      : size % 3 == 1 ? apigateway::BasePath::prepend
                                      : apigateway::BasePath::split;
    auto imported = apigateway::import_openapi(body, mode, scope);
    apigateway::Snapshot snapshot;
    snapshot.cors = imported.api.cors;
    for (std::size_t i = 0; i < imported.integrations.size(); ++i) {
      imported.integrations[i].id = std::to_string(i);
      snapshot.integrations.push_back(imported.integrations[i]);
    }
    for (auto& [route, target] : imported.routes) {
      if (target >= 0) route.target = "integrations/" + std::to_string(target);
      snapshot.routes.push_back(route);
    }
    const auto document = apigateway::export_openapi(imported.api, snapshot, {"http://x.execute-api.localhost:4566", "", true});
    const auto again = apigateway::import_openapi(apigateway::print_json(document), apigateway::BasePath::ignore, scope);
    if (again.routes.size() != imported.routes.size()) std::abort();
  } catch (const wire::Fault&) {
  }
  return 0;
}
