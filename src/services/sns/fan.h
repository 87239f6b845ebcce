// From one message to the deliveries it owes. A short message travels in each delivery's row; a long one that several share has
// a row of its own, with a count of those that still need it. Beyond kDirect recipients the publish commits one row that fans
// out afterwards, piece by piece, so that no transaction grows with the audience.
#pragma once

#include "services/sns/state.h"

namespace lambari::sns {

inline constexpr std::size_t kDirect = 2'000;
inline constexpr std::size_t kInline = 1'024;  // bytes of a message that is copied

void owe(State& state, store::Transaction& t, const Message& message, const Recipients& recipients,
         std::vector<delivery::Outbox::Added>& added);

// The next piece of a fan-out, after the subscription `cursor`. Empty `next`: it is over.
struct Piece {
  Recipients recipients;
  std::string next;
};
Piece next_piece(State& state, const TopicName& topic, const Message& message, const std::string& cursor);
// Rows for a piece, all sharing the message's row.
void owe_piece(State& state, store::Transaction& t, const Message& message, const Recipients& recipients,
               std::vector<delivery::Outbox::Added>& added);

// A delivery that used the message's row is over.
void release(store::Transaction& t, const std::string& message_id);
std::optional<Message> shared_message(store::Reader& reader, const std::string& message_id);

}  // namespace lambari::sns
