// For tests: a stream in memory, and places in memory.
#pragma once

#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "async/gate.h"
#include "contracts/stream_source.h"
#include "services/lambda/sources/checkpoints.h"

namespace lambari::sources::testing {

// Records are {"id":"..."}; a slice holds the keys whose last character it is.
class FakeStreams final : public contracts::StreamSource {
 public:
  struct Record {
    std::string key, id, text;
    base::Timestamp arrived;
  };
  struct Shard {
    std::vector<std::string> parents;
    std::vector<Record> records;
    bool closed = false;
  };
  std::mutex mutex;
  async::Event arrived;
  std::map<std::string, Shard> shards{{"s1", {}}};
  bool gone = false, readable = true;
  int reads = 0;

  static std::string cursor(std::size_t next) {
    char text[24];
    std::snprintf(text, sizeof text, "%020zu", next);
    return text;
  }

  async::Task<std::optional<contracts::SourceStream>> describe(std::string) override {
    const std::lock_guard lock(mutex);
    if (gone) co_return std::nullopt;
    contracts::SourceStream out;
    for (const auto& [id, shard] : shards) out.shards.push_back({id, shard.parents});
    out.retention = std::chrono::hours(24);
    co_return out;
  }
  async::Task<bool> may_read(contracts::Principal, std::string) override { co_return readable; }
  async::Task<std::string> locate(contracts::Principal, std::string, std::string shard, contracts::StreamStart start) override {
    const std::lock_guard lock(mutex);
    co_return cursor(start.kind == contracts::StreamStart::Kind::latest ? shards.at(shard).records.size() : 0);
  }
  async::Task<contracts::StreamPage> read(contracts::Principal, contracts::StreamRead read) override {
    const auto deadline = std::chrono::steady_clock::now() + read.wait;
    for (;;) {
      const auto ticket = arrived.ticket();
      contracts::StreamPage page;
      {
        const std::lock_guard lock(mutex);
        ++reads;
        if (gone) throw std::runtime_error("the stream is gone");
        const auto& shard = shards.at(read.shard);
        auto next = static_cast<std::size_t>(std::stoull(read.cursor));
        std::size_t bytes = 0;
        for (; next < shard.records.size() && page.records.size() < read.count && bytes < read.bytes; ++next) {
          const auto& record = shard.records[next];
          if (static_cast<unsigned char>(record.key.back()) % read.slice.of != read.slice.index) continue;
          page.records.push_back({record.id, cursor(next + 1), record.arrived, record.text});
          bytes += record.text.size();
        }
        page.next = cursor(next);
        page.ended = shard.closed && next == shard.records.size();
      }
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (!page.records.empty() || page.ended || left.count() <= 0) co_return page;
      read.cursor = page.next;
      co_await arrived.wait(ticket, left);
    }
  }

  void send(const std::string& key, const std::string& id, base::Timestamp at, const std::string& shard = "s1",
            std::string text = "") {
    {
      const std::lock_guard lock(mutex);
      if (text.empty()) text = R"({"id":")" + id + R"("})";
      shards[shard].records.push_back({key, id, std::move(text), at});
    }
    arrived.notify_all();
  }
  // No more records of the shard; its children follow.
  void close(const std::string& shard, const std::vector<std::string>& children) {
    {
      const std::lock_guard lock(mutex);
      shards[shard].closed = true;
      for (const auto& child : children) shards[child].parents.push_back(shard);
    }
    arrived.notify_all();
  }
};

class FakeCheckpoints final : public Checkpoints {
 public:
  std::mutex mutex;
  std::map<std::pair<std::string, unsigned>, Place> places;
  std::vector<std::string> discarded;
  int deaf = 0;  // so many saves fail

  async::Task<std::vector<Place>> open(std::string shard, unsigned lanes, std::string first) override {
    const std::lock_guard lock(mutex);
    std::vector<Place> out;
    for (unsigned lane = 0; lane < lanes; ++lane) {
      auto [it, fresh] = places.try_emplace({shard, lane});
      if (fresh) it->second.cursor = first;
      out.push_back(it->second);
    }
    co_return out;
  }
  async::Task<> save(std::string shard, unsigned lane, Place place, std::vector<std::string> gone) override {
    const std::lock_guard lock(mutex);
    if (deaf-- > 0) throw std::runtime_error("not now");
    places[{shard, lane}] = std::move(place);
    discarded.insert(discarded.end(), gone.begin(), gone.end());
    co_return;
  }
  Place place(const std::string& shard = "s1", unsigned lane = 0) {
    const std::lock_guard lock(mutex);
    return places[{shard, lane}];
  }
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex);
    return discarded;
  }
};

}  // namespace lambari::sources::testing
