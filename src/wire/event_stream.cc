#include "wire/event_stream.h"

#include "base/bytes.h"
#include "wire/cbor.h"
#include "wire/json.h"

namespace lambari::wire {
namespace {

enum HeaderType : char { kTrue = 0, kFalse = 1, kInteger = 4, kLong = 5, kBytes = 6, kString = 7, kTimestamp = 8 };

template <class T>
void append_big_endian(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof value - 1) * 8; shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xff);
}

void append_text(std::string& out, HeaderType type, std::string_view value) {
  value = value.substr(0, 0x7fff);  // what a header may hold
  out += type;
  append_big_endian(out, static_cast<std::uint16_t>(value.size()));
  out += value;
}

std::string header_value(const Shape& shape, const void* value) {
  std::string out;
  switch (shape.kind) {
    case Kind::boolean: out += *static_cast<const bool*>(value) ? kTrue : kFalse; break;
    case Kind::integer:
      out += kInteger;
      append_big_endian(out, *static_cast<const std::int32_t*>(value));
      break;
    case Kind::long_:
      out += kLong;
      append_big_endian(out, *static_cast<const std::int64_t*>(value));
      break;
    case Kind::timestamp:
      out += kTimestamp;
      append_big_endian(out, static_cast<const base::Timestamp*>(value)->ms);
      break;
    case Kind::blob: append_text(out, kBytes, *static_cast<const std::string*>(value)); break;
    default: append_text(out, kString, *static_cast<const std::string*>(value)); break;
  }
  return out;
}

std::string_view document_type(Protocol protocol) {
  return protocol == Protocol::rpc_v2_cbor ? "application/cbor" : "application/json";
}

std::string document_of(const Shape& shape, const void* value, Protocol protocol) {
  std::string out;
  if (protocol == Protocol::rpc_v2_cbor) {
    append_cbor_map(out, count_cbor_members(shape, value));
    append_cbor_members(out, shape, value);
    return out;
  }
  bool comma = false;
  out += '{';
  append_json_members(out, shape, value, comma);
  out += '}';
  return out;
}

// One event: the members bound to headers go there, one bound to the payload is all of it, others make a document.
std::string encode_event(const Member& which, const void* value, Protocol protocol) {
  const Shape& shape = *which.shape();
  std::vector<EventHeader> headers{string_header(":message-type", "event"), string_header(":event-type", which.wire_name)};
  std::string payload;
  std::string_view type;
  bool whole = false;
  for (const auto& member : shape.members) {
    const bool in_header = member.location == Location::event_header;
    if (!in_header && member.location != Location::event_payload) continue;
    const void* item = member.read(value, member);
    const Shape& kind = *member.shape();
    if (in_header) {
      if (item) headers.push_back({std::string(member.wire_name), header_value(kind, item)});
      continue;
    }
    whole = true;
    if (kind.kind == Kind::blob || kind.kind == Kind::string) {
      type = kind.kind == Kind::blob ? "application/octet-stream" : "text/plain";
      if (item) payload = *static_cast<const std::string*>(item);
    } else if (item) {
      type = document_type(protocol);
      payload = document_of(kind, item, protocol);
    }
  }
  if (!whole) {
    type = document_type(protocol);
    payload = document_of(shape, value, protocol);
  }
  if (!type.empty()) headers.push_back(string_header(":content-type", type));
  return event_message(headers, payload);
}

std::string encode_failure(const Shape& stream, const Fault& fault, Protocol protocol) {
  for (const auto& member : stream.members) {
    if (!fault.shape() || member.shape()->name != fault.shape()->name) continue;
    return event_message({string_header(":message-type", "exception"), string_header(":exception-type", member.wire_name),
                          string_header(":content-type", document_type(protocol))},
                         document_of(*fault.shape(), fault.value(), protocol));
  }
  return event_message({string_header(":message-type", "error"), string_header(":error-code", fault.code()),
                        string_header(":error-message", fault.message())},
                       {});
}

class EventBody : public http::BodySource {
 public:
  EventBody(std::shared_ptr<AnyEventSource> source, const Shape& stream, Protocol protocol, std::string initial)
      : source_(std::move(source)), stream_(stream), protocol_(protocol), initial_(std::move(initial)) {}

  async::Task<std::string> next() override {
    if (!initial_.empty()) co_return std::exchange(initial_, {});
    if (!source_) co_return "";
    try {
      auto event = co_await source_->next_value();
      if (event) {
        for (const auto& member : stream_.members)
          if (const void* value = member.read(event.get(), member)) co_return encode_event(member, value, protocol_);
      }
      source_.reset();
    } catch (const Fault& fault) {
      source_.reset();
      co_return encode_failure(stream_, fault, protocol_);
    }
    co_return "";
  }

 private:
  std::shared_ptr<AnyEventSource> source_;
  const Shape& stream_;
  const Protocol protocol_;
  std::string initial_;
};

}  // namespace

EventHeader string_header(std::string_view name, std::string_view value) {
  EventHeader header{std::string(name.substr(0, 0xff)), {}};
  append_text(header.type_and_value, kString, value);
  return header;
}

std::string event_message(const std::vector<EventHeader>& headers, std::string_view payload) {
  std::string block;
  for (const auto& header : headers) {
    block += static_cast<char>(header.name.size());
    block += header.name;
    block += header.type_and_value;
  }
  std::string out;
  out.reserve(16 + block.size() + payload.size());
  append_big_endian(out, static_cast<std::uint32_t>(16 + block.size() + payload.size()));
  append_big_endian(out, static_cast<std::uint32_t>(block.size()));
  append_big_endian(out, base::crc32(out));
  out += block;
  out += payload;
  append_big_endian(out, base::crc32(out));
  return out;
}

std::string typed_message(std::string_view event_type, std::string_view content_type, std::string_view payload) {
  return event_message({string_header(":message-type", "event"), string_header(":event-type", event_type),
                        string_header(":content-type", content_type)},
                       payload);
}

std::shared_ptr<http::BodySource> event_body(std::shared_ptr<AnyEventSource> source, const Shape& stream, Protocol protocol,
                                             std::string initial) {
  return std::make_shared<EventBody>(std::move(source), stream, protocol, std::move(initial));
}

}  // namespace lambari::wire
