// JSON and YAML as one kind of document.
#include <yaml-cpp/yaml.h>

#include <charconv>

#include "base/json.h"
#include "base/text.h"
#include "services/apigateway/openapi.h"

namespace lambari::apigateway {
namespace {

namespace json = base::json;

constexpr std::size_t kMaxNodes = 200'000;  // aliases may repeat a node any number of times
constexpr int kMaxDepth = 64;

json::value scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return json::value(text);  // it was quoted
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (const char c = text.front(); (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.') {
    std::int64_t integer = 0;
    const char* begin = text.data() + (c == '+' ? 1 : 0);
    const char* end = text.data() + text.size();
    if (auto [at, error] = std::from_chars(begin, end, integer); error == std::errc() && at == end) return integer;
    double number = 0;
    if (auto [at, error] = std::from_chars(begin, end, number); error == std::errc() && at == end) return number;
  }
  return json::value(text);
}

bool convert(const YAML::Node& node, int depth, std::size_t& left, json::value& out) {
  if (depth > kMaxDepth || left == 0) return false;
  --left;
  switch (node.Type()) {
    case YAML::NodeType::Scalar: out = scalar(node); return true;
    case YAML::NodeType::Sequence: {
      json::array array;
      for (const auto& item : node)
        if (!convert(item, depth + 1, left, array.emplace_back(nullptr))) return false;
      out = std::move(array);
      return true;
    }
    case YAML::NodeType::Map: {
      json::object object;
      for (const auto& item : node) {
        if (!item.first.IsScalar()) return false;
        if (!convert(item.second, depth + 1, left, object[item.first.Scalar()])) return false;
      }
      out = std::move(object);
      return true;
    }
    case YAML::NodeType::Null:
    case YAML::NodeType::Undefined: out = nullptr; return true;
  }
  return false;
}

void indent(std::string& out, int depth) { out.append(static_cast<std::size_t>(depth) * 2, ' '); }

void print(std::string& out, const json::value& value, int depth) {
  if (const auto* object = value.if_object(); object && !object->empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& member : *object) {
      if (!first) out += ",\n";
      first = false;
      indent(out, depth + 1);
      base::append_json_string(out, member.key());
      out += " : ";
      print(out, member.value(), depth + 1);
    }
    out += '\n';
    indent(out, depth);
    out += '}';
  } else if (const auto* array = value.if_array(); array && !array->empty()) {
    out += "[ ";
    bool first = true;
    for (const auto& item : *array) {
      if (!first) out += ", ";
      first = false;
      print(out, item, depth);
    }
    out += " ]";
  } else {
    out += base::to_json(value);
  }
}

bool is_plain_key(std::string_view key) {
  if (key.empty() || !((key[0] >= 'a' && key[0] <= 'z') || (key[0] >= 'A' && key[0] <= 'Z'))) return false;
  if (key == "true" || key == "false" || key == "null" || key == "yes" || key == "no" || key == "on" || key == "off")
    return false;
  return key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == key.npos;
}

// Strings are always quoted, so that "1.0" stays one. A JSON string is a double-quoted YAML scalar.
void print_block(std::string& out, const json::value& value, int depth) {
  if (const auto* object = value.if_object(); object && !object->empty()) {
    bool first = true;
    for (const auto& member : *object) {
      if (!first || depth > 0) {
        out += '\n';
        indent(out, depth);
      }
      first = false;
      if (is_plain_key(member.key()))
        out += std::string_view(member.key());
      else
        base::append_json_string(out, member.key());
      out += ':';
      const bool nested = (member.value().is_object() && !member.value().get_object().empty()) ||
                          (member.value().is_array() && !member.value().get_array().empty());
      if (!nested) out += ' ';
      print_block(out, member.value(), depth + 1);
    }
  } else if (const auto* array = value.if_array(); array && !array->empty()) {
    for (const auto& item : *array) {
      out += '\n';
      indent(out, depth);
      out += '-';
      const bool nested = (item.is_object() && !item.get_object().empty()) || (item.is_array() && !item.get_array().empty());
      if (!nested) out += ' ';
      print_block(out, item, depth + 1);
    }
  } else if (const auto* text = value.if_string()) {
    base::append_json_string(out, *text);
  } else {
    out += base::to_json(value);
  }
}

}  // namespace

std::optional<json::value> parse_document(std::string_view body) {
  if (body.size() > kMaxOpenApiBytes) return {};
  const auto first = body.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  if (first == body.npos) return {};
  if (body[first] == '{') return base::parse_json(body.substr(first), kMaxDepth);
  try {
    const YAML::Node node = YAML::Load(std::string(body.substr(first)));
    std::size_t left = kMaxNodes;
    json::value out;
    if (!node.IsMap() || !convert(node, 0, left, out)) return {};
    return out;
  } catch (const std::exception&) {  // YAML::Exception and, for some inputs, its dependencies' own
    return {};
  }
}

std::string print_json(const json::value& document) {
  std::string out;
  print(out, document, 0);
  return out;
}

std::string print_yaml(const json::value& document) {
  std::string out;
  print_block(out, document, 0);
  out += '\n';
  return out;
}

}  // namespace lambari::apigateway
