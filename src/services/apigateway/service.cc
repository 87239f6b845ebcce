#include "services/apigateway/service.h"

#include "base/log.h"
#include "base/text.h"
#include "services/apigateway/keys.h"
#include "services/apigateway/rows.h"
#include "services/apigateway/state.h"

namespace lambari::apigateway {
namespace {

std::shared_ptr<const CompiledApi> compile_from(store::Reader& rows, const ApiRef& ref, const CompiledApi* before) {
  const auto api = find_api(rows, ref);
  if (!api) return nullptr;
  const auto stages = all_stages(rows, ref);
  std::map<std::string, Snapshot> deployments;
  for (const auto& stage : stages)
    if (stage.deployment_id && !deployments.contains(*stage.deployment_id))
      if (auto deployment = find_deployment(rows, ref, *stage.deployment_id))
        deployments.emplace(*stage.deployment_id, std::move(deployment->snapshot));
  return compile(ref.scope, *api, stages, deployments, before);
}

}  // namespace

void ApiGateway::State::refresh(const ApiRef& ref) {
  const std::lock_guard lock(rebuilding);
  const auto before = snapshot();
  const auto known = before->find(ref.id);
  auto after = std::make_shared<Table>(*before);
  const auto rows = deps.store.read();
  if (auto compiled = compile_from(*rows, ref, known == before->end() ? nullptr : known->second.get()))
    (*after)[ref.id] = std::move(compiled);
  else
    after->erase(ref.id);
  publish(std::move(after));
}

void ApiGateway::State::refresh_all() {
  const std::lock_guard lock(rebuilding);
  auto after = std::make_shared<Table>();
  const auto rows = deps.store.read();
  for (const auto& ref : every_api(*rows)) {
    try {
      if (auto compiled = compile_from(*rows, ref, nullptr)) (*after)[ref.id] = std::move(compiled);
    } catch (const BadRow& bad) {
      base::log_error("api not served", {{"api", ref.id}, {"why", bad.what()}});
    }
  }
  publish(std::move(after));
}

std::string ApiGateway::State::endpoint(const wire::Call& call, const std::string& api_id) const {
  std::string port = std::to_string(deps.public_port);
  const std::string_view scheme = call.secure ? "https" : "http";
  // Who came by AWS's own names goes on by them.
  if (call.host.ends_with(".amazonaws.com"))
    return fmt::format("{}://{}.execute-api.{}.amazonaws.com", scheme, api_id, call.region);
  const auto colon = call.host.rfind(':');
  if (colon != std::string::npos && call.host.find(']', colon) == std::string::npos) {
    const auto given = base::parse_int(std::string_view(call.host).substr(colon + 1));
    if (given && *given > 0 && *given < 65536) port = std::to_string(*given);
  }
  return fmt::format("{}://{}.execute-api.{}:{}", scheme, api_id, deps.public_host, port);
}

ApiGateway::ApiGateway(Dependencies dependencies) : state_(std::make_unique<State>(std::move(dependencies))) {}
ApiGateway::~ApiGateway() = default;

async::Task<> ApiGateway::start() {
  state_->refresh_all();
  co_return;
}

async::Task<> ApiGateway::nuke() {
  co_await state_->deps.store.commit([](store::Transaction& rows) {
    for (std::string_view table : keys::kTables) rows.erase(store::prefix_range(keys::table(table)));
  });
  state_->refresh_all();
}

}  // namespace lambari::apigateway
