#include "services/dynamodb/stream_event.h"

#include "base/bytes.h"
#include "base/json.h"
#include "services/dynamodb/stream_reader.h"

namespace lambari::dynamodb {
namespace {

void append(std::string& out, const Item& item);
void append(std::string& out, const Value& value);

void append_text(std::string& out, std::string_view text) { base::append_json_string(out, text); }
void append_text(std::string& out, const Number& number) { base::append_json_string(out, number.text()); }
void append_text(std::string& out, const Binary& binary) { base::append_json_string(out, base::base64(binary.bytes)); }

template <class Elements, class Append>
void append_list(std::string& out, const Elements& elements, Append append_one) {
  out += '[';
  bool first = true;
  for (const auto& element : elements) {
    if (!first) out += ',';
    first = false;
    append_one(element);
  }
  out += ']';
}

struct Appender {
  std::string& out;
  void operator()(const std::string& text) { append_text(out, text); }
  void operator()(const Number& number) { append_text(out, number); }
  void operator()(const Binary& binary) { append_text(out, binary); }
  template <class Element>
  void operator()(const lang::dynamodb::Set<Element>& set) {
    append_list(out, set.elements, [this](const Element& element) { append_text(out, element); });
  }
  void operator()(const Map& map) { append(out, map); }
  void operator()(const List& list) {
    append_list(out, list, [this](const Value& value) { append(out, value); });
  }
  void operator()(Null) { out += "true"; }
  void operator()(bool flag) { out += flag ? "true" : "false"; }
};

// {"S":"text"}
void append(std::string& out, const Value& value) {
  out.append("{\"").append(lang::dynamodb::name_of(value.type())).append("\":");
  std::visit(Appender{out}, value.of);
  out += '}';
}

void append(std::string& out, const Item& item) {
  out += '{';
  for (const auto& [name, value] : item) {
    if (out.back() != '{') out += ',';
    base::append_json_string(out, name);
    out += ':';
    append(out, value);
  }
  out += '}';
}

}  // namespace

std::string event_record(const Table& table, const Stream& stream, std::uint64_t sequence, const StreamRecord& record) {
  std::string out = R"({"eventID":")" + event_id(table, stream, sequence) + R"(","eventName":")" + record.event +
                    R"(","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":")" + table.name.region +
                    R"(","dynamodb":{"ApproximateCreationDateTime":)" + std::to_string(record.created.ms / 1000) + R"(,"Keys":)";
  append(out, record.keys);
  if (record.new_image) {
    out += R"(,"NewImage":)";
    append(out, *record.new_image);
  }
  if (record.old_image) {
    out += R"(,"OldImage":)";
    append(out, *record.old_image);
  }
  out += R"(,"SequenceNumber":")" + spelled_sequence(sequence) + R"(","SizeBytes":)" + std::to_string(size_of(record)) +
         R"(,"StreamViewType":")" + stream.view + R"("})";
  if (record.expired) out += R"(,"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"})";
  return out + R"(,"eventSourceARN":")" + table.stream_arn(stream) + R"("})";
}

}  // namespace lambari::dynamodb
