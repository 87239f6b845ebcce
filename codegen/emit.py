"""C++ text for a Model: types.h (structs and faults), api.h (the abstract service), tables.cc (shape tables)."""

import json

KEYWORDS = {"default", "private", "public", "protected", "namespace", "delete", "new", "class", "operator", "template", "typename",
            "this", "union", "struct", "enum", "export", "register", "switch", "case", "return", "static", "const", "auto", "bool",
            "int", "long", "float", "double", "char", "void", "if", "else", "for", "while", "do", "break", "continue", "and", "or", "not",
            "xor", "inline", "virtual", "explicit", "friend", "using", "try", "catch", "throw", "true", "false", "signed", "unsigned",
            "requires", "concept", "module", "import", "NULL"}
SCALARS = {"string": "std::string", "character": "std::string", "blob": "std::string", "boolean": "bool", "integer": "std::int32_t",
           "long": "std::int64_t", "float": "double", "double": "double", "timestamp": "base::Timestamp", "bigdecimal": "std::string",
           "biginteger": "std::string"}
KINDS = {"string": "string", "character": "string", "bigdecimal": "string", "biginteger": "string", "blob": "blob", "boolean": "boolean",
         "integer": "integer", "long": "long_", "float": "float_", "double": "double_", "timestamp": "timestamp", "list": "list",
         "map": "map", "structure": "structure"}
TIME_FORMATS = {"iso8601": "iso8601", "rfc822": "rfc822", "unixTimestamp": "unix_seconds"}
XML_QUERY = {"query", "ec2", "rest-xml"}


def identifier(name):
    clean = name.replace("-", "_").replace(".", "_")
    return clean + "_" if clean in KEYWORDS else clean


def text(value):
    return json.dumps(value, ensure_ascii=True)


def raw_text(value):
    return f'R"~~~({value})~~~"' if "\\" in value or '"' in value else text(value)


