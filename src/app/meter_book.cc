#include "app/meter_book.h"

#include "base/log.h"
#include "base/text.h"
#include "store/key.h"

namespace lambari::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kTable = "app/meter";

std::string key_of(const Usage& usage) {
  return store::Key(kTable).text(usage.service).text(usage.usage).text(usage.resource).str();
}

std::string since_key() { return store::Key("app/meter-since").str(); }

}  // namespace

async::Task<> MeterBook::open() {
  const auto reader = store_.read();
  std::vector<Usage> known;
  auto range = store::prefix_range(store::Key(kTable).str());
  for (bool more = true; more;) {
    const auto rows = reader->scan(range, 1'000);
    for (const auto& row : rows) {
      store::KeyReader key(row.key);
      std::string table;
      Usage usage;
      if (!key.text(table) || !key.text(usage.service) || !key.text(usage.usage) || !key.text(usage.resource)) continue;
      usage.amount = static_cast<std::uint64_t>(base::parse_int(row.value).value_or(0));
      known.push_back(std::move(usage));
    }
    more = rows.size() == 1'000;
    if (more) range.begin = rows.back().key + '\0';
  }
  meter_.restore(known);
  if (const auto since = reader->get(since_key())) {
    since_ = base::parse_int(*since).value_or(0);
  } else {
    co_await begin();
  }
  running_ = true;
  loops_.spawn("keep the meter", keep());
}

async::Task<> MeterBook::begin() {
  const auto now = clock_.now().ms;
  co_await store_.commit([&](store::Transaction& t) { t.put(since_key(), std::to_string(now)); });
  since_ = now;
}

async::Task<> MeterBook::keep() {
  while (!closing_) {
    const auto ticket = changed_.ticket();
    if (!closing_) co_await changed_.wait(ticket, 1s);
    try {
      co_await write();
    } catch (const std::exception& error) {
      base::log_warn("what was counted is not written yet", {{"error", error.what()}});
    }
  }
  running_ = false;
  changed_.notify_all();
}

async::Task<> MeterBook::write() {
  const auto changes = meter_.changes();
  if (changes.empty()) co_return;
  co_await store_.commit([&](store::Transaction& t) {
    for (const auto& usage : changes) t.put(key_of(usage), std::to_string(usage.amount));
  });
  meter_.written(changes);
}

async::Task<> MeterBook::close() {
  closing_ = true;
  changed_.notify_all();
  for (;;) {
    const auto ticket = changed_.ticket();
    if (!running_) break;
    co_await changed_.wait(ticket, 1s);
  }
  co_await write();
}

async::Task<> MeterBook::reset() {
  meter_.reset();
  co_await store_.commit([&](store::Transaction& t) { t.erase(store::prefix_range(store::Key(kTable).str())); });
  co_await begin();
}

}  // namespace lambari::app
