#include "services/sns/service.h"

#include "services/sns/keys.h"
#include "services/sns/mail.h"
#include "services/sns/state.h"

namespace lambari::sns {
namespace {

delivery::LaneRule rule_of(const std::string& lane) {
  if (lane.starts_with("f/")) return {1, true};
  if (lane.starts_with("q/")) return {32, false};
  return {8, false};
}

contracts::Delivery answer(const wire::Fault& fault) {
  using Kind = contracts::Delivery::Kind;
  return {fault.senders() ? Kind::refused : Kind::try_again, fault.code(), fault.message(), fault.status()};
}

}  // namespace

State::State(Dependencies dependencies)
    : d(std::move(dependencies)),
      audiences(d.store),
      signer(d.loops, d.store),
      outbox(d.loops, d.clock, d.store, {.name = "sns", .rule = rule_of},
             [this](delivery::Work work) { return sns::deliver(owner.lock(), std::move(work)); }) {}

Sns::Sns(Dependencies dependencies) : state_(std::make_shared<State>(std::move(dependencies))) { state_->owner = state_; }
Sns::~Sns() = default;

async::Task<> Sns::start() { return state_->outbox.start(); }
async::Task<> Sns::stop() { return state_->outbox.stop(); }

async::Task<> Sns::nuke() {
  co_await state_->d.store.commit([](store::Transaction& t) {
    for (const auto table : keys::kTables) t.erase(store::prefix_range(store::Key(table).str()));
  });
  co_await state_->outbox.clear();
  state_->audiences.clear();
}

base::json::array Sns::outbox(std::size_t limit) { return read_mail(*state_->d.store.read(), limit); }

async::Task<contracts::Delivery> Sns::deliver(contracts::Parcel parcel) {
  const auto state = state_;
  const auto name = parse_topic_arn(parcel.target);
  const auto topic = name ? state->audiences.topic(*name) : nullptr;
  using Kind = contracts::Delivery::Kind;
  if (!topic) co_return contracts::Delivery{Kind::refused, "NotFound", "Topic does not exist", 404};
  contracts::AccessRequest asked{"SNS:Publish", {topic->name.arn()}, {}, topic->get("Policy")};
  if (!parcel.source_arn.empty()) asked.context["aws:SourceArn"] = {parcel.source_arn};
  const auto decision = co_await state->d.authorizer.authorize(parcel.sender, asked);
  if (!decision.allowed) co_return contracts::Delivery{Kind::refused, "AuthorizationError", decision.reason, 403};
  std::optional<contracts::Delivery> refusal;
  try {
    Published published{.message = std::move(parcel.body)};
    if (!parcel.subject.empty()) published.subject = parcel.subject;
    if (!parcel.group_id.empty()) published.group = parcel.group_id;
    if (!parcel.deduplication_id.empty()) published.deduplication_id = parcel.deduplication_id;
    if (!parcel.attributes.empty()) {
      published.attributes.emplace();
      for (const auto& [key, attribute] : parcel.attributes) {
        auto& value = (*published.attributes)[key];
        value.DataType = attribute.data_type;
        (attribute.data_type.starts_with("Binary") ? value.BinaryValue : value.StringValue) = attribute.value;
      }
    }
    std::vector<Message> messages{message_from(published, topic.get())};
    messages[0].trace_header = parcel.trace_header;
    state->d.meter.count("sns", "Requests-Tier1", topic->name.arn(), 1);
    co_await publish(state, topic->name, std::move(messages));
  } catch (const wire::Fault& fault) {
    refusal = answer(fault);
  }
  co_return refusal.value_or(contracts::Delivery{});
}

}  // namespace lambari::sns
