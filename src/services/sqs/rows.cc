#include "services/sqs/rows.h"

#include <stdexcept>

#include "base/json.h"
#include "store/json_row.h"

namespace lambari::sqs {

namespace json = base::json;
using store::json_row::flag;
using store::json_row::text;

namespace {

[[noreturn]] void damaged() { throw std::runtime_error("sqs: a row cannot be read"); }

// Numbers of eight bytes, texts behind their length.
class Writer {
 public:
  Writer& number(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) out_.push_back(static_cast<char>(value >> shift));
    return *this;
  }
  Writer& number(std::int64_t value) { return number(static_cast<std::uint64_t>(value)); }
  Writer& small(std::uint32_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
    return *this;
  }
  Writer& text(std::string_view value) {
    small(static_cast<std::uint32_t>(value.size()));
    out_ += value;
    return *this;
  }
  Writer& rest(std::string_view value) {
    out_ += value;
    return *this;
  }
  void reserve(std::size_t size) { out_.reserve(size); }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number() {
    auto bytes = take(8);
    std::uint64_t value = 0;
    for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
    return value;
  }
  std::int64_t signed_number() { return static_cast<std::int64_t>(number()); }
  std::uint32_t small() {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= static_cast<std::uint32_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    damaged();
  }
  std::string text() { return std::string(take(small())); }
  std::string_view rest() { return take(rest_.size()); }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) damaged();
    auto out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  std::string_view rest_;
};

template <class T>
T number(const json::object& row, std::string_view name, T otherwise = 0) {
  return static_cast<T>(store::json_row::number(row, name, static_cast<std::int64_t>(otherwise)));
}

enum MessageFlags : std::uint32_t { kSealed = 1, kBlob = 2, kMoved = 4 };

}  // namespace

std::string encode(const Queue& q) {
  json::object row{{"id", q.id},
                   {"generation", q.generation},
                   {"created", q.created},
                   {"modified", q.modified},
                   {"purged", q.purged},
                   {"fifo", q.fifo},
                   {"delay", q.delay},
                   {"retention", q.retention},
                   {"visibility", q.visibility},
                   {"wait", q.wait},
                   {"max_bytes", q.max_bytes},
                   {"content_deduplication", q.content_deduplication},
                   {"deduplicate_by_group", q.deduplicate_by_group},
                   {"throughput_by_group", q.throughput_by_group},
                   {"managed_sse", q.managed_sse},
                   {"kms_key", q.kms_key},
                   {"kms_reuse", q.kms_reuse_seconds},
                   {"policy", q.policy}};
  if (q.redrive) {
    row["dead_letter"] = q.redrive->dead_letter_arn;
    row["max_receives"] = q.redrive->max_receives;
    row["redrive"] = q.redrive_text;
  }
  if (q.redrive_permission) {
    row["redrive_permission"] = static_cast<int>(*q.redrive_permission);
    row["redrive_sources"] = json::array(q.redrive_sources.begin(), q.redrive_sources.end());
    row["redrive_allow"] = q.redrive_allow_text;
  }
  json::object tags;
  for (const auto& [name, value] : q.tags) tags[name] = value;
  row["tags"] = std::move(tags);
  return base::to_json(row);
}

Queue decode_queue(std::string_view bytes) {
  const auto row = store::json_row::parse(bytes);
  Queue q;
  q.id = number<std::uint64_t>(row, "id");
  q.generation = number<std::uint64_t>(row, "generation");
  q.created = number<std::int64_t>(row, "created");
  q.modified = number<std::int64_t>(row, "modified");
  q.purged = number<std::int64_t>(row, "purged");
  q.fifo = flag(row, "fifo");
  q.delay = number<std::int64_t>(row, "delay");
  q.retention = number<std::int64_t>(row, "retention", q.retention);
  q.visibility = number<std::int64_t>(row, "visibility", q.visibility);
  q.wait = number<std::int64_t>(row, "wait");
  q.max_bytes = number<std::uint32_t>(row, "max_bytes", q.max_bytes);
  q.content_deduplication = flag(row, "content_deduplication");
  q.deduplicate_by_group = flag(row, "deduplicate_by_group");
  q.throughput_by_group = flag(row, "throughput_by_group");
  q.managed_sse = flag(row, "managed_sse");
  q.kms_key = text(row, "kms_key");
  q.kms_reuse_seconds = number<std::uint32_t>(row, "kms_reuse", 300);
  q.policy = text(row, "policy");
  if (row.contains("dead_letter")) {
    q.redrive = Redrive{text(row, "dead_letter"), number<std::uint32_t>(row, "max_receives")};
    q.redrive_text = text(row, "redrive");
  }
  if (row.contains("redrive_permission")) {
    q.redrive_permission = static_cast<RedrivePermission>(number<int>(row, "redrive_permission"));
    if (const auto* sources = row.if_contains("redrive_sources"); sources && sources->is_array())
      for (const auto& arn : sources->as_array())
        if (arn.is_string()) q.redrive_sources.emplace_back(arn.as_string());
    q.redrive_allow_text = text(row, "redrive_allow");
  }
  if (const auto* tags = row.if_contains("tags"); tags && tags->is_object())
    for (const auto& [name, tag] : tags->as_object())
      if (tag.is_string()) q.tags.emplace(name, tag.as_string());
  return q;
}

