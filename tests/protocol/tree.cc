#include "tree.h"

#include <cbor.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <pugixml.hpp>
#include <stdexcept>

#include "base/clock.h"
#include "base/json.h"

namespace lambari::protocol {
namespace {

namespace json = base::json;

Tree from_json(const json::value& value) {
  Tree out;
  if (value.is_object()) {
    for (const auto& [name, item] : value.as_object())
      if (!item.is_null()) out.children[std::string(name)].push_back(from_json(item));
  } else if (value.is_array()) {
    for (const auto& item : value.as_array())
      if (!item.is_null()) out.children["[]"].push_back(from_json(item));
  } else if (value.is_number()) {
    out.text = fmt::format("{}", value.to_number<double>());
  } else if (value.is_string()) {
    out.text = std::string(value.as_string());
  } else {
    out.text = base::to_json(value);
  }
  return out;
}

std::string trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string()
                                         : std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

Tree from_xml(const pugi::xml_node& node) {
  Tree out;
  for (const auto& attribute : node.attributes())
    out.children["@" + std::string(attribute.name())].push_back({attribute.value(), {}});
  bool elements = false;
  for (const auto& child : node.children()) {
    if (child.type() != pugi::node_element) continue;
    elements = true;
    std::string name = child.name();
    if (name == "ResponseMetadata" || name == "RequestId" || name == "requestId" || name == "RequestID") continue;
    out.children[name].push_back(from_xml(child));
  }
  if (!elements)
    for (const auto& child : node.children()) out.text += child.value();
  if (out.text.find('\n') != std::string::npos && trimmed(out.text).empty()) out.text.clear();  // only a line break between tags
  return out;
}

Tree from_cbor(const cbor_item_t* item) {
  Tree out;
  switch (cbor_typeof(item)) {
    case CBOR_TYPE_UINT: out.text = fmt::format("{}", static_cast<double>(cbor_get_int(item))); break;
    case CBOR_TYPE_NEGINT: out.text = fmt::format("{}", -1.0 - static_cast<double>(cbor_get_int(item))); break;
    case CBOR_TYPE_BYTESTRING:
      out.text = {reinterpret_cast<const char*>(cbor_bytestring_handle(item)), cbor_bytestring_length(item)};
      break;
    case CBOR_TYPE_STRING:
      if (cbor_string_is_definite(item)) {
        out.text = {reinterpret_cast<const char*>(cbor_string_handle(item)), cbor_string_length(item)};
      } else {
        for (std::size_t i = 0; i < cbor_string_chunk_count(item); ++i)
          out.text += from_cbor(cbor_string_chunks_handle(item)[i]).text;
      }
      break;
    case CBOR_TYPE_ARRAY:
      for (std::size_t i = 0; i < cbor_array_size(item); ++i) {
        const cbor_item_t* element = cbor_array_handle(item)[i];
        if (!(cbor_typeof(element) == CBOR_TYPE_FLOAT_CTRL && cbor_float_ctrl_is_ctrl(element) && cbor_is_null(element)))
          out.children["[]"].push_back(from_cbor(element));
      }
      break;
    case CBOR_TYPE_MAP:
      for (std::size_t i = 0; i < cbor_map_size(item); ++i) {
        const cbor_pair& pair = cbor_map_handle(item)[i];
        bool ctrl = cbor_typeof(pair.value) == CBOR_TYPE_FLOAT_CTRL && cbor_float_ctrl_is_ctrl(pair.value);
        if (ctrl && (cbor_is_null(pair.value) || cbor_is_undef(pair.value))) continue;
        out.children[from_cbor(pair.key).text].push_back(from_cbor(pair.value));
      }
      break;
    case CBOR_TYPE_TAG: {
      cbor_item_t* inner = cbor_tag_item(item);
      out = from_cbor(inner);
      out.text += "s";  // a timestamp
      cbor_decref(&inner);
      break;
    }
    case CBOR_TYPE_FLOAT_CTRL:
      if (cbor_is_float(item))
        out.text = cbor_float_get_width(item) == CBOR_FLOAT_64
                       ? fmt::format("{}", cbor_float_get_float8(item))
                       : fmt::format("{}", static_cast<float>(cbor_float_get_float(item)));
      else
        out.text = cbor_is_bool(item) ? (cbor_get_bool(item) ? "true" : "false") : "null";
      break;
  }
  return out;
}

bool number(const std::string& text, double& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

bool same_text(const std::string& a, const std::string& b) {
  double x, y;
  base::Timestamp s, t;
  if (a.find('T') == 10 && base::parse_iso8601(a, s) && base::parse_iso8601(b, t)) return s == t;
  return a == b || (number(a, x) && number(b, y) && x == y);
}

}  // namespace

Tree json_tree(std::string_view body) {
  if (trimmed(body).empty()) return {};
  auto value = base::parse_json(body);
  if (!value) throw std::runtime_error("not JSON: " + std::string(body));
  return from_json(*value);
}

Tree xml_tree(std::string_view body) {
  if (trimmed(body).empty()) return {};
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size(), pugi::parse_default | pugi::parse_ws_pcdata_single))
    throw std::runtime_error("not XML: " + std::string(body));
  Tree out = from_xml(document.document_element());
  return out;
}

Tree cbor_tree(std::string_view body) {
  if (body.empty()) return {};
  cbor_load_result result;
  cbor_item_t* item = cbor_load(reinterpret_cast<cbor_data>(body.data()), body.size(), &result);
  if (!item) throw std::runtime_error("not CBOR");
  Tree out = from_cbor(item);
  cbor_decref(&item);
  return out;
}

namespace {

// Entries of a map come in any order.
std::vector<Tree> by_key(std::vector<Tree> items) {
  for (const auto& item : items)
    if (item.children.size() != 2 || item.children.begin()->second.size() != 1) return items;
  std::sort(items.begin(), items.end(), [](const Tree& a, const Tree& b) {
    const Tree &x = a.children.begin()->second.front(), &y = b.children.begin()->second.front();
    return x.text < y.text;
  });
  return items;
}

}  // namespace

std::string difference(const Tree& got, const Tree& expected, const std::string& at) {
  for (const auto& [name, wanted] : expected.children) {
    auto found = got.children.find(name);
    if (found == got.children.end()) return at + "." + name + ": missing";
    if (found->second.size() != wanted.size())
      return fmt::format("{}.{}: {} times, expected {}", at, name, found->second.size(), wanted.size());
    auto ours = by_key(found->second), theirs = by_key(wanted);
    for (std::size_t i = 0; i < theirs.size(); ++i)
      if (auto wrong = difference(ours[i], theirs[i], at + "." + name); !wrong.empty()) return wrong;
  }
  for (const auto& [name, have] : got.children)
    if (!expected.children.contains(name)) return at + "." + name + ": not expected";
  if (expected.children.empty() && !same_text(got.text, expected.text))
    return at + ": got '" + got.text + "', expected '" + expected.text + "'";
  return {};
}

}  // namespace lambari::protocol
