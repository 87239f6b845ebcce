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

template <class Request>
void apply(Mapping& m, const Request& r) {
  const auto no = [](std::string_view member, bool given) {
    if (given) invalid(std::string(member) + " is not supported for an Amazon SQS event source.");
  };
  no("ParallelizationFactor", r.ParallelizationFactor.has_value());
  no("MaximumRecordAgeInSeconds", r.MaximumRecordAgeInSeconds.has_value());
  no("BisectBatchOnFunctionError", r.BisectBatchOnFunctionError.has_value());
  no("MaximumRetryAttempts", r.MaximumRetryAttempts.has_value());
  no("TumblingWindowInSeconds", r.TumblingWindowInSeconds.value_or(0) != 0);
  no("SourceAccessConfigurations", r.SourceAccessConfigurations && !r.SourceAccessConfigurations->empty());
  no("AmazonManagedKafkaEventSourceConfig", r.AmazonManagedKafkaEventSourceConfig.has_value());
  no("SelfManagedKafkaEventSourceConfig", r.SelfManagedKafkaEventSourceConfig.has_value());
  no("DocumentDBEventSourceConfig", r.DocumentDBEventSourceConfig.has_value());
  if (const auto& d = r.DestinationConfig) {
    no("DestinationConfig", (d->OnFailure && d->OnFailure->Destination) || (d->OnSuccess && d->OnSuccess->Destination));
  }
  if (r.KMSKeyArn && !r.KMSKeyArn->empty()) not_here("KMSKeyArn of an event source mapping");
  if (r.MetricsConfig && r.MetricsConfig->Metrics && !r.MetricsConfig->Metrics->empty()) not_here("MetricsConfig");
  if (r.LoggingConfig) not_here("LoggingConfig of an event source mapping");
  if (r.ProvisionedPollerConfig) not_here("ProvisionedPollerConfig");

  if (r.BatchSize) m.batch_size = *r.BatchSize;
  if (r.MaximumBatchingWindowInSeconds) m.window_s = *r.MaximumBatchingWindowInSeconds;
  if (r.Enabled) m.enabled = *r.Enabled;
  if (r.FunctionResponseTypes) m.report_failures = !r.FunctionResponseTypes->empty();
  if (r.ScalingConfig) m.max_concurrency = r.ScalingConfig->MaximumConcurrency;
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
  if (r.StartingPosition) invalid("StartingPosition is not valid for SQS event sources.");
  if (r.StartingPositionTimestamp) invalid("StartingPositionTimestamp is not valid for SQS event sources.");
  if (r.Topics || r.Queues || r.SelfManagedEventSource)
    invalid("Topics, Queues and SelfManagedEventSource are not supported for an Amazon SQS event source.");
  apply(m, r);
}

void apply_settings(Mapping& m, const aws::lambda::UpdateEventSourceMappingRequest& r) { apply(m, r); }

bool is_fifo(const Mapping& m) { return m.source.ends_with(".fifo"); }

void check_batching(const Mapping& m) {
  if (is_fifo(m) && m.window_s > 0) invalid("Batching window is not supported for FIFO queues");
  if (is_fifo(m) && m.batch_size > kMaxFifoBatch) invalid("Batch size must not exceed 10 for FIFO queues");
  if (m.batch_size > 10 && m.window_s == 0)
    invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10");
}

void check_source(const std::optional<std::string>& arn, std::string_view region) {
  if (!arn || arn->empty()) invalid("Unrecognized event source.");
  const auto parts = base::split(*arn, ':');
  if (parts.size() < 6 || parts[0] != "arn") invalid("Unrecognized event source.");
  if (parts[2] != "sqs") not_here("The event source " + std::string(parts[2]));
  if (parts.size() != 6 || parts[5].empty()) invalid("Unrecognized event source.");
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
  out.StateTransitionReason = "USER_INITIATED";
  if (!last_result.empty()) out.LastProcessingResult = std::move(last_result);
  return out;
}

}  // namespace lambari::lambda
