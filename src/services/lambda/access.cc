#include "services/lambda/access.h"

#include <set>

#include "services/lambda/rows.h"

namespace lambari::lambda {
namespace {

// These name the qualified function; the others the function itself.
bool takes_qualifier(std::string_view operation) {
  static const std::set<std::string_view> kNames = {"Invoke",
                                                    "InvokeWithResponseStream",
                                                    "GetFunction",
                                                    "GetFunctionConfiguration",
                                                    "DeleteFunction",
                                                    "AddPermission",
                                                    "RemovePermission",
                                                    "GetPolicy",
                                                    "PutFunctionEventInvokeConfig",
                                                    "UpdateFunctionEventInvokeConfig",
                                                    "GetFunctionEventInvokeConfig",
                                                    "DeleteFunctionEventInvokeConfig",
                                                    "CreateFunctionUrlConfig",
                                                    "GetFunctionUrlConfig",
                                                    "UpdateFunctionUrlConfig",
                                                    "DeleteFunctionUrlConfig",
                                                    "GetProvisionedConcurrencyConfig",
                                                    "PutProvisionedConcurrencyConfig",
                                                    "DeleteProvisionedConcurrencyConfig",
                                                    "GetRuntimeManagementConfig",
                                                    "PutRuntimeManagementConfig"};
  return kNames.contains(operation);
}

std::string action_of(std::string_view operation) {
  if (operation == "Invoke" || operation == "InvokeWithResponseStream") return "lambda:InvokeFunction";
  if (operation == "GetLayerVersionByArn") return "lambda:GetLayerVersion";
  return "lambda:" + std::string(operation);
}

void add_request_tags(contracts::AccessRequest& out, const std::map<std::string, std::string>& tags) {
  for (const auto& [name, value] : tags) {
    out.context["aws:RequestTag/" + name] = {value};
    out.context["aws:TagKeys"].push_back(name);
  }
}

void add_layer_version(House& house, contracts::AccessRequest& out, const LayerRef& ref, std::int64_t number) {
  out.resources = {layer_version_arn(ref.account, ref.region, ref.name, static_cast<std::uint64_t>(number))};
  if (number < 1) return;
  out.resource_policy = policy_document(
      rows::layer_policy(*house.d.store.read(), ref.account, ref.region, ref.name, static_cast<std::uint64_t>(number)));
}

template <class Request>
const Request& as(const void* request) {
  return *static_cast<const Request*>(request);
}

}  // namespace

contracts::AccessRequest access_of(House& house, const wire::Call& call, const wire::Operation& operation, const void* request) {
  const auto scope = House::scope(call);
  const auto name = operation.name;
  contracts::AccessRequest out;
  out.action = action_of(name);
  out.resources = {"*"};
  if (!operation.input || !request) return out;
  const auto text = [&](std::string_view member) { return wire::string_member(*operation.input, request, member); };

  if (name.find("EventSourceMapping") != name.npos) {
    if (const auto uuid = text("UUID"))
      out.resources = {"arn:aws:lambda:" + call.region + ":" + call.account + ":event-source-mapping:" + std::string(*uuid)};
    if (const auto function = text("FunctionName")) {
      const auto ref = parse_function(*function, std::nullopt, scope);
      out.context["lambda:FunctionArn"] = {function_arn(ref.key, ref.qualifier)};
    }
    return out;
  }
  if (const auto function = text("FunctionName")) {
    const auto ref = parse_function(*function, takes_qualifier(name) ? text("Qualifier") : std::nullopt, scope);
    const auto qualifier = takes_qualifier(name) ? ref.qualifier : std::string();
    out.resources = {function_arn(ref.key, qualifier)};
    if (name == "Invoke" || name == "InvokeWithResponseStream") {
      // Resolved now, so that the invocation that follows finds it in memory. A missing function is the operation's to report.
      try {
        const auto target = house.targets.find(ref.key, ref.qualifier);
        out.resource_policy = target->policy;
        for (const auto& [tag, value] : target->tags) out.context["aws:ResourceTag/" + tag] = {value};
      } catch (const aws::lambda::ResourceNotFoundException&) {
      }
      return out;
    }
    const auto reader = house.d.store.read();
    if (const auto row = rows::function(*reader, ref.key)) {
      for (const auto& [tag, value] : row->tags) out.context["aws:ResourceTag/" + tag] = {value};
    }
    if (ref.key.account != call.account) out.resource_policy = policy_document(rows::policy(*reader, ref.key, qualifier));
    if (name == "CreateFunction") {
      const auto& create = as<aws::lambda::CreateFunctionRequest>(request);
      if (create.Tags) add_request_tags(out, *create.Tags);
      if (create.Layers) out.context["lambda:Layer"] = *create.Layers;
    } else if (name == "UpdateFunctionConfiguration") {
      const auto& update = as<aws::lambda::UpdateFunctionConfigurationRequest>(request);
      if (update.Layers) out.context["lambda:Layer"] = *update.Layers;
    } else if (name == "CreateFunctionUrlConfig") {
      out.context["lambda:FunctionUrlAuthType"] = {as<aws::lambda::CreateFunctionUrlConfigRequest>(request).AuthType};
    } else if (name == "UpdateFunctionUrlConfig") {
      const auto& update = as<aws::lambda::UpdateFunctionUrlConfigRequest>(request);
      if (update.AuthType) out.context["lambda:FunctionUrlAuthType"] = {*update.AuthType};
    } else if (name == "AddPermission") {
      out.context["lambda:Principal"] = {as<aws::lambda::AddPermissionRequest>(request).Principal};
    }
    return out;
  }

  if (const auto resource = text("Resource")) {
    out.resources = {*resource};
    if (name == "TagResource") {
      add_request_tags(out, as<aws::lambda::TagResourceRequest>(request).Tags);
    } else if (name == "UntagResource") {
      out.context["aws:TagKeys"] = as<aws::lambda::UntagResourceRequest>(request).TagKeys;
    }
    return out;
  }

  if (const auto layer = text("LayerName")) {
    const auto ref = parse_layer_name(*layer, scope);
    if (name == "PublishLayerVersion" || name == "ListLayerVersions") {
      out.resources = {layer_arn(ref.account, ref.region, ref.name)};
    } else if (name == "GetLayerVersion") {
      add_layer_version(house, out, ref, as<aws::lambda::GetLayerVersionRequest>(request).VersionNumber);
    } else if (name == "DeleteLayerVersion") {
      add_layer_version(house, out, ref, as<aws::lambda::DeleteLayerVersionRequest>(request).VersionNumber);
    } else if (name == "AddLayerVersionPermission") {
      add_layer_version(house, out, ref, as<aws::lambda::AddLayerVersionPermissionRequest>(request).VersionNumber);
    } else if (name == "RemoveLayerVersionPermission") {
      add_layer_version(house, out, ref, as<aws::lambda::RemoveLayerVersionPermissionRequest>(request).VersionNumber);
    } else if (name == "GetLayerVersionPolicy") {
      add_layer_version(house, out, ref, as<aws::lambda::GetLayerVersionPolicyRequest>(request).VersionNumber);
    }
    return out;
  }
  if (name == "GetLayerVersionByArn") {
    const auto& arn = as<aws::lambda::GetLayerVersionByArnRequest>(request).Arn;
    if (const auto ref = parse_layer_arn(arn)) add_layer_version(house, out, *ref, static_cast<std::int64_t>(ref->number));
  }
  return out;
}

}  // namespace lambari::lambda