std::string encode(const Receipt& r) {
  return Writer().small(r.receives).number(r.first).number(r.last).number(r.visible_at).small(r.plain).text(r.group).take();
}

Receipt decode_receipt(std::string_view row) {
  Reader in(row);
  Receipt r;
  r.receives = in.small();
  r.first = in.signed_number();
  r.last = in.signed_number();
  r.visible_at = in.signed_number();
  r.plain = in.small() != 0;
  r.group = in.text();
  return r;
}

std::string encode(const MoveTask& task) {
  return Writer()
      .text(task.source)
      .text(task.destination)
      .number(std::int64_t{task.per_second})
      .number(task.started)
      .number(task.moved)
      .number(task.to_move)
      .small(static_cast<std::uint32_t>(task.status))
      .text(task.failure)
      .take();
}

MoveTask decode_task(std::string_view row) {
  Reader in(row);
  MoveTask task;
  task.source = in.text();
  task.destination = in.text();
  task.per_second = static_cast<std::int32_t>(in.signed_number());
  task.started = in.signed_number();
  task.moved = in.signed_number();
  task.to_move = in.signed_number();
  task.status = static_cast<MoveTask::Status>(in.small());
  task.failure = in.text();
  return task;
}

std::string encode(const MessageRow& row) {
  const auto& m = row.head;
  Writer out;
  out.reserve(160 + row.content.size());
  out.small((row.sealed ? kSealed : 0u) | (row.blob.empty() ? 0u : kBlob) | (m.moved ? kMoved : 0u))
      .number(m.sent)
      .text(m.id)
      .text(m.sender)
      .text(m.group)
      .text(m.deduplication_id)
      .text(m.trace_header)
      .text(m.dead_letter_source)
      .small(m.receives_before)
      .text(row.blob)
      .rest(row.content);
  return out.take();
}

MessageRow decode_message(std::string_view bytes) {
  Reader in(bytes);
  MessageRow row;
  const auto flags = in.small();
  row.sealed = flags & kSealed;
  auto& m = row.head;
  m.moved = flags & kMoved;
  m.sent = in.signed_number();
  m.id = in.text();
  m.sender = in.text();
  m.group = in.text();
  m.deduplication_id = in.text();
  m.trace_header = in.text();
  m.dead_letter_source = in.text();
  m.receives_before = in.small();
  row.blob = in.text();
  row.content = in.rest();
  return row;
}

std::string encode_content(const std::string& body, const Attributes& attributes) {
  Writer out;
  out.reserve(body.size() + 16);
  out.small(static_cast<std::uint32_t>(attributes.size()));
  for (const auto& [name, attribute] : attributes) out.text(name).text(attribute.data_type).text(attribute.value);
  return out.rest(body).take();
}

void decode_content(std::string_view content, std::string& body, Attributes& attributes) {
  Reader in(content);
  for (auto count = in.small(); count > 0; --count) {
    auto name = in.text();
    auto& attribute = attributes[std::move(name)];
    attribute.data_type = in.text();
    attribute.value = in.text();
  }
  body = in.rest();
}

std::string encode(const Sent& sent) { return Writer().number(sent.at).number(sent.sequence).text(sent.id).take(); }

Sent decode_sent(std::string_view row) {
  Reader in(row);
  Sent sent;
  sent.at = in.signed_number();
  sent.sequence = in.number();
  sent.id = in.text();
  return sent;
}

std::string encode(const Attempt& attempt) {
  Writer out;
  out.number(attempt.at);
  for (const auto& item : attempt.items)
    out.number(item.position.due).number(item.position.sequence).small(item.receives).number(item.visible_at);
  return out.take();
}

Attempt decode_attempt(std::string_view row) {
  Reader in(row);
  Attempt attempt;
  attempt.at = in.signed_number();
  while (!in.done()) {
    Attempt::Item item;
    item.position.due = in.number();
    item.position.sequence = in.number();
    item.receives = in.small();
    item.visible_at = in.signed_number();
    attempt.items.push_back(item);
  }
  return attempt;
}

}  // namespace lambari::sqs
