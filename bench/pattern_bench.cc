// One event against 1 and against 10^4 event patterns.
#include <benchmark/benchmark.h>

#include "lang/event_pattern.h"

namespace {

using namespace lambari;

base::json::value event() {
  return *base::parse_json(
      R"({"version":"0","id":"6a7e8feb","detail-type":"OrderPlaced","source":"shop.orders.7","account":"000000000000",)"
      R"("time":"2026-01-31T23:59:59Z","region":"us-east-1","resources":[],"detail":{"customer":"c-4711","price":77,)"
      R"("items":[{"sku":"a","count":1},{"sku":"b","count":2}],"state":"paid","address":"10.1.2.3","file":"invoice-7.pdf"}})");
}

// Different for each rule, of every kind; one in a thousand matches.
lang::EventPattern rule(int i) {
  const auto n = std::to_string(i);
  std::string detail;
  switch (i % 5) {
    case 0: detail = R"("customer":["c-)" + n + R"("])"; break;
    case 1:
      detail = R"("price":[{"numeric":[">",)" + std::to_string(i + 1000) + R"(,"<=",)" + std::to_string(i + 1010) + "]}]";
      break;
    case 2: detail = R"("file":[{"prefix":"invoice-)" + n + R"(x"}])"; break;
    case 3: detail = R"("state":["paid"],"items":{"sku":["s)" + n + R"("]})"; break;
    default:
      detail = R"("address":[{"cidr":"10.)" + std::to_string(i / 256 % 256) + "." + std::to_string(i % 256) + R"(.0/24"}])";
  }
  return lang::EventPattern::parse(R"({"source":[{"prefix":"shop."}],"detail":{)" + detail + "}}");
}

void match(benchmark::State& state) {
  lang::EventPatternSet set;
  set.add(0, lang::EventPattern::parse(R"({"source":[{"prefix":"shop."}],"detail":{"state":["paid"]}})"));
  for (int i = 1; i < state.range(0); ++i) set.add(static_cast<std::uint64_t>(i), rule(i));
  const auto one = event();
  for (auto _ : state) benchmark::DoNotOptimize(set.match(one));
  state.counters["matched"] = static_cast<double>(set.match(one).size());
}
BENCHMARK(match)->Arg(1)->Arg(100)->Arg(10'000);

}  // namespace

BENCHMARK_MAIN();
