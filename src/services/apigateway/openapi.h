// OpenAPI 3.0 documents to and from the model.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "services/apigateway/model.h"

namespace lambari::apigateway {

inline constexpr std::size_t kMaxOpenApiBytes = 6 * 1024 * 1024;

enum class BasePath { ignore, prepend, split };

struct Imported {
  Api api;                                // name, description, version, CORS, tags, endpoint setting, info and warnings; no id
  std::vector<Integration> integrations;  // without ids
  // A route's target is the index of its integration, or -1.
  std::vector<std::pair<Route, int>> routes;
};

// JSON or YAML. Throws BadRequestException for what AWS refuses; what it only remarks on is in api.warnings and api.import_info.
Imported import_openapi(std::string_view body, BasePath base_path, const Scope& scope);

struct ExportOptions {
  std::string endpoint;
  std::string stage;  // empty: the API as it is now
  bool extensions = true;
};
base::json::value export_openapi(const Api& api, const Snapshot& snapshot, const ExportOptions& options);

// ---- documents ----

// Nothing when it is neither JSON nor YAML, too deep, or its aliases unfold to too much.
std::optional<base::json::value> parse_document(std::string_view body);
std::string print_json(const base::json::value& document);  // indented
std::string print_yaml(const base::json::value& document);

}  // namespace lambari::apigateway
