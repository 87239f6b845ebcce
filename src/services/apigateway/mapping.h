// Parameter mapping: what an integration changes of a request before it goes out, and of a response before it goes back.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "services/apigateway/model.h"

namespace lambari::apigateway {

struct Exchange;

enum class MappingSide { request, response };

// A constant, a reference ("$request.header.x") or text with references in it ("v-${context.requestId}").
class MappingValue {
 public:
  // Nothing when a reference is none that the side has.
  static std::optional<MappingValue> parse(MappingSide side, std::string_view text);
  // Nothing when a reference has no value: the rule then changes nothing. `response` is null on the request side.
  std::optional<std::string> evaluate(const Exchange& exchange, const http::Response* response) const;

 private:
  enum class Source { text, header, query, body, path, path_variable, context, stage_variable };
  struct Piece {
    Source source;
    std::string name;  // or the text
  };
  static std::optional<Piece> reference(MappingSide side, std::string_view text);
  std::vector<Piece> pieces_;
};

struct MappingRule {
  enum class Action { append, overwrite, remove } action;
  enum class Place { header, query, path, status } place;
  std::string name;
  MappingValue value;
};

using Mapping = std::vector<MappingRule>;

// AWS's complaint about one entry of RequestParameters or ResponseParameters; empty when it is right.
std::string mapping_error(MappingSide side, std::string_view key, std::string_view value);
// Entries must have passed mapping_error; one that did not is left out.
Mapping compile_mapping(MappingSide side, const ParameterMap& parameters);

// All values are taken before anything changes.
void map_request(const Mapping& mapping, Exchange& exchange);
void map_response(const Mapping& mapping, const Exchange& exchange, http::Response& response);

}  // namespace lambari::apigateway
