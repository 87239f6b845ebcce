// What the generator emits for a service: its operations as a table, and the base of its abstract API.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "contracts/identity.h"
#include "wire/call.h"
#include "wire/fault.h"
#include "wire/shape.h"

namespace lambari::wire {

class Service;

// A typed request or result whose type only the tables know.
using Value = std::unique_ptr<void, void (*)(void*)>;

template <class T>
Value make_value(T value) {
  return Value(new T(std::move(value)), [](void* p) { delete static_cast<T*>(p); });
}

struct Operation {
  std::string_view name;          // "CreateFunction"
  std::string_view method;        // "POST"
  std::string_view uri;           // "/2015-03-31/functions/{FunctionName}", may carry "?fixed=query"
  int status = 200;               // of a success
  const Shape* input = nullptr;   // nullptr: takes nothing
  const Shape* output = nullptr;  // nullptr: gives nothing
  std::string_view result_wrapper = {};
  std::span<const Shape* const> errors = {};
  std::string_view auth_type = {};  // "none" for calls that need no signature (AssumeRoleWithWebIdentity)
  bool served = false;              // models/services.json lists it; else it answers 501
  // Both are null when not served. `request` is what make_request gave.
  Value (*make_request)() = nullptr;
  async::Task<Value> (*invoke)(Service& service, const Call& call, void* request) = nullptr;
};

enum class Protocol : std::uint8_t { json_1_0, json_1_1, query, ec2, rest_json, rest_xml, rpc_v2_cbor };

struct ServiceModel {
  std::string_view name;             // our room and folder name: "lambda"
  std::string_view id;               // serviceId: "Lambda"
  std::string_view full_name;        // "AWS Lambda"
  std::string_view endpoint_prefix;  // first label of the host
  std::string_view signing_name;     // in the credential scope
  std::string_view api_version;
  std::string_view target_prefix;  // X-Amz-Target before the dot; empty when not json
  std::string_view xml_namespace;
  bool query_compatible = false;        // awsQueryCompatible
  std::span<const Protocol> protocols;  // accepted, the first is the model's own
  std::span<const Operation> operations;
};

class Service {
 public:
  virtual ~Service() = default;
  virtual const ServiceModel& model() const = 0;

  // What IAM is asked before `operation` runs. The default: action "<signing_name>:<operation>", resource "*".
  // A room overrides it to name its resources (wire::string_member reads the request) and to attach resource policies.
  // It may throw a Fault (validation of an identifier). It must not block.
  virtual async::Task<contracts::AccessRequest> access(const Call& call, const Operation& operation, const void* request);
};

}  // namespace lambari::wire
