// Invocations that are queued (Event), and one attempt at a queued one.
#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "services/lambda/async_queue.h"
#include "services/lambda/faults.h"
#include "services/lambda/operations.h"

namespace lambari::lambda {
namespace {

using Kind = Attempt::Kind;
using Delivery = contracts::Delivery;

// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 1 MB for an asynchronous invocation
constexpr std::size_t kMaxEvent = 1'048'576;
constexpr std::size_t kMaxDepth = 1'000;

std::string event_payload(std::string payload) {
  if (payload.size() > kMaxEvent) {
    throw wire::Fault("RequestEntityTooLargeException",
                      std::to_string(payload.size()) + " byte payload is too large for the Event invocation type (limit " +
                          std::to_string(kMaxEvent) + " bytes)",
                      413);
  }
  if (payload.empty()) return "{}";
  if (!base::parse_json(payload, kMaxDepth)) {
    refuse<aws::lambda::InvalidRequestContentException>(
        "Could not parse request body into json: Could not parse payload into json: it is not one valid JSON value");
  }
  return payload;
}

Delivery refused(std::string code, std::string message, int status) {
  const bool later = status == 429 || status >= 500;
  return {later ? Delivery::Kind::try_again : Delivery::Kind::refused, std::move(code), std::move(message), status};
}

}  // namespace

async::Task<> Invocations::enqueue(Event event) {
  house_.targets.find(event.function, event.qualifier);  // throws for a function that is not there
  event.payload = event_payload(std::move(event.payload));
  co_await accept_(std::move(event));
}

async::Task<aws::lambda::InvokeAsyncResponse> Invocations::invoke_async(const wire::Call& call,
                                                                        aws::lambda::InvokeAsyncRequest request) {
  auto ref = parse_function(request.FunctionName, std::nullopt, House::scope(call));
  Event event;
  event.function = std::move(ref.key);
  event.qualifier = std::move(ref.qualifier);
  event.request_id = call.request_id.empty() ? base::uuid() : call.request_id;
  event.payload = std::move(request.InvokeArgs);
  event.trace_header = call.trace_header;
  co_await enqueue(std::move(event));
  aws::lambda::InvokeAsyncResponse out;
  out.Status = 202;
  co_return out;
}

async::Task<Attempt> Invocations::attempt(Event event) {
  Attempt out;
  try {
    const auto target = co_await ready(event.function, event.qualifier);
    if (target->reserved == 0) {
      out.kind = Kind::zero_reserved;
      co_return out;
    }
    auto ran = co_await run(target, Job{event.request_id, std::move(event.payload), std::move(event.client_context),
                                        std::move(event.trace_header), false});
    out.kind = ran.function_error.empty() ? Kind::success : Kind::function_error;
    out.executed_version = std::move(ran.executed_version);
    out.function_error = std::move(ran.function_error);
    out.payload = std::move(ran.payload);
  } catch (const wire::Fault& fault) {
    out.kind = fault.code() == "ResourceNotFoundException"      ? Kind::not_found
               : fault.code() == "RecursiveInvocationException" ? Kind::recursive
                                                                : Kind::refused;
    out.status = fault.status();
    out.message = fault.message();
  } catch (const std::exception& error) {
    base::log_error("an event could not be attempted", {{"request", event.request_id}, {"error", error.what()}});
    out.kind = Kind::refused;
    out.status = 500;
    out.message = "The service encountered an internal error.";
  }
  co_return out;
}

async::Task<Delivery> Invocations::deliver(contracts::Parcel parcel) {
  try {
    const auto parts = base::split(parcel.target, ':');
    if (parts.size() < 7 || parts[0] != "arn") invalid("The function is not named by an ARN: " + parcel.target);
    auto ref = parse_function(parcel.target, std::nullopt, {std::string(parts[4]), std::string(parts[3])});
    const auto target = house_.targets.find(ref.key, ref.qualifier);
    contracts::Invocation asked;
    asked.caller = std::move(parcel.sender);
    asked.source_arn = std::move(parcel.source_arn);
    std::string reason;
    if (!co_await may_invoke(asked, *target, reason)) co_return refused("AccessDeniedException", std::move(reason), 403);
    Event event;
    event.function = std::move(ref.key);
    event.qualifier = std::move(ref.qualifier);
    event.request_id = base::uuid();
    event.payload = std::move(parcel.body);
    event.trace_header = std::move(parcel.trace_header);
    co_await enqueue(std::move(event));
    co_return Delivery{Delivery::Kind::delivered, {}, {}, 202};
  } catch (const wire::Fault& fault) {
    co_return refused(fault.code(), fault.message(), fault.status());
  } catch (const std::exception& error) {
    base::log_error("an event was not accepted", {{"function", parcel.target}, {"error", error.what()}});
    co_return refused("ServiceException", "The service encountered an internal error.", 500);
  }
}

}  // namespace lambari::lambda
