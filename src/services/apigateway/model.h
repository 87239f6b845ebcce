// What an HTTP API is made of, as plain values. The rows of the store and the compiled gateway are made from these.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "wire/cors.h"

namespace lambari::apigateway {

using Strings = std::map<std::string, std::string>;

// An API is addressed inside one account and region.
struct Scope {
  std::string account;
  std::string region;
};

using wire::Cors;

struct Api {
  std::string id, name;
  std::optional<std::string> description, version;
  std::string route_selection_expression = "$request.method $request.path";
  std::string api_key_selection_expression = "$request.header.x-api-key";
  std::string ip_address_type = "ipv4";
  std::optional<Cors> cors;
  bool disable_execute_api_endpoint = false;
  std::int64_t created = 0;  // ms
  Strings tags;
  std::vector<std::string> import_info, warnings;
  // What quick create made; empty otherwise.
  std::string quick_route, quick_integration;
};

struct Route {
  std::string id, key;
  std::optional<std::string> target, operation_name;
  bool managed = false;
};

using ParameterMap = Strings;

struct Integration {
  std::string id, type;  // AWS_PROXY, HTTP_PROXY
  std::string uri, method, payload_format_version;
  std::string connection_type = "INTERNET";
  std::optional<std::string> description, credentials_arn, server_name_to_verify;
  std::int32_t timeout_ms = 30'000;
  ParameterMap request_parameters;
  std::map<std::string, ParameterMap> response_parameters;  // by status code
  bool managed = false;
};

struct RouteSettings {
  std::optional<std::int32_t> burst;
  std::optional<double> rate;
  bool operator==(const RouteSettings&) const = default;
};

struct AccessLog {
  std::string destination_arn, format;
};

struct Stage {
  std::string name;
  std::optional<std::string> description, deployment_id, status_message;
  bool auto_deploy = false;
  Strings variables, tags;
  RouteSettings default_settings;
  std::map<std::string, RouteSettings> route_settings;  // by route key
  std::optional<AccessLog> access_log;
  std::int64_t created = 0, updated = 0;  // ms
  bool managed = false;
};

// What a stage serves: it never changes once made.
struct Snapshot {
  std::optional<Cors> cors;
  bool disable_execute_api_endpoint = false;
  std::vector<Route> routes;
  std::vector<Integration> integrations;
};

struct Deployment {
  std::string id;
  std::optional<std::string> description;
  bool automatic = false;
  std::int64_t created = 0;  // ms
  Snapshot snapshot;
};

inline constexpr const char* kDefaultStage = "$default";
inline constexpr const char* kDefaultRoute = "$default";

}  // namespace lambari::apigateway
