#include "services/lambda/model.h"

#include <stdexcept>

#include "base/json.h"
#include "store/json_row.h"

namespace lambari::lambda {
namespace {

namespace json = base::json;
using store::json_row::number;
using store::json_row::text;

json::object begin() { return {{"format", kRowFormat}}; }

json::object parse(std::string_view bytes) {
  auto object = store::json_row::parse(bytes);
  const auto* format = object.if_contains("format");
  if (!format || !format->is_int64()) throw std::runtime_error("lambda: a row has no format");
  if (format->as_int64() > kRowFormat) throw std::runtime_error("lambda: a row is of a newer format");
  return object;
}

json::object pairs(const std::map<std::string, std::string>& map) {
  json::object out;
  for (const auto& [key, value] : map) out[key] = value;
  return out;
}

std::map<std::string, std::string> pairs(const json::object& object) {
  std::map<std::string, std::string> out;
  for (const auto& member : object) {
    if (member.value().is_string()) out.emplace(member.key(), member.value().as_string());
  }
  return out;
}

json::array texts(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

std::vector<std::string> texts(const json::value* value) {
  std::vector<std::string> out;
  if (!value || !value->is_array()) return out;
  for (const auto& item : value->as_array()) {
    if (item.is_string()) out.emplace_back(item.as_string());
  }
  return out;
}

json::object to_json(const Code& code) {
  json::object out{{"zip", code.zip}, {"size", code.size}, {"unzipped", code.unzipped}};
  if (const auto& image = code.image)
    out["image"] = json::object{{"uri", image->uri},
                                {"repository", image->repository},
                                {"parts", texts(image->parts)},
                                {"entryPoint", texts(image->entry_point)},
                                {"command", texts(image->command)},
                                {"folder", image->folder},
                                {"environment", pairs(image->environment)}};
  return out;
}

Code to_code(const json::value* value) {
  if (!value || !value->is_object()) return {};
  const auto& object = value->as_object();
  Code code{text(object, "zip"), static_cast<std::uint64_t>(number(object, "size")),
            static_cast<std::uint64_t>(number(object, "unzipped"))};
  if (const auto* image = object.if_contains("image"); image && image->is_object()) {
    const auto& o = image->as_object();
    auto& into = code.image.emplace();
    into.uri = text(o, "uri");
    into.repository = text(o, "repository");
    into.parts = texts(o.if_contains("parts"));
    into.entry_point = texts(o.if_contains("entryPoint"));
    into.command = texts(o.if_contains("command"));
    into.folder = text(o, "folder");
    if (const auto* environment = o.if_contains("environment"); environment && environment->is_object())
      into.environment = pairs(environment->as_object());
  }
  return code;
}

json::object to_json(const Configuration& c) {
  json::object out{{"runtime", c.runtime},     {"handler", c.handler},
                   {"role", c.role},           {"description", c.description},
                   {"timeout", c.timeout_s},   {"memory", c.memory_mb},
                   {"tmp", c.tmp_mb},          {"architecture", c.architecture},
                   {"logGroup", c.log_group},  {"updateRuntimeOn", c.update_runtime_on},
                   {"logFormat", c.log_format}};
  if (!c.application_log_level.empty()) out["applicationLogLevel"] = c.application_log_level;
  if (!c.system_log_level.empty()) out["systemLogLevel"] = c.system_log_level;
  if (c.environment) out["environment"] = pairs(*c.environment);
  if (!c.dead_letter.empty()) out["deadLetter"] = c.dead_letter;
  json::array layers;
  for (const auto& layer : c.layers) layers.push_back(json::object{{"arn", layer.arn}, {"code", to_json(layer.code)}});
  out["layers"] = std::move(layers);
  if (!c.image.empty())
    out["image"] =
        json::object{{"entryPoint", texts(c.image.entry_point)}, {"command", texts(c.image.command)}, {"folder", c.image.folder}};
  return out;
}

Configuration to_configuration(const json::value* value) {
  Configuration c;
  if (!value || !value->is_object()) return c;
  const auto& object = value->as_object();
  c.runtime = text(object, "runtime");
  c.handler = text(object, "handler");
  c.role = text(object, "role");
  c.description = text(object, "description");
  c.timeout_s = static_cast<int>(number(object, "timeout"));
  c.memory_mb = static_cast<int>(number(object, "memory"));
  c.tmp_mb = static_cast<int>(number(object, "tmp"));
  c.architecture = text(object, "architecture");
  c.log_group = text(object, "logGroup");
  c.dead_letter = text(object, "deadLetter");
  if (object.contains("logFormat")) c.log_format = text(object, "logFormat");
  c.application_log_level = text(object, "applicationLogLevel");
  c.system_log_level = text(object, "systemLogLevel");
  c.update_runtime_on = text(object, "updateRuntimeOn");
  if (const auto* environment = object.if_contains("environment"); environment && environment->is_object()) {
    c.environment = pairs(environment->as_object());
  }
  if (const auto* layers = object.if_contains("layers"); layers && layers->is_array()) {
    for (const auto& layer : layers->as_array()) {
      if (layer.is_object()) c.layers.push_back({text(layer.as_object(), "arn"), to_code(layer.as_object().if_contains("code"))});
    }
  }
  if (const auto* image = object.if_contains("image"); image && image->is_object()) {
    const auto& o = image->as_object();
    c.image = {texts(o.if_contains("entryPoint")), texts(o.if_contains("command")), text(o, "folder")};
  }
  return c;
}

}  // namespace

std::string encode(const Version& v) {
  auto out = begin();
  out["configuration"] = to_json(v.configuration);
  out["code"] = to_json(v.code);
  out["modified"] = v.modified.ms;
  out["revision"] = v.revision;
  out["generation"] = v.generation;
  out["state"] = v.state;
  out["stateReason"] = v.state_reason;
  out["stateReasonCode"] = v.state_reason_code;
  out["updateStatus"] = v.update_status;
  out["updateReason"] = v.update_reason;
  out["updateReasonCode"] = v.update_reason_code;
  return base::to_json(out);
}

Version decode_version(std::string_view bytes) {
  const auto object = parse(bytes);
  Version v;
  v.configuration = to_configuration(object.if_contains("configuration"));
  v.code = to_code(object.if_contains("code"));
  v.modified.ms = number(object, "modified");
  v.revision = text(object, "revision");
  v.generation = text(object, "generation");
  v.state = text(object, "state");
  v.state_reason = text(object, "stateReason");
  v.state_reason_code = text(object, "stateReasonCode");
  v.update_status = text(object, "updateStatus");
  v.update_reason = text(object, "updateReason");
  v.update_reason_code = text(object, "updateReasonCode");
  return v;
}

std::string encode(const Function& f) {
  auto out = begin();
  out["tags"] = pairs(f.tags);
  out["lastVersion"] = f.last_version;
  if (f.recursive_loops) out["recursiveLoops"] = true;
  return base::to_json(out);
}

Function decode_function(std::string_view bytes) {
  const auto object = parse(bytes);
  Function f;
  if (const auto* tags = object.if_contains("tags"); tags && tags->is_object()) f.tags = pairs(tags->as_object());
  f.last_version = static_cast<std::uint64_t>(number(object, "lastVersion"));
  f.recursive_loops = object.contains("recursiveLoops");
  return f;
}

std::string encode(const Alias& a) {
  auto out = begin();
  out["version"] = a.version;
  out["description"] = a.description;
  out["revision"] = a.revision;
  json::object weights;
  for (const auto& [version, weight] : a.weights) weights[version] = weight;
  out["weights"] = std::move(weights);
  return base::to_json(out);
}

Alias decode_alias(std::string_view bytes) {
  const auto object = parse(bytes);
  Alias a;
  a.version = text(object, "version");
  a.description = text(object, "description");
  a.revision = text(object, "revision");
  if (const auto* weights = object.if_contains("weights"); weights && weights->is_object()) {
    for (const auto& member : weights->as_object()) {
      if (member.value().is_number()) a.weights.emplace(member.key(), member.value().to_number<double>());
    }
  }
  return a;
}

std::string encode(const Policy& p) {
  auto out = begin();
  out["revision"] = p.revision;
  out["statements"] = texts(p.statements);
  return base::to_json(out);
}

Policy decode_policy(std::string_view bytes) {
  const auto object = parse(bytes);
  return {texts(object.if_contains("statements")), text(object, "revision")};
}

std::string encode(const Provisioned& p) {
  auto out = begin();
  out["requested"] = p.requested;
  out["modified"] = p.modified.ms;
  return base::to_json(out);
}

Provisioned decode_provisioned(std::string_view bytes) {
  const auto object = parse(bytes);
  return {static_cast<int>(number(object, "requested")), {number(object, "modified")}};
}

std::string encode(const Layer& l) {
  auto out = begin();
  out["lastVersion"] = l.last_version;
  return base::to_json(out);
}

Layer decode_layer(std::string_view bytes) { return {static_cast<std::uint64_t>(number(parse(bytes), "lastVersion"))}; }

std::string encode(const LayerVersion& l) {
  auto out = begin();
  out["description"] = l.description;
  out["license"] = l.license;
  if (l.runtimes) out["runtimes"] = texts(*l.runtimes);
  if (l.architectures) out["architectures"] = texts(*l.architectures);
  out["code"] = to_json(l.code);
  out["created"] = l.created.ms;
  return base::to_json(out);
}

LayerVersion decode_layer_version(std::string_view bytes) {
  const auto object = parse(bytes);
  LayerVersion l;
  l.description = text(object, "description");
  l.license = text(object, "license");
  if (const auto* runtimes = object.if_contains("runtimes")) l.runtimes = texts(runtimes);
  if (const auto* architectures = object.if_contains("architectures")) l.architectures = texts(architectures);
  l.code = to_code(object.if_contains("code"));
  l.created.ms = number(object, "created");
  return l;
}

}  // namespace lambari::lambda
