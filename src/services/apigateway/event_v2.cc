#include "services/apigateway/event.h"

namespace lambari::apigateway {

std::string event_v2(const Exchange& x) {
  const wire::HttpCall call{.request = x.request,
                            .route_key = x.route->key,
                            .stage = x.stage->name,
                            .path = x.path,
                            .query = x.query,
                            .account = x.api->scope.account,
                            .api_id = x.api->id,
                            .domain_name = x.domain_name,
                            .domain_prefix = x.domain_prefix,
                            .protocol = x.api->protocol,
                            .request_id = x.request_id,
                            .time = x.time};
  return wire::event_v2(
      call, [](JsonObject&) {},
      [&](JsonObject& event) {
        append_path_parameters(event, x, false);
        if (!x.stage->variables_json.empty()) event.raw("stageVariables", x.stage->variables_json);
      });
}

}  // namespace lambari::apigateway
