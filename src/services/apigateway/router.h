// A compiled table of routes: a trie by path segment, so the cost of a lookup is that of the path, not of the number of routes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "services/apigateway/rules.h"

namespace lambari::apigateway {

// Values of path variables as received (not decoded), in the order of the route's names.
struct PathValues {
  std::array<std::string_view, kMaxPathVariables> values;
  std::size_t count = 0;
};

// Filled once, then read by any thread.
class RouteTable {
 public:
  static constexpr int kNone = -1;

  // `index` is what match() gives back. The first of two routes that match the same requests stays.
  void add(const RouteKey& key, int index);

  // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html: a full match, else one by a greedy
  // variable with the longest prefix, else $default. A literal segment goes before a variable, a method before ANY.
  // `path` is as received, without stage and query; segments are compared decoded.
  int match(std::string_view method, std::string_view path, PathValues& values) const;

 private:
  struct Methods {
    std::vector<std::pair<std::string, int>> exact;
    int any = kNone;
    int find(std::string_view method) const;
    void add(const std::string& method, int index);
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Node {
    std::unordered_map<std::string, std::unique_ptr<Node>, Hash, std::equal_to<>> literals;
    std::unique_ptr<Node> variable;
    Methods here;    // the path ends at this node
    Methods greedy;  // a greedy variable follows
  };

  static int match_full(const Node& node, std::string_view rest, bool more, std::string_view method, PathValues& values);
  static int match_greedy(const Node& node, std::string_view rest, bool more, std::string_view method, PathValues& values);
  static const Node* literal(const Node& node, std::string_view segment);

  Node root_;
  bool has_greedy_ = false;
  int default_ = kNone;
};

}  // namespace lambari::apigateway
