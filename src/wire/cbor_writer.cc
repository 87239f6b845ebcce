#include <cbor.h>

#include "wire/cbor.h"

namespace lambari::wire {
namespace {

// The encoders of libcbor write a head into a buffer.
template <class Encode, class Value>
void head(std::string& out, Encode encode, Value value) {
  unsigned char buffer[16];
  out.append(reinterpret_cast<const char*>(buffer), encode(value, buffer, sizeof buffer));
}

void append_integer(std::string& out, std::int64_t value) {
  if (value >= 0)
    head(out, cbor_encode_uint, static_cast<std::uint64_t>(value));
  else
    head(out, cbor_encode_negint, static_cast<std::uint64_t>(-1 - value));
}

void append_number(std::string& out, double value) {
  if (auto single = static_cast<float>(value); static_cast<double>(single) == value)
    head(out, cbor_encode_single, single);
  else
    head(out, cbor_encode_double, value);
}

}  // namespace

void append_cbor_text(std::string& out, std::string_view text) {
  head(out, cbor_encode_string_start, text.size());
  out += text;
}

void append_cbor_map(std::string& out, std::size_t pairs) { head(out, cbor_encode_map_start, pairs); }

std::size_t count_cbor_members(const Shape& shape, const void* value) {
  std::size_t count = 0;
  for (const auto& member : shape.members) count += member.read(value, member) != nullptr;
  return count;
}

void append_cbor_members(std::string& out, const Shape& shape, const void* value) {
  for (const auto& member : shape.members) {
    const void* item = member.read(value, member);
    if (!item) continue;
    append_cbor_text(out, member.wire_name);
    append_cbor(out, member, item);
  }
}

void append_cbor(std::string& out, const Member& member, const void* value) {
  const Shape& shape = *member.shape();
  switch (shape.kind) {
    case Kind::string: return append_cbor_text(out, *static_cast<const std::string*>(value));
    case Kind::blob: {
      const auto& bytes = *static_cast<const std::string*>(value);
      head(out, cbor_encode_bytestring_start, bytes.size());
      out += bytes;
      return;
    }
    case Kind::boolean: return head(out, cbor_encode_bool, *static_cast<const bool*>(value));
    case Kind::integer: return append_integer(out, *static_cast<const std::int32_t*>(value));
    case Kind::long_: return append_integer(out, *static_cast<const std::int64_t*>(value));
    case Kind::float_:
    case Kind::double_: return append_number(out, *static_cast<const double*>(value));
    case Kind::timestamp: {
      head(out, cbor_encode_tag, std::uint64_t{1});
      std::int64_t ms = static_cast<const base::Timestamp*>(value)->ms;
      if (ms % 1000 == 0) return append_integer(out, ms / 1000);
      return head(out, cbor_encode_double, static_cast<double>(ms) / 1000.0);
    }
    case Kind::document: return append_cbor_text(out, static_cast<const Document*>(value)->json);
    case Kind::list: {
      std::size_t count = shape.count(value);
      head(out, cbor_encode_array_start, count);
      for (std::size_t i = 0; i < count; ++i) append_cbor(out, *shape.element, shape.at(value, i));
      return;
    }
    case Kind::map: {
      append_cbor_map(out, shape.count(value));
      std::pair<std::string*, const Member*> context{&out, shape.element};
      shape.for_each(value, &context, [](void* c, const std::string& key, const void* item) {
        auto& [to, element] = *static_cast<std::pair<std::string*, const Member*>*>(c);
        append_cbor_text(*to, key);
        append_cbor(*to, *element, item);
      });
      return;
    }
    case Kind::structure: append_cbor_map(out, count_cbor_members(shape, value)); return append_cbor_members(out, shape, value);
  }
}

}  // namespace lambari::wire
