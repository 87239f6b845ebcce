#include "wire/event_stream.h"

#include <gtest/gtest.h>

#include "async/loops.h"
#include "base/bytes.h"
#include "wire/fault.h"

namespace lambari::wire {
namespace {

// A model as the generator would make it: a union of an event with a payload, one with headers and a document, and a fault.
struct Chunk {
  std::optional<std::string> Payload;
};
struct Note {
  std::optional<std::int64_t> Number;
  std::optional<std::string> Text;
};
struct Event {
  std::optional<Chunk> chunk;
  std::optional<Note> note;
};

const Shape* string_shape() {
  static const Shape shape = {.kind = Kind::string, .name = "String"};
  return &shape;
}
const Shape* blob_shape() {
  static const Shape shape = {.kind = Kind::blob, .name = "Blob"};
  return &shape;
}
const Shape* long_shape() {
  static const Shape shape = {.kind = Kind::long_, .name = "Long"};
  return &shape;
}
const Shape* chunk_shape() {
  static const Member members[] = {{.name = "Payload",
                                    .wire_name = "Payload",
                                    .location = Location::event_payload,
                                    .shape = blob_shape,
                                    .mutate = access::Of<&Chunk::Payload>::mutate,
                                    .read = access::Of<&Chunk::Payload>::read}};
  static const Shape shape = {.kind = Kind::structure, .name = "Chunk", .members = members};
  return &shape;
}
const Shape* note_shape() {
  static const Member members[] = {{.name = "Number",
                                    .wire_name = "Number",
                                    .location = Location::event_header,
                                    .shape = long_shape,
                                    .mutate = access::Of<&Note::Number>::mutate,
                                    .read = access::Of<&Note::Number>::read},
                                   {.name = "Text",
                                    .wire_name = "Text",
                                    .shape = string_shape,
                                    .mutate = access::Of<&Note::Text>::mutate,
                                    .read = access::Of<&Note::Text>::read}};
  static const Shape shape = {.kind = Kind::structure, .name = "Note", .members = members};
  return &shape;
}
const Shape* event_shape() {
  static const Member members[] = {{.name = "chunk",
                                    .wire_name = "chunk",
                                    .shape = chunk_shape,
                                    .mutate = access::Of<&Event::chunk>::mutate,
                                    .read = access::Of<&Event::chunk>::read},
                                   {.name = "note",
                                    .wire_name = "note",
                                    .shape = note_shape,
                                    .mutate = access::Of<&Event::note>::mutate,
                                    .read = access::Of<&Event::note>::read}};
  static const Shape shape = {.kind = Kind::structure, .name = "Event", .members = members, .event_stream = true};
  return &shape;
}

class Three : public EventSource<Event> {
 public:
  async::Task<std::optional<Event>> next() override {
    Event event;
    switch (at_++) {
      case 0: event.chunk.emplace().Payload = std::string("a\0b", 3); break;
      case 1:
        event.note.emplace().Number = 258;
        event.note->Text = "hi";
        break;
      default: throw Fault("ThrottlingException", "slow down", 400);
    }
    co_return event;
  }

 private:
  int at_ = 0;
};

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = at; i < at + 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

void expect_sound(std::string_view message) {
  ASSERT_GE(message.size(), 16u);
  EXPECT_EQ(number_at(message, 0), message.size());
  EXPECT_EQ(number_at(message, 8), base::crc32(message.substr(0, 8)));
  EXPECT_EQ(number_at(message, message.size() - 4), base::crc32(message.substr(0, message.size() - 4)));
}

async::Task<> drain_into(std::shared_ptr<http::BodySource> body, std::vector<std::string>* messages) {
  for (;;) {
    auto message = co_await body->next();
    if (message.empty()) co_return;
    messages->push_back(std::move(message));
  }
}

std::vector<std::string> drain(std::shared_ptr<http::BodySource> body) {
  async::Loops loops(1);
  std::vector<std::string> messages;
  loops.run(drain_into(std::move(body), &messages));
  return messages;
}

// From AWS's own vectors for event streams.
TEST(EventStream, MessagesAreFramedAsAwsDoes) {
  EXPECT_EQ(base::hex(event_message({}, "")), "000000100000000005c248eb7d98c8ff");
  EXPECT_EQ(base::hex(event_message({}, "{'foo':'bar'}")),
            "0000001d00000000fd528c5a7b27666f6f273a27626172277dc36539"
            "36");
}

TEST(EventStream, EventsBecomeMessages) {
  auto messages = drain(event_body(std::make_shared<Three>(), *event_shape(), Protocol::rest_json));
  ASSERT_EQ(messages.size(), 3u);
  for (const auto& message : messages) expect_sound(message);
  EXPECT_EQ(messages[0], event_message({string_header(":message-type", "event"), string_header(":event-type", "chunk"),
                                        string_header(":content-type", "application/octet-stream")},
                                       std::string_view("a\0b", 3)));
  EXPECT_EQ(messages[1], event_message({string_header(":message-type", "event"), string_header(":event-type", "note"),
                                        EventHeader{"Number", std::string("\5\0\0\0\0\0\0\1\2", 9)},
                                        string_header(":content-type", "application/json")},
                                       R"({"Text":"hi"})"));
  EXPECT_EQ(messages[2],
            event_message({string_header(":message-type", "error"), string_header(":error-code", "ThrottlingException"),
                           string_header(":error-message", "slow down")},
                          ""));
}

TEST(EventStream, TheFirstMessageMayHoldTheRest) {
  auto messages =
      drain(event_body(nullptr, *event_shape(), Protocol::json_1_1, typed_message("initial-response", "application/json", "{}")));
  ASSERT_EQ(messages.size(), 1u);
  expect_sound(messages[0]);
}

}  // namespace
}  // namespace lambari::wire
