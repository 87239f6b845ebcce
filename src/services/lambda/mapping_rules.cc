#include "services/lambda/mapping_rules.h"

#include "base/text.h"
#include "lang/event_pattern.h"
#include "services/lambda/faults.h"
#include "services/lambda/rules.h"

namespace lambari::lambda {
namespace {

// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: five, ten on request
constexpr std::size_t kMaxFilters = 10;
constexpr int kMaxFifoBatch = 10;

constexpr int kMinRecordAge = 60;  // seconds
constexpr int kStreamBatch = 100;  // unless said otherwise

void refuse_member(std::string_view member, bool given, std::string_view source) {
  if (given) invalid(std::string(member) + " is not supported for an " + std::string(source) + " event source.");
}

template <class Request>
void apply_queue(Mapping& m, const Request& r) {
  const auto no = [](std::string_view member, bool given) { refuse_member(member, given, "Amazon SQS"); };
  no("ParallelizationFactor", r.ParallelizationFactor.has_value());
  no("MaximumRecordAgeInSeconds", r.MaximumRecordAgeInSeconds.has_value());
  no("BisectBatchOnFunctionError", r.BisectBatchOnFunctionError.has_value());
  no("MaximumRetryAttempts", r.MaximumRetryAttempts.has_value());
  no("TumblingWindowInSeconds", r.TumblingWindowInSeconds.value_or(0) != 0);
  if (const auto& d = r.DestinationConfig) {
    no("DestinationConfig", (d->OnFailure && d->OnFailure->Destination) || (d->OnSuccess && d->OnSuccess->Destination));
  }
  if (r.ScalingConfig) m.max_concurrency = r.ScalingConfig->MaximumConcurrency;
}

template <class Request>
void apply_stream(Mapping& m, const Request& r) {
  const auto no = [](std::string_view member, bool given) { refuse_member(member, given, "Amazon DynamoDB"); };
  no("ScalingConfig", r.ScalingConfig && r.ScalingConfig->MaximumConcurrency);
  if (r.ParallelizationFactor) m.parallelization = *r.ParallelizationFactor;
  if (r.MaximumRecordAgeInSeconds) m.max_age_s = *r.MaximumRecordAgeInSeconds;
  if (r.BisectBatchOnFunctionError) m.bisect = *r.BisectBatchOnFunctionError;
  if (r.MaximumRetryAttempts) m.max_retries = *r.MaximumRetryAttempts;
  if (r.TumblingWindowInSeconds) m.tumbling_s = *r.TumblingWindowInSeconds;
  if (const auto& d = r.DestinationConfig) {
    no("DestinationConfig.OnSuccess", d->OnSuccess && d->OnSuccess->Destination);
    m.on_failure = d->OnFailure ? d->OnFailure->Destination.value_or("") : "";
  }
}

template <class Request>
void apply(Mapping& m, const Request& r) {
  const auto source = is_stream(m) ? "Amazon DynamoDB" : "Amazon SQS";
  const auto no = [&](std::string_view member, bool given) { refuse_member(member, given, source); };
  no("SourceAccessConfigurations", r.SourceAccessConfigurations && !r.SourceAccessConfigurations->empty());
  no("AmazonManagedKafkaEventSourceConfig", r.AmazonManagedKafkaEventSourceConfig.has_value());
  no("SelfManagedKafkaEventSourceConfig", r.SelfManagedKafkaEventSourceConfig.has_value());
  no("DocumentDBEventSourceConfig", r.DocumentDBEventSourceConfig.has_value());
  if (r.KMSKeyArn && !r.KMSKeyArn->empty()) not_here("KMSKeyArn of an event source mapping");
  if (r.MetricsConfig && r.MetricsConfig->Metrics && !r.MetricsConfig->Metrics->empty()) not_here("MetricsConfig");
  if (r.LoggingConfig) not_here("LoggingConfig of an event source mapping");
  if (r.ProvisionedPollerConfig) not_here("ProvisionedPollerConfig");

  if (r.BatchSize) m.batch_size = *r.BatchSize;
  if (r.MaximumBatchingWindowInSeconds) m.window_s = *r.MaximumBatchingWindowInSeconds;
  if (r.Enabled) m.enabled = *r.Enabled;
  if (r.FunctionResponseTypes) m.report_failures = !r.FunctionResponseTypes->empty();
  if (is_stream(m)) {
    apply_stream(m, r);
  } else {
    apply_queue(m, r);
  }
  if (r.FilterCriteria) {
    m.filters.clear();
    if (r.FilterCriteria->Filters) {
      for (const auto& filter : *r.FilterCriteria->Filters) {
        if (!filter.Pattern || filter.Pattern->empty()) invalid("Invalid filter pattern definition.");
        m.filters.push_back(*filter.Pattern);
      }
    }
    if (m.filters.size() > kMaxFilters)
      invalid("The number of filters exceeds the limit of " + std::to_string(kMaxFilters) + ".");
    try {
      for (const auto& pattern : m.filters) lang::EventPattern::parse(pattern);
    } catch (const lang::EventPatternError&) {
      invalid("Invalid filter pattern definition.");
    }
  }
}

}  // namespace

void apply_settings(Mapping& m, const aws::lambda::CreateEventSourceMappingRequest& r) {
  if (is_stream(m)) {
    if (!r.StartingPosition) {
      invalid(
          "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.");
    }
    if (*r.StartingPosition == "AT_TIMESTAMP" || r.StartingPositionTimestamp) {
      invalid("Unsupported starting position for arn type: " + m.source);
    }
    m.starting_position = *r.StartingPosition;
    m.batch_size = kStreamBatch;
  } else {
    if (r.StartingPosition) invalid("StartingPosition is not valid for SQS event sources.");
    if (r.StartingPositionTimestamp) invalid("StartingPositionTimestamp is not valid for SQS event sources.");
  }
  refuse_member("Topics, Queues or SelfManagedEventSource", r.Topics || r.Queues || r.SelfManagedEventSource,
                is_stream(m) ? "Amazon DynamoDB" : "Amazon SQS");
  apply(m, r);
}

void apply_settings(Mapping& m, const aws::lambda::UpdateEventSourceMappingRequest& r) { apply(m, r); }

bool is_fifo(const Mapping& m) { return m.source.ends_with(".fifo"); }

bool is_stream(const Mapping& m) { return m.source.starts_with("arn:aws:dynamodb:"); }

void check_batching(const Mapping& m) {
  if (is_stream(m)) {
    if (m.max_age_s != -1 && m.max_age_s < kMinRecordAge)
      invalid("MaximumRecordAgeInSeconds must be -1 or between 60 and 604800 seconds.");
    if (m.tumbling_s > 0 && m.parallelization > 1)
      invalid("ParallelizationFactor must be 1 when TumblingWindowInSeconds is set.");
    return;
  }
  if (is_fifo(m) && m.window_s > 0) invalid("Batching window is not supported for FIFO queues");
  if (is_fifo(m) && m.batch_size > kMaxFifoBatch) invalid("Batch size must not exceed 10 for FIFO queues");
  if (m.batch_size > 10 && m.window_s == 0)
    invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10");
}

void check_source(const std::optional<std::string>& arn, std::string_view region) {
  if (!arn || arn->empty()) invalid("Unrecognized event source.");
  const auto parts = base::split(*arn, ':');
  if (parts.size() < 6 || parts[0] != "arn") invalid("Unrecognized event source.");
  if (parts[2] == "dynamodb") {
    // arn:aws:dynamodb:region:account:table/name/stream/2026-01-31T12:00:00.000
    const auto path = base::split(std::string_view(*arn).substr(static_cast<std::size_t>(parts[5].data() - arn->data())), '/');
    if (path.size() != 4 || path[0] != "table" || path[2] != "stream" || path[3].empty()) invalid("Unrecognized event source.");
  } else if (parts[2] == "sqs") {
    if (parts.size() != 6 || parts[5].empty()) invalid("Unrecognized event source.");
  } else {
    not_here("The event source " + std::string(parts[2]));
  }
  if (parts[3] != region) {
    invalid("The event source must be in the region of the function: " + *arn);
  }
}

std::string mapping_arn(const Mapping& m) {
  return "arn:aws:lambda:" + m.function.region + ":" + m.function.account + ":event-source-mapping:" + m.uuid;
}

std::string uuid_of_mapping_arn(std::string_view arn) {
  const auto parts = base::split(arn, ':');
  if (parts.size() != 7 || parts[2] != "lambda" || parts[5] != "event-source-mapping") return {};
  return std::string(parts[6]);
}

aws::lambda::EventSourceMappingConfiguration describe(const Mapping& m, std::string last_result) {
  aws::lambda::EventSourceMappingConfiguration out;
  out.UUID = m.uuid;
  out.EventSourceMappingArn = mapping_arn(m);
  out.EventSourceArn = m.source;
  out.FunctionArn = function_arn(m.function, m.qualifier);
  out.BatchSize = m.batch_size;
  out.MaximumBatchingWindowInSeconds = m.window_s;
  out.FunctionResponseTypes.emplace();
  if (m.report_failures) out.FunctionResponseTypes->emplace_back("ReportBatchItemFailures");
  if (m.max_concurrency) out.ScalingConfig.emplace().MaximumConcurrency = m.max_concurrency;
  if (!m.filters.empty()) {
    out.FilterCriteria.emplace().Filters.emplace();
    for (const auto& pattern : m.filters) out.FilterCriteria->Filters->emplace_back().Pattern = pattern;
  }
  out.LastModified = m.modified;
  out.State = m.state;
  out.StateTransitionReason = is_stream(m) ? "User action" : "USER_INITIATED";
  if (is_stream(m)) {
    out.StartingPosition = m.starting_position;
    out.ParallelizationFactor = m.parallelization;
    out.MaximumRecordAgeInSeconds = m.max_age_s;
    out.MaximumRetryAttempts = m.max_retries;
    out.BisectBatchOnFunctionError = m.bisect;
    out.TumblingWindowInSeconds = m.tumbling_s;
    auto& failure = out.DestinationConfig.emplace().OnFailure.emplace();
    if (!m.on_failure.empty()) failure.Destination = m.on_failure;
    if (last_result.empty()) last_result = "No records processed";
  }
  if (!last_result.empty()) out.LastProcessingResult = std::move(last_result);
  return out;
}

}  // namespace lambari::lambda
