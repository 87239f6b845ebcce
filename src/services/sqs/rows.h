// Values as rows of the store, and back. What cannot be read throws std::runtime_error: a damaged store, never a client's doing.
#pragma once

#include <string>
#include <string_view>

#include "services/sqs/model.h"

namespace lambari::sqs {

std::string encode(const Queue& queue);
Queue decode_queue(std::string_view row);

std::string encode(const Receipt& receipt);
Receipt decode_receipt(std::string_view row);

std::string encode(const MoveTask& task);
MoveTask decode_task(std::string_view row);

// A message's row: a head that the room reads without the account's key, and the content (body and attributes), which is in the
// row or, when larger than kInlineContent, in the blob that it names. Content is sealed when the queue asks for it.
inline constexpr std::size_t kInlineContent = 64 << 10;

struct MessageRow {
  Message head;         // without body and attributes
  bool sealed = false;  // how `content` was encoded
  std::string content;  // encode_content(), maybe sealed; empty when in a blob
  std::string blob;     // its hash
};

std::string encode(const MessageRow& row);
MessageRow decode_message(std::string_view row);

std::string encode_content(const std::string& body, const Attributes& attributes);
void decode_content(std::string_view content, std::string& body, Attributes& attributes);

// What was done under a deduplication id.
struct Sent {
  std::int64_t at = 0;
  std::uint64_t sequence = 0;
  std::string id;
};
std::string encode(const Sent& sent);
Sent decode_sent(std::string_view row);

// What was received under an attempt id.
struct Attempt {
  std::int64_t at = 0;
  struct Item {
    Position position;
    std::uint32_t receives = 0;
    std::int64_t visible_at = 0;
  };
  std::vector<Item> items;
};
std::string encode(const Attempt& attempt);
Attempt decode_attempt(std::string_view row);

}  // namespace lambari::sqs
