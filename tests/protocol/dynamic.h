// Values and shape tables made at run time from a small model, so that the vectors test the very codec that serves requests.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "wire/service.h"
#include "wire/shape.h"

namespace lambari::dynamic {

namespace json = base::json;

struct Node;
struct List {
  const wire::Shape* shape = nullptr;
  std::vector<Node> items;
};
struct Map {
  const wire::Shape* shape = nullptr;
  std::map<std::string, Node> items;
};
struct Structure {
  std::map<std::string, Node, std::less<>> members;
};
struct Node {
  std::variant<std::string, bool, std::int32_t, std::int64_t, double, base::Timestamp, wire::Document, List, Map, Structure>
      value;
};

// Shape tables of one suite of the vectors. At most one Model exists at a time: the tables' shape functions are a fixed set.
class Model {
 public:
  explicit Model(const json::object& suite);
  ~Model();
  Model(const Model&) = delete;

  const wire::Shape* shape(const std::string& name) const;
  const json::object& shape_json(const std::string& name) const { return shapes_json_.at(name).as_object(); }
  // A served operation as in a case's "given".
  wire::Operation operation(const json::object& given);
  const json::object& metadata() const { return metadata_; }
  std::string_view keep(std::string text);

  // params or result -> Structure; blobs are plain text, timestamps seconds.
  static Node make(const wire::Member& member, const json::value& from);
  static Structure make_structure(const wire::Shape& shape, const json::value& from);

 private:
  wire::Member member(const json::object& spec, const std::string& name);
  void fill(const std::string& name, wire::Shape& shape);

  json::object shapes_json_, metadata_;
  std::map<std::string, std::size_t> slots_;
  std::deque<wire::Shape> shapes_;
  std::deque<wire::Member> members_;
  std::deque<std::vector<wire::Member>> member_lists_;
  std::deque<std::vector<std::string_view>> enums_;
  std::deque<std::vector<const wire::Shape*>> errors_;
  std::deque<std::string> strings_;
};

// How `value` (of that shape) differs from the JSON of a vector; empty when it does not.
std::string difference(const wire::Shape& shape, const Structure& value, const json::value& expected);

}  // namespace lambari::dynamic
