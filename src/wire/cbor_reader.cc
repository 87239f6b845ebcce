#include <cbor.h>

#include <cmath>
#include <limits>

#include "base/bytes.h"
#include "wire/cbor.h"
#include "wire/scalar.h"

namespace lambari::wire {
namespace {

// One item's head as libcbor's streaming decoder reports it.
struct Token {
  enum class Type {
    uint,
    negint,
    bytes,
    bytes_start,
    text,
    text_start,
    array,
    array_start,
    map,
    map_start,
    tag,
    number,
    boolean,
    null,
    end
  };
  Type type = Type::null;
  std::uint64_t value = 0;  // an integer (of a negative one: -1 - value), a count, a tag, a boolean
  double number = 0;
  std::string_view span;
};

using Type = Token::Type;

Token& token(void* context) { return *static_cast<Token*>(context); }
template <class T>
void on_uint(void* c, T value) {
  token(c) = {Type::uint, value};
}
template <class T>
void on_negint(void* c, T value) {
  token(c) = {Type::negint, value};
}
template <Type type>
void on_count(void* c, std::size_t count) {
  token(c) = {type, count};
}
template <Type type>
void on_plain(void* c) {
  token(c) = {type};
}
template <Type type>
void on_span(void* c, cbor_data data, std::size_t size) {
  token(c) = {type, 0, 0, {reinterpret_cast<const char*>(data), size}};
}
void on_float(void* c, float value) { token(c) = {Type::number, 0, value}; }
void on_double(void* c, double value) { token(c) = {Type::number, 0, value}; }
void on_tag(void* c, std::uint64_t value) { token(c) = {Type::tag, value}; }
void on_boolean(void* c, bool value) { token(c) = {Type::boolean, value}; }

const cbor_callbacks& callbacks() {
  static const cbor_callbacks all = [] {
    cbor_callbacks c = cbor_empty_callbacks;
    c.uint8 = on_uint<std::uint8_t>;
    c.uint16 = on_uint<std::uint16_t>;
    c.uint32 = on_uint<std::uint32_t>;
    c.uint64 = on_uint<std::uint64_t>;
    c.negint8 = on_negint<std::uint8_t>;
    c.negint16 = on_negint<std::uint16_t>;
    c.negint32 = on_negint<std::uint32_t>;
    c.negint64 = on_negint<std::uint64_t>;
    c.byte_string = on_span<Type::bytes>;
    c.byte_string_start = on_plain<Type::bytes_start>;
    c.string = on_span<Type::text>;
    c.string_start = on_plain<Type::text_start>;
    c.array_start = on_count<Type::array>;
    c.indef_array_start = on_plain<Type::array_start>;
    c.map_start = on_count<Type::map>;
    c.indef_map_start = on_plain<Type::map_start>;
    c.tag = on_tag;
    c.float2 = on_float;
    c.float4 = on_float;
    c.float8 = on_double;
    c.undefined = on_plain<Type::null>;
    c.null = on_plain<Type::null>;
    c.boolean = on_boolean;
    c.indef_break = on_plain<Type::end>;
    return c;
  }();
  return all;
}

class Reader {
 public:
  Reader(std::string_view bytes, Reading& reading) : bytes_(bytes), reading_(reading) {}

  void members(const Token& from, const Shape& shape, void* value, Presence& presence, const Path& at, int depth) {
    MemberFinder finder(shape);
    each(from, Type::map, Type::map_start, "Structure", [&](const Token& first) {
      std::string name = text(first);
      const Member* member = finder.find([&](const Member& m) { return m.wire_name == name; });
      Token item = next();
      if (!member) return skip(item, depth + 1);
      if (item.type == Type::null) return;
      presence.mark(*member);
      read(item, *member, member->mutate(value, *member), Path{&at, member->name}, depth + 1);
    });
  }

