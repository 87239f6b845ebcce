#include "services/sqs/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/bytes.h"
#include "base/text.h"
#include "wire/fault.h"

namespace lambari::sqs {

using namespace aws::sqs;

namespace {

bool name_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_'; }

void append_length(std::string& out, std::size_t size) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(size >> shift));
}

void append_part(std::string& out, std::string_view part) {
  append_length(out, part.size());
  out += part;
}

bool is_binary(std::string_view type) { return type == "Binary" || type.starts_with("Binary."); }

void check_attribute_name(const std::string& name) {
  if (name.empty() || name.size() > 256) invalid_parameter("Message (user) attribute names must be shorter than 256 Bytes");
  if (!std::ranges::all_of(name, [](char c) { return name_character(c) || c == '.'; }))
    invalid_parameter(
        "Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and "
        "underscores. ");
  const auto lower = base::lower(name);
  if (lower.starts_with("aws.") || lower.starts_with("amazon.") || name.front() == '.' || name.back() == '.' ||
      name.find("..") != std::string::npos)
    invalid_parameter(
        "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. "
        "Additionally, they cannot start or end with '.'.");
}

// Most texts. One pass that the compiler turns into wide compares.
bool is_plain(std::string_view text) {
  bool odd = false;
  for (const char c : text) odd |= static_cast<signed char>(c) < 0x20;
  if (!odd) return true;
  return std::ranges::all_of(text,
                             [](char c) { return static_cast<signed char>(c) >= 0x20 || c == '\t' || c == '\n' || c == '\r'; });
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html: up to 38 digits.
bool is_number(std::string_view text) {
  std::size_t at = 0, digits = 0;
  auto run = [&] {
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]))) ++at, ++digits;
  };
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  run();
  if (at < text.size() && text[at] == '.') {
    ++at;
    run();
  }
  if (digits == 0 || digits > 38) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const auto before = digits;
    run();
    if (digits == before || digits - before > 3) return false;
  }
  return at == text.size();
}

}  // namespace

void invalid_parameter(std::string message) { throw wire::Fault("InvalidParameterValue", std::move(message), 400); }

void missing_parameter(std::string_view name) {
  throw wire::Fault("MissingParameter", fmt::format("The request must contain the parameter {}.", name), 400);
}

void invalid_value(std::string_view value, std::string_view parameter, std::string_view reason) {
  invalid_parameter(fmt::format("Value {} for parameter {} is invalid. Reason: {}", value, parameter, reason));
}

std::string queue_arn(const QueueName& name) { return fmt::format("arn:aws:sqs:{}:{}:{}", name.region, name.account, name.name); }

std::optional<QueueName> parse_queue_arn(std::string_view arn) {
  const auto parts = base::split(arn, ':');
  if (parts.size() != 6 || parts[0] != "arn" || parts[2] != "sqs" || parts[3].empty() || parts[4].empty() || parts[5].empty())
    return std::nullopt;
  return QueueName{std::string(parts[4]), std::string(parts[3]), std::string(parts[5])};
}

std::pair<std::string, std::string> parse_queue_url(std::string_view url) {
  auto path = url.substr(0, url.find_first_of("?#"));
  while (path.ends_with('/')) path.remove_suffix(1);
  const auto name_at = path.rfind('/');
  if (name_at != std::string_view::npos && name_at > 0) {
    const auto name = path.substr(name_at + 1);
    const auto rest = path.substr(0, name_at);
    const auto account = rest.substr(rest.rfind('/') + 1);
    if (!name.empty() && account.size() == 12 && std::ranges::all_of(account, [](unsigned char c) { return std::isdigit(c); }))
      return {std::string(account), std::string(name)};
  }
  throw InvalidAddress(fmt::format("The address {} is not valid for this endpoint.", url));
}

