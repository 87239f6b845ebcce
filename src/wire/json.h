// JSON by the tables: bodies of json 1.0/1.1 and rest-json, documents for calls by name.
#pragma once

#include <string>
#include <string_view>

#include "wire/reading.h"
#include "wire/service.h"
#include "wire/shape.h"

namespace lambari::wire {

struct JsonStyle {
  bool model_names = false;     // the model's member names instead of locationName
  bool every_location = false;  // members bound to headers, query and so on are written and read too
  TimeFormat time = TimeFormat::unix_seconds;
};

// JSON 1.x as AWS speaks it. A service that once spoke query keeps its older names for that protocol alone: its JSON has the
// model's own. https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
inline JsonStyle json_style(const ServiceModel& model) { return {.model_names = model.query_compatible, .every_location = true}; }

// Fills `value`, a structure, from `text`, which must be an object; `presence` is finished by the caller. `text` may be given
// room for padding, its content stays.
void read_json(std::string& text, const Shape& shape, void* value, Presence& presence, Reading& reading, JsonStyle style = {});
// A whole value of any kind.
void read_json(std::string& text, const Member& member, void* value, Reading& reading, JsonStyle style = {});

void append_json(std::string& out, const Member& member, const void* value, JsonStyle style = {});
// The members of a structure, without braces; `comma` says whether some came before and is set when any was written.
void append_json_members(std::string& out, const Shape& shape, const void* value, bool& comma, JsonStyle style = {});

}  // namespace lambari::wire