  Token next() {
    Token result;
    if (bytes_.empty()) refuse("Request body is not valid CBOR");
    auto done = cbor_stream_decode(reinterpret_cast<cbor_data>(bytes_.data()), bytes_.size(), &callbacks(), &result);
    if (done.status != CBOR_DECODER_FINISHED || done.read == 0) refuse("Request body is not valid CBOR");
    bytes_.remove_prefix(done.read);
    return result;
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  // Calls `visit` with the first token of each element, or of each key of a map.
  template <class Visit>
  void each(const Token& from, Type definite, Type indefinite, std::string_view wanted, Visit visit) {
    if (from.type == definite) {
      for (std::uint64_t i = 0; i < from.value; ++i) {
        reading_.count_element();
        visit(next());
      }
    } else if (from.type == indefinite) {
      for (Token item = next(); item.type != Type::end; item = next()) {
        reading_.count_element();
        visit(item);
      }
    } else {
      refuse(std::string("Value cannot be converted to ") += wanted);
    }
  }

  std::string joined(const Token& from, Type whole, Type start, std::string_view wanted) {
    if (from.type == whole) return std::string(from.span);
    if (from.type != start) refuse(std::string("Value cannot be converted to ") += wanted);
    std::string out;
    for (Token part = next(); part.type != Type::end; part = next()) {
      if (part.type != whole) refuse("Request body is not valid CBOR");
      out += part.span;
    }
    return out;
  }

  std::string text(const Token& from) {
    std::string out = joined(from, Type::text, Type::text_start, "String");
    if (!base::is_utf8(out)) refuse("Text is not UTF-8");
    return out;
  }

  void skip(Token from, int depth) {
    if (depth > kMaxDepth) refuse("Request is nested too deeply");
    switch (from.type) {
      case Type::array:
      case Type::array_start:
        return each(from, Type::array, Type::array_start, "List", [&](const Token& item) { skip(item, depth + 1); });
      case Type::map:
      case Type::map_start:
        return each(from, Type::map, Type::map_start, "Map", [&](const Token& key) {
          skip(key, depth + 1);
          skip(next(), depth + 1);
        });
      case Type::tag: return skip(next(), depth + 1);
      case Type::bytes_start: joined(from, Type::bytes, Type::bytes_start, "Blob"); return;
      case Type::text_start: joined(from, Type::text, Type::text_start, "String"); return;
      case Type::end: refuse("Request body is not valid CBOR");
      default: return;
    }
  }

  static std::int64_t integer(const Token& from, std::int64_t low, std::int64_t high, std::string_view wanted) {
    std::int64_t value = 0;
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if ((from.type == Type::uint || from.type == Type::negint) && from.value <= kMax) {
      value = from.type == Type::uint ? static_cast<std::int64_t>(from.value) : -1 - static_cast<std::int64_t>(from.value);
    } else if (from.type == Type::number && from.number == std::floor(from.number) && std::abs(from.number) < 9.0e15) {
      value = static_cast<std::int64_t>(from.number);
    } else {
      refuse(std::string("Value cannot be converted to ") += wanted);
    }
    if (value < low || value > high) refuse(std::string("Value cannot be converted to ") += wanted);
    return value;
  }

  static double number(const Token& from) {
    if (from.type == Type::number) return from.number;
    if (from.type == Type::uint) return static_cast<double>(from.value);
    if (from.type == Type::negint) return -1.0 - static_cast<double>(from.value);
    refuse("Value cannot be converted to Double");
  }

  void read(Token from, const Member& member, void* value, const Path& at, int depth) {
    if (depth > kMaxDepth) refuse("Request is nested too deeply");
    const Shape& shape = *member.shape();
    switch (shape.kind) {
      case Kind::string: *static_cast<std::string*>(value) = text(from); return;
      case Kind::blob: *static_cast<std::string*>(value) = joined(from, Type::bytes, Type::bytes_start, "Blob"); return;
      case Kind::boolean:
        if (from.type != Type::boolean) refuse("Value cannot be converted to Boolean");
        *static_cast<bool*>(value) = from.value != 0;
        return;
      case Kind::integer:
        *static_cast<std::int32_t*>(value) = static_cast<std::int32_t>(
            integer(from, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max(), "Integer"));
        return;
      case Kind::long_:
        *static_cast<std::int64_t*>(value) =
            integer(from, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), "Long");
        return;
      case Kind::float_:
      case Kind::double_: *static_cast<double*>(value) = number(from); return;
      case Kind::timestamp:
        if (from.type == Type::tag && from.value == 1) from = next();
        *static_cast<base::Timestamp*>(value) = time_from_seconds(number(from));
        return;
      case Kind::list: {
        std::size_t index = 0;
        return each(from, Type::array, Type::array_start, "List", [&](const Token& item) {
          ++index;
          if (item.type != Type::null) read(item, *shape.element, shape.append(value), Path{&at, {}, index}, depth + 1);
        });
      }
      case Kind::map:
        return each(from, Type::map, Type::map_start, "Map", [&](const Token& first) {
          std::string key = text(first);
          Token item = next();
          if (item.type != Type::null) read(item, *shape.element, shape.emplace(value, key), Path{&at, key, 0, true}, depth + 1);
        });
      case Kind::structure: {
        Presence presence(shape);
        members(from, shape, value, presence, at, depth);
        presence.finish(value, at, reading_);
        return;
      }
      case Kind::document: refuse("Unexpected field type");  // rpc-v2-cbor has no documents
    }
  }

  std::string_view bytes_;
  Reading& reading_;
};

}  // namespace

void read_cbor(std::string_view bytes, const Shape& shape, void* value, Presence& presence, Reading& reading) {
  Reader reader(bytes, reading);
  reader.members(reader.next(), shape, value, presence, Path{}, 0);
  if (!reader.at_end()) refuse("Request body is not valid CBOR");
}

}  // namespace lambari::wire
