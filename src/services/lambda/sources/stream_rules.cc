#include "services/lambda/sources/stream_rules.h"

#include <algorithm>

namespace lambari::sources {
namespace {

namespace json = base::json;
using Rest = Judgement::Rest;

constexpr std::size_t kDepth = 1'000;

}  // namespace

Judgement judge(const StreamSettings& settings, const Piece& piece, Answer::Kind kind,
                const std::optional<std::set<std::string>>& failed) {
  const auto count = piece.records.size();
  if (kind == Answer::Kind::refused) return {0, Rest::again};
  std::size_t done = 0;
  if (kind == Answer::Kind::success && failed) {
    if (failed->empty()) return {count, Rest::none};
    while (done < count && !failed->contains(piece.records[done].sequence)) ++done;
    if (done == count) return {count, Rest::none};
  }
  if (settings.bisect && done > 0) return {done, Rest::at_once};
  if (settings.bisect && count > 1) return {0, Rest::halves};
  const bool over = settings.max_retries && piece.retries >= *settings.max_retries;
  return {done, over ? Rest::discard : Rest::again};
}

std::size_t too_old(const StreamSettings& settings, std::chrono::milliseconds retention, const std::vector<StreamRecord>& records,
                    base::Timestamp now) {
  const auto age = std::min(retention, settings.max_age.value_or(retention));
  const auto young =
      std::find_if(records.begin(), records.end(), [&](const auto& record) { return now.ms - record.arrived.ms <= age.count(); });
  return static_cast<std::size_t>(young - records.begin());
}

std::string discard_document(const StreamSettings& settings, std::string_view shard, const std::vector<StreamRecord>& records,
                             GivenUp why, unsigned invoked, const Answer* last, std::string_view request_id,
                             base::Timestamp now) {
  json::object out;
  out["requestContext"] = {{"requestId", request_id},
                           {"functionArn", settings.function_arn},
                           {"condition", why == GivenUp::retries_exhausted ? "RetryAttemptsExhausted" : "RecordAgeExceeded"},
                           {"approximateInvokeCount", invoked}};
  if (last) {
    json::object response{{"statusCode", last->status}};
    if (!last->executed_version.empty()) response["executedVersion"] = last->executed_version;
    if (!last->function_error.empty()) response["functionError"] = last->function_error;
    out["responseContext"] = std::move(response);
  }
  out["version"] = "1.0";
  out["timestamp"] = base::iso8601(now, true);
  json::object info{{"shardId", shard}};
  if (!records.empty()) {
    info["startSequenceNumber"] = records.front().sequence;
    info["endSequenceNumber"] = records.back().sequence;
    info["approximateArrivalOfFirstRecord"] = base::iso8601(records.front().arrived);
    info["approximateArrivalOfLastRecord"] = base::iso8601(records.back().arrived);
  }
  info["batchSize"] = records.size();
  info["streamArn"] = settings.stream;
  out["DDBStreamBatchInfo"] = std::move(info);
  return base::to_json(out);
}

std::int64_t window_start(const StreamSettings& settings, base::Timestamp arrived) {
  return arrived.ms - arrived.ms % settings.tumbling.count();
}

std::optional<std::string> state_in(std::string_view answer) {
  const auto document = base::parse_json(answer, kDepth);
  const auto* object = document ? document->if_object() : nullptr;
  const auto* state = object ? object->if_contains("state") : nullptr;
  if (!state) return std::nullopt;
  return base::to_json(*state);
}

std::string stream_event(const StreamSettings& settings, std::string_view shard, const std::vector<StreamRecord>& records,
                         const WindowOfEvent* window) {
  std::size_t size = 512 + (window ? window->state.size() : 0);
  for (const auto& record : records) size += record.record.size() + 1;
  std::string out;
  out.reserve(size);
  out = R"({"Records":[)";
  for (const auto& record : records) out.append(out.back() == '[' ? "" : ",").append(record.record);
  out += ']';
  if (window) {
    const auto flag = [](bool set) { return set ? "true" : "false"; };
    out += R"(,"window":{"start":")" + base::iso8601({window->start}) + R"(","end":")" +
           base::iso8601({window->start + settings.tumbling.count()}) + R"("},"state":)";
    out += window->state;
    out.append(R"(,"shardId":")").append(shard).append(R"(","eventSourceARN":")").append(settings.stream);
    out.append(R"(","isFinalInvokeForWindow":)").append(flag(window->final));
    out.append(R"(,"isWindowTerminatedEarly":)").append(flag(window->early));
  }
  return out + "}";
}

}  // namespace lambari::sources
