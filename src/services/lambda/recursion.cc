#include "services/lambda/recursion.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"

namespace lambari::lambda {
namespace {

constexpr std::string_view kField = "Lineage=";
constexpr std::size_t kMaxItems = 32;  // functions of a chain that are told apart; the oldest are forgotten

struct Item {
  std::string_view name;
  long long count = 0;
};

bool is_name(std::string_view text) {
  return text.size() == 8 && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c); });
}

// "1:a87bd80c:1|68fd508a:5", with or without the number in front.
std::vector<Item> read(std::string_view lineage) {
  std::vector<Item> items;
  for (const auto part : base::split(lineage, '|')) {
    const auto words = base::split(part, ':');
    if (words.size() < 2) continue;
    const auto name = words[words.size() - 2];
    const auto count = base::parse_int(words.back());
    if (is_name(name) && count && *count >= 0 && *count <= 1'000'000) items.push_back({name, *count});
  }
  if (items.size() > kMaxItems) items.erase(items.begin(), items.end() - kMaxItems);
  return items;
}

}  // namespace

std::string lineage_name(std::string_view function_arn) { return base::hex(base::sha256(function_arn)).substr(0, 8); }

Passage pass_through(std::string_view trace_header, std::string_view name) {
  Passage passage;
  std::vector<Item> items;
  for (const auto part : base::split(trace_header, ';')) {
    if (part.starts_with(kField)) {
      items = read(part.substr(kField.size()));
    } else if (!part.empty()) {
      if (!passage.header.empty()) passage.header += ';';
      passage.header += part;
    }
  }
  auto mine = std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.name == name; });
  if (mine == items.end()) {
    items.push_back({name, 0});
  } else {
    passage.before = static_cast<int>(++mine->count);
  }
  passage.header += passage.header.empty() ? "Lineage=1:" : ";Lineage=1:";
  for (const auto& item : items) {
    if (&item != &items.front()) passage.header += '|';
    passage.header.append(item.name).append(":").append(std::to_string(item.count));
  }
  return passage;
}

std::string furthest(const std::vector<std::string>& trace_headers, std::string_view name) {
  const std::string* out = nullptr;
  int most = -1;
  for (const auto& header : trace_headers) {
    const auto before = pass_through(header, name).before;
    if (before <= most) continue;
    most = before;
    out = &header;
  }
  return out == nullptr ? std::string() : *out;
}

}  // namespace lambari::lambda