void check_queue_name(std::string_view name, bool fifo) {
  auto stem = name;
  if (fifo && stem.ends_with(".fifo")) stem.remove_suffix(5);
  const bool good =
      !stem.empty() && name.size() <= 80 && std::ranges::all_of(stem, name_character) && (!fifo || name.ends_with(".fifo"));
  if (good) return;
  invalid_parameter(fifo ? "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end "
                           "with .fifo suffix and be 1 to 80 in length"
                         : "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
}

// #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF. The text is UTF-8 already.
std::optional<std::size_t> forbidden_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != 0xEF) continue;
    if (c == '\t' || c == '\n' || c == '\r') continue;
    if (c == 0xEF) {
      // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
      if (i + 2 < text.size() && static_cast<unsigned char>(text[i + 1]) == 0xBF &&
          static_cast<unsigned char>(text[i + 2]) >= 0xBE)
        return i;
      continue;
    }
    return i;
  }
  return std::nullopt;
}

void check_body(std::string_view body) {
  if (body.empty()) missing_parameter("MessageBody");
  if (is_plain(body)) return;
  if (!base::is_utf8(body) || forbidden_character(body))
    throw InvalidMessageContents(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to "
        "#x10FFFF");
}

void check_identifier(std::string_view value, std::string_view parameter) {
  const bool good =
      !value.empty() && value.size() <= 128 && std::ranges::all_of(value, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
  if (!good)
    invalid_value(value, parameter,
                  fmt::format("{} can only include alphanumeric and punctuation characters. 1 to 128 in length.", parameter));
}

Attributes check_attributes(const UserAttributes& attributes) {
  Attributes out;
  if (!attributes) return out;
  if (attributes->size() > 10)
    invalid_parameter(fmt::format("Number of message attributes [{}] exceeds the allowed maximum [10].", attributes->size()));
  for (const auto& [name, value] : *attributes) {
    check_attribute_name(name);
    const auto& type = value.DataType;
    if (type.empty())
      invalid_parameter(fmt::format("The message attribute '{}' must contain non-empty message attribute type.", name));
    const auto base_type = type.substr(0, type.find('.'));
    if ((base_type != "String" && base_type != "Number" && base_type != "Binary") || type.ends_with('.'))
      invalid_parameter(
          fmt::format("The type of message (user) attribute '{}' is invalid. You must use only the following supported type "
                      "prefixes: Binary, Number, String.",
                      name));
    if (type.size() > 256) invalid_parameter("Message (user) attribute types must be shorter than 256 Bytes");
    if ((value.StringListValues && !value.StringListValues->empty()) ||
        (value.BinaryListValues && !value.BinaryListValues->empty()))
      throw UnsupportedOperation("Message attribute list values in SendMessage operation are not supported.");
    contracts::MessageAttribute attribute{type, {}};
    if (base_type == "Binary") {
      if (!value.BinaryValue || value.BinaryValue->empty())
        invalid_parameter(fmt::format("Message (user) attribute '{}' must contain a non-empty value of type 'Binary'.", name));
      attribute.value = *value.BinaryValue;
    } else {
      if (!value.StringValue || value.StringValue->empty())
        invalid_parameter(
            fmt::format("Message (user) attribute '{}' must contain a non-empty value of type '{}'.", name, "String"));
      if (base_type == "Number" && !is_number(*value.StringValue))
        invalid_parameter(fmt::format("Can't cast the value of message (user) attribute '{}' to a number.", name));
      if (forbidden_character(*value.StringValue))
        invalid_parameter(fmt::format(
            "Invalid characters found in the value of message (user) attribute '{}'. Valid unicode characters are #x9 "
            "| #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
            name));
      attribute.value = *value.StringValue;
    }
    out.emplace(name, std::move(attribute));
  }
  return out;
}

std::string check_system_attributes(const SystemAttributes& attributes) {
  std::string trace;
  if (!attributes) return trace;
  for (const auto& [name, value] : *attributes) {
    if (name != "AWSTraceHeader")
      invalid_parameter(fmt::format("Message system attribute name '{}' is not valid. Valid names: AWSTraceHeader.", name));
    if (value.DataType != "String" || !value.StringValue || value.StringValue->empty())
      invalid_parameter("Message system attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'.");
    trace = *value.StringValue;
  }
  return trace;
}

std::size_t message_bytes(std::string_view body, const Attributes& attributes) {
  std::size_t bytes = body.size();
  for (const auto& [name, attribute] : attributes) bytes += name.size() + attribute.data_type.size() + attribute.value.size();
  return bytes;
}

std::string md5_hex(std::string_view text) { return base::hex(base::md5(text)); }

std::string attributes_md5(const Attributes& attributes) {
  std::string out;
  for (const auto& [name, attribute] : attributes) {
    append_part(out, name);
    append_part(out, attribute.data_type);
    out.push_back(is_binary(attribute.data_type) ? '\x02' : '\x01');
    append_part(out, attribute.value);
  }
  return md5_hex(out);
}

std::string trace_md5(const std::string& trace_header) {
  return attributes_md5({{"AWSTraceHeader", contracts::MessageAttribute{"String", trace_header}}});
}

Attributes chosen_attributes(const Attributes& attributes, const std::vector<std::string>& asked) {
  Attributes out;
  for (const auto& [name, attribute] : attributes) {
    const bool chosen = std::ranges::any_of(asked, [&](const std::string& pattern) {
      if (pattern == "All" || pattern == ".*") return true;
      if (pattern.ends_with(".*")) return name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 2));
      return pattern == name;
    });
    if (chosen) out.emplace(name, attribute);
  }
  return out;
}

