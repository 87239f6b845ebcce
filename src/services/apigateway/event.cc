#include "services/apigateway/event.h"

#include <algorithm>

#include "base/text.h"

namespace lambari::apigateway {

void append_path_parameters(JsonObject& object, const Exchange& x, bool null_when_none) {
  const std::size_t count = std::min(x.route->variables.size(), x.values.count);
  if (count == 0) {
    if (null_when_none) object.raw("pathParameters", "null");
    return;
  }
  object.key("pathParameters");
  JsonObject parameters(object.out());
  for (std::size_t i = 0; i < count; ++i) parameters.text(x.route->variables[i], base::percent_decode(x.values.values[i]));
  parameters.end();
}

}  // namespace lambari::apigateway
