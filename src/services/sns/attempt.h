// One try at a subscriber: HTTP, a function, the local outbox; and the texts that go there.
#pragma once

#include <string>

#include "services/sns/envelope.h"
#include "services/sns/mail.h"
#include "services/sns/state.h"

namespace lambari::sns {

struct Attempt {
  contracts::Delivery::Kind kind = contracts::Delivery::Kind::delivered;
  int status = 200;
  std::string response, destination;
};

Attempt attempt_of(const contracts::Delivery& delivery, const std::string& destination);
contracts::Principal service_principal();  // sns.amazonaws.com
bool is_mail(const std::string& protocol);

// Coroutines take what they use by value: they outlive their caller's frame where the loops stop.
async::Task<Seal> seal_of(std::shared_ptr<State> state, Subscription subscription, Message message);
async::Task<Attempt> post(std::shared_ptr<State> state, Subscription subscription, Message message, std::string content_type);
async::Task<Attempt> invoke(std::shared_ptr<State> state, Subscription subscription, Message message);
async::Task<Mail> mail_of(std::shared_ptr<State> state, Subscription subscription, Message message, std::string display_name);

async::Task<std::string> confirmation_text(std::shared_ptr<State> state, Subscription subscription, std::string message_id,
                                           bool farewell);
async::Task<Attempt> post_confirmation(std::shared_ptr<State> state, Subscription subscription, bool farewell);
Mail confirmation_mail(const State& state, const Subscription& subscription);

void count_attempt(State& state, const Subscription& subscription);

}  // namespace lambari::sns