std::string sequence_text(std::uint64_t sequence) { return fmt::format("1{:019}", sequence); }

void check_batch_ids(const std::vector<std::string>& ids) {
  if (ids.empty()) throw EmptyBatchRequest("There should be at least one entry in the request.");
  if (ids.size() > kMaxBatch)
    throw TooManyEntriesInBatchRequest(
        fmt::format("Maximum number of entries per request are {}. You have sent {}.", kMaxBatch, ids.size()));
  std::set<std::string_view> seen;
  for (const auto& id : ids) {
    if (id.empty() || id.size() > 80 || !std::ranges::all_of(id, name_character))
      throw InvalidBatchEntryId(
          "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters "
          "long.");
    if (!seen.insert(id).second) throw BatchEntryIdsNotDistinct(fmt::format("Id {} repeated.", id));
  }
}

std::string encode_handle(const Handle& handle) {
  std::string bytes;
  for (auto value : {handle.queue, handle.generation, handle.at.due, handle.at.sequence, std::uint64_t{handle.receives}})
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  append_length(bytes, base::crc32(bytes));
  return base::base64(bytes);
}

Handle decode_handle(std::string_view text, std::uint64_t queue) {
  const auto refuse = [&]() -> void {
    throw ReceiptHandleIsInvalid(fmt::format("The input receipt handle \"{}\" is not a valid receipt handle.", text));
  };
  if (text.empty()) missing_parameter("ReceiptHandle");
  if (text.size() != 60) refuse();
  const auto bytes = base::unbase64(text);
  if (!bytes || bytes->size() != 44) refuse();
  auto number = [&](std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>((*bytes)[at + i]);
    return value;
  };
  if (number(40, 4) != base::crc32(std::string_view(*bytes).substr(0, 40))) refuse();
  Handle out{number(0, 8), number(8, 8), {number(16, 8), number(24, 8)}, static_cast<std::uint32_t>(number(32, 8))};
  if (out.queue != queue) refuse();
  return out;
}

std::int64_t seconds_between(std::int64_t seconds, std::int64_t low, std::int64_t high, std::string_view name) {
  if (seconds < low || seconds > high)
    invalid_value(std::to_string(seconds), name, fmt::format("Must be >= {} and <= {}, if provided.", low, high));
  return seconds * kSecond;
}

std::int64_t visibility_ms(std::int64_t seconds) {
  if (seconds < 0 || seconds * kSecond > kMaxVisibility)
    invalid_value(std::to_string(seconds), "VisibilityTimeout", "Must be between 0 and 43200, if provided.");
  return seconds * kSecond;
}

}  // namespace lambari::sqs