class Emitter:
    def __init__(self, model):
        self.model = model
        self.namespace = f"lambari::aws::{model.service}"
        self.error_names = {name for name, shape in model.shapes.items() if shape.get("exception") or "error" in shape} | set(model.errors)

    # -- types ---------------------------------------------------------------------------------------------------------

    def struct_name(self, name):
        return identifier(name) + ("Fields" if name in self.error_names else "")

    def value_type(self, name):
        shape = self.model.shapes[name]
        kind = shape["type"]
        if name in self.model.event_streams:
            return f"wire::EventStream<::{self.namespace}::{self.struct_name(name)}>"
        if kind == "structure":
            return "wire::Document" if shape.get("document") else f"::{self.namespace}::{self.struct_name(name)}"
        if kind == "list":
            element = self.value_type(shape["member"]["shape"])
            return f"std::vector<{'char' if element == 'bool' else element}>"
        if kind == "map":
            return f"std::map<std::string, {self.value_type(shape['value']['shape'])}>"
        return SCALARS[kind]

    def member_type(self, owner, member_name):
        shape = self.model.shapes[owner]
        target = shape["members"][member_name]["shape"]
        value = self.value_type(target)
        if self.model.shapes[target]["type"] == "structure" and (target == owner or self.model.reaches(target, owner)):
            return f"wire::Box<{value}>"
        required = member_name in shape.get("required", []) and owner not in self.error_names
        return value if required else f"std::optional<{value}>"

    def types(self):
        out = ["// Generated from the pinned API model. Not edited, not committed.", "#pragma once", "",
               "#include <cstdint>", "#include <map>", "#include <optional>", "#include <string>", "#include <vector>", "",
               '#include "base/clock.h"', *(['#include "wire/event_stream.h"'] if self.model.event_streams else []),
               '#include "wire/fault.h"', '#include "wire/shape.h"', "",
               f"namespace {self.namespace} {{", ""]
        structures = [n for n in self.model.ordered_structures() if not self.model.shapes[n].get("document")]
        out += [f"struct {self.struct_name(name)};" for name in structures] + [""]
        for name in structures:
            out.append(f"struct {self.struct_name(name)} {{")
            for member in self.model.shapes[name]["members"]:
                kind = self.member_type(name, member)
                zero = {"bool": " = false", "std::int32_t": " = 0", "std::int64_t": " = 0", "double": " = 0"}.get(kind, "")
                out.append(f"  {kind} {identifier(member)}{zero};")
            out += ["};", ""]
        for name in self.model.errors:
            out += self.fault(name)
        out += [f"}}  // namespace {self.namespace}", ""]
        return "\n".join(out)

    def fault(self, name):
        shape = self.model.shapes[name]
        error = shape.get("error", {})
        status = error.get("httpStatusCode", 500 if shape.get("fault") else 400)
        query_like = self.model.metadata["protocol"] in XML_QUERY
        code = error.get("code", name) if query_like else name
        message = next((m for m in shape["members"] if m.lower() == "message"), None)
        lines = [f"struct {identifier(name)} : wire::Fault {{",
                 f"  explicit {identifier(name)}(std::string message) : wire::Fault({text(code)}, std::move(message), {status}) {{"]
        if message:
            lines.append(f"    fields.{identifier(message)} = this->message();")
        if not query_like and error.get("code"):
            lines.append(f"    set_query_code({text(error['code'])});")
        lines += ["  }", "  const wire::Shape* shape() const override;", "  const void* value() const override { return &fields; }",
                  f"  {self.struct_name(name)} fields;", "};", ""]
        return lines

    # -- api -----------------------------------------------------------------------------------------------------------

    def signature(self, name):
        operation = self.model.operations[name]
        result = self.value_type(operation["output"]["shape"]) if "output" in operation else ""
        request = f", {self.value_type(operation['input']['shape'])} request" if "input" in operation else ""
        return f"async::Task<{result}> {name}(const wire::Call& call{request})"

    def api(self):
        out = ["// Generated from the pinned API model. Not edited, not committed.", "#pragma once", "",
               '#include "async/task.h"', f'#include "aws/{self.model.service}/types.h"', '#include "wire/service.h"', "",
               f"namespace {self.namespace} {{", "", "extern const wire::ServiceModel kModel;", "",
               "// One function for each operation that models/services.json lists; the others answer 501.",
               "class AbstractService : public wire::Service {", " public:", "  const wire::ServiceModel& model() const override { return kModel; }", ""]
        out += [f"  virtual {self.signature(name)} = 0;" for name in self.model.served]
        out += ["};", "", f"}}  // namespace {self.namespace}", ""]
        return "\n".join(out)

    # -- tables --------------------------------------------------------------------------------------------------------

    def shape_symbol(self, name):
        return f"shape_{identifier(name)}"

    def member(self, spec, owner=None, name=""):
        """An initialiser of wire::Member for a structure's member, a list's element, or a map's key or value."""
        shape = self.model.shapes[spec["shape"]]
        fields = [f".name = {text(name)}", f".wire_name = {text(spec.get('locationName', name))}"]
        if "queryName" in spec:
            fields.append(f".query_name = {text(spec['queryName'])}")
        location = {"header": "header", "headers": "headers", "querystring": "query", "uri": "uri", "statusCode": "status"}.get(
            spec.get("location"))
        if spec.get("eventpayload") or spec.get("eventheader"):
            location = "event_payload" if spec.get("eventpayload") else "event_header"
        if location:
            fields.append(f".location = wire::Location::{location}")
        if owner and name in self.model.shapes[owner].get("required", []) and owner not in self.error_names:
            fields.append(".required = true")
        if spec.get("flattened") or shape.get("flattened"):
            fields.append(".flattened = true")
        if spec.get("xmlAttribute"):
            fields.append(".xml_attribute = true")
        if spec.get("idempotencyToken"):
            fields.append(".idempotency_token = true")
        if spec.get("jsonvalue"):
            fields.append(".json_value = true")
        if "locationName" in spec:
            fields.append(".has_location_name = true")
        time_format = spec.get("timestampFormat", shape.get("timestampFormat"))
        if time_format:
            fields.append(f".time_format = wire::TimeFormat::{TIME_FORMATS[time_format]}")
        namespace = spec.get("xmlNamespace")
        if namespace:
            uri = namespace["uri"] if isinstance(namespace, dict) else namespace
            fields.append(f".xml_namespace = {text(uri)}")
            if isinstance(namespace, dict) and "prefix" in namespace:
                fields.append(f".xml_prefix = {text(namespace['prefix'])}")
        fields.append(f".shape = {self.shape_symbol(spec['shape'])}")
        if owner:
            pointer = f"&{self.struct_name(owner)}::{identifier(name)}"
            fields.append(f".mutate = wire::access::Of<{pointer}>::mutate")
            fields.append(f".read = wire::access::Of<{pointer}>::read")
        return "{" + ", ".join(fields) + "}"

    def shape(self, name):
        shape = self.model.shapes[name]
        kind = "document" if shape.get("document") else KINDS[shape["type"]]
        symbol = self.shape_symbol(name)
        before, fields = [], [f".kind = wire::Kind::{kind}", f".name = {text(name)}"]
        if kind == "structure":
            members = [self.member(spec, name, member) for member, spec in shape["members"].items()]
            if members:
                before.append(f"  static const wire::Member members[] = {{\n      " + ",\n      ".join(members) + "};")
                fields.append(".members = members")
            if "payload" in shape:
                fields.append(f".payload = {text(shape['payload'])}")
            if shape.get("union"):
                fields.append(".is_union = true")
        elif kind == "list":
            before.append(f"  static const wire::Member element = {self.member(shape['member'], None, 'member')};")
            fields.append(".element = &element")
            element = self.value_type(shape["member"]["shape"])
            access = f"wire::access::List<{'char' if element == 'bool' else element}>"
            fields += [f".count = {access}::count", f".append = {access}::append", f".at = {access}::at"]
        elif kind == "map":
            before.append(f"  static const wire::Member key = {self.member(shape['key'], None, 'key')};")
            before.append(f"  static const wire::Member element = {self.member(shape['value'], None, 'value')};")
            access = f"wire::access::Map<{self.value_type(shape['value']['shape'])}>"
            fields += [".element = &element", ".key = &key", f".count = {access}::count", f".emplace = {access}::emplace",
                       f".for_each = {access}::for_each"]
        for flag, key in (("flattened", "flattened"), ("streaming", "streaming"), ("event_stream", "eventstream"), ("sensitive", "sensitive")):
            if shape.get(key):
                fields.append(f".{flag} = true")
        if "locationName" in shape:
            fields.append(f".location_name = {text(shape['locationName'])}")
        if "xmlNamespace" in shape:
            uri = shape["xmlNamespace"]["uri"] if isinstance(shape["xmlNamespace"], dict) else shape["xmlNamespace"]
            fields.append(f".xml_namespace = {text(uri)}")
            if isinstance(shape["xmlNamespace"], dict) and "prefix" in shape["xmlNamespace"]:
                fields.append(f".xml_prefix = {text(shape['xmlNamespace']['prefix'])}")
        if "timestampFormat" in shape:
            fields.append(f".time_format = wire::TimeFormat::{TIME_FORMATS[shape['timestampFormat']]}")
        for limit in ("min", "max"):
            if limit in shape:
                fields.append(f".{limit} = {int(shape[limit])}")
        if "pattern" in shape:
            fields.append(f".pattern = {raw_text(shape['pattern'])}")
        if shape.get("enum"):
            before.append("  static const std::string_view values[] = {" + ", ".join(text(v) for v in shape["enum"]) + "};")
            fields.append(".enum_values = values")
        order = ["kind", "name", "members", "element", "key", "payload", "location_name", "xml_namespace", "xml_prefix", "flattened", "is_union", "streaming",
                 "event_stream", "sensitive", "time_format", "min", "max", "pattern", "enum_values", "count", "append", "at", "emplace", "for_each"]
        fields.sort(key=lambda f: order.index(f[1:f.index(" ")]))
        return "\n".join([f"const wire::Shape* {symbol}() {{", *before, f"  static const wire::Shape shape = {{{', '.join(fields)}}};",
                          "  return &shape;", "}", ""])

    def operation(self, name):
        operation = self.model.operations[name]
        http = operation.get("http", {})
        fields = [f".name = {text(name)}", f".method = {text(http.get('method', 'POST'))}", f".uri = {text(http.get('requestUri', '/'))}"]
        if "responseCode" in http:
            fields.append(f".status = {http['responseCode']}")
        if name not in self.model.served:
            return "{" + ", ".join(fields) + "}"
        request = self.value_type(operation["input"]["shape"]) if "input" in operation else None
        if request:
            fields.append(f".input = {self.shape_symbol(operation['input']['shape'])}()")
        if "output" in operation:
            fields.append(f".output = {self.shape_symbol(operation['output']['shape'])}()")
            if "resultWrapper" in operation["output"]:
                fields.append(f".result_wrapper = {text(operation['output']['resultWrapper'])}")
        if operation.get("errors"):
            fields.append(f".errors = errors_{name}")
        if operation.get("authtype"):
            fields.append(f".auth_type = {text(operation['authtype'])}")
        fields.append(".served = true")
        if request:
            fields.append(f".make_request = [] {{ return wire::make_value({request}{{}}); }}")
        else:
            fields.append(".make_request = [] { return wire::Value(nullptr, [](void*) {}); }")
        fields.append(f".invoke = invoke_{name}")
        return "{" + ", ".join(fields) + "}"

    def invoker(self, name):
        operation = self.model.operations[name]
        argument = ""
        if "input" in operation:
            argument = f", std::move(*static_cast<{self.value_type(operation['input']['shape'])}*>(request))"
        call = f"static_cast<AbstractService&>(service).{name}(call{argument})"
        body = f"co_return wire::make_value(co_await {call});" if "output" in operation else \
            f"co_await {call};\n  co_return wire::Value(nullptr, [](void*) {{}});"
        return f"async::Task<wire::Value> invoke_{name}(wire::Service& service, const wire::Call& call, void* request) {{\n  {body}\n}}\n"

    def tables(self):
        model, metadata = self.model, self.model.metadata
        shapes = model.structures
        out = ["// Generated from the pinned API model. Not edited, not committed.", f'#include "aws/{model.service}/api.h"', "",
               f"namespace {self.namespace} {{", "namespace {", ""]
        out += [f"const wire::Shape* {self.shape_symbol(name)}();" for name in shapes] + [""]
        out += [self.shape(name) for name in shapes]
        out += [self.invoker(name) for name in model.served]
        for name in model.served:
            errors = model.operations[name].get("errors", [])
            if errors:
                out.append(f"const wire::Shape* const errors_{name}[] = {{{', '.join(self.shape_symbol(e['shape']) + '()' for e in errors)}}};")
        out += ["", "const wire::Operation kOperations[] = {"]
        out += [f"    {self.operation(name)}," for name in model.operations]
        out += ["};", f"const wire::Protocol kProtocols[] = {{{', '.join('wire::Protocol::' + p for p in model.entry['protocols'])}}};", "",
                "}  // namespace", ""]
        out += [f"const wire::Shape* {identifier(name)}::shape() const {{ return {self.shape_symbol(name)}(); }}" for name in model.errors]
        namespace = metadata.get("xmlNamespace", "")
        out += ["", "const wire::ServiceModel kModel = {",
                f"    .name = {text(model.service)}, .id = {text(metadata['serviceId'])}, .full_name = {text(metadata['serviceFullName'])},",
                f"    .endpoint_prefix = {text(metadata['endpointPrefix'])}, .signing_name = {text(metadata.get('signingName', metadata['endpointPrefix']))},",
                f"    .api_version = {text(metadata['apiVersion'])}, .target_prefix = {text(metadata.get('targetPrefix', ''))},",
                f"    .xml_namespace = {text(namespace if isinstance(namespace, str) else namespace['uri'])},",
                f"    .query_compatible = {'true' if 'awsQueryCompatible' in metadata else 'false'}, .protocols = kProtocols, .operations = kOperations}};",
                "", f"}}  // namespace {self.namespace}", ""]
        return "\n".join(out)
