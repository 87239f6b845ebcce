// JSON, XML and CBOR bodies as one kind of tree, so that they compare by structure: the order of members, white space, number
// formats and an envelope's request id do not count.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lambari::protocol {

struct Tree {
  std::string text;                                   // of a leaf; numbers in one format
  std::map<std::string, std::vector<Tree>> children;  // members; elements of an array are named "[]"
};

Tree json_tree(std::string_view body);
Tree xml_tree(std::string_view body);
Tree cbor_tree(std::string_view body);

std::string difference(const Tree& got, const Tree& expected, const std::string& at = "body");

}  // namespace lambari::protocol
