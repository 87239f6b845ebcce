// Whether a call starts an environment or waits for one, and how busy the host is.
#include "services/lambda/crowd.h"

#include <gtest/gtest.h>

#include "services/lambda/host.h"

namespace lambari::lambda {
namespace {

using namespace std::chrono_literals;

// Calls of 1 ms on four environments, starts of 10 ms, nothing free on the host.
Crowd quick() { return {.running = 4, .processors = 2, .run = 1ms, .start = 10ms, .host_is_busy = true}; }

TEST(Crowd, WaitsWhereThatIsSoonerThanAStart) {
  struct Case {
    const char* what;
    Crowd crowd;
    int ahead;
    std::chrono::microseconds waited;
    std::optional<std::chrono::microseconds> expected;
  };
  auto with = [](auto change) {
    auto crowd = quick();
    change(crowd);
    return crowd;
  };
  const Case cases[] = {
      {"its turn comes soon", quick(), 0, 0us, 10ms},
      {"those ahead are served by four", quick(), 38, 0us, 10ms},
      {"too many are ahead", quick(), 39, 0us, {}},
      {"what is left of its patience", quick(), 0, 4ms, 6ms},
      {"it has waited as long as a start takes", quick(), 0, 10ms, {}},
      {"the host has time for one more", with([](Crowd& c) { c.host_is_busy = false; }), 0, 0us, {}},
      {"slow calls", with([](Crowd& c) { c.run = 1s; }), 0, 0us, {}},
      {"nothing is known yet", with([](Crowd& c) { c.run = 0us; }), 0, 0us, {}},
      {"no start was measured", with([](Crowd& c) { c.start = 0us; }), 0, 0us, {}},
      {"nobody will give one back", {.run = 1ms, .start = 10ms, .host_is_busy = true}, 0, 0us, {}},
      {"idle ones, and few at work", with([](Crowd& c) { c.idle = 1; }), 0, 0us, {}},
      {"idle ones, but enough at work", with([](Crowd& c) { c.idle = 1, c.running = 8; }), 8, 0us, 10ms},
      {"idle ones, enough at work, too many ahead", with([](Crowd& c) { c.idle = 1, c.running = 8, c.start = 1s; }), 79, 0us, {}},
      {"idle ones are taken in a rush", with([](Crowd& c) { c.idle = 1, c.starting = c.young = 4; }), 0, 0us, {}},
      {"a rush", {.starting = 4, .young = 4, .processors = 2}, 0, 0us, 50ms},
      {"a rush, but there is room", {.starting = 4, .young = 3, .processors = 2}, 0, 0us, {}},
      {"slow starts do not hold up others", {.starting = 40, .young = 0}, 7, 0us, {}},
      {"a rush, and it has waited long", with([](Crowd& c) { c.starting = c.young = 4; }), 0, 20ms, 50ms},
  };
  for (const auto& c : cases) EXPECT_EQ(patience(c.crowd, c.ahead, c.waited), c.expected) << c.what;
}

TEST(Crowd, ABusyHostStartsOneAfterAnother) {
  EXPECT_EQ(first_instants(false), 100ms);
  EXPECT_EQ(first_instants(true), 2s);
}

TEST(Crowd, AveragesFollowSlowly) {
  EXPECT_EQ(blend(0us, 800us), 800us);
  EXPECT_EQ(blend(800us, 1'600us), 900us);
}

TEST(Host, ReadsTheProcessorsLine) {
  const auto ticks = Processors::parse("cpu  10 20 30 400 50 6 7 8 9 1\ncpu0 1 2 3 4 5 6 7 8 9 0\n");
  EXPECT_EQ(ticks.idle, 450u);
  EXPECT_EQ(ticks.all, 531u);
  EXPECT_EQ(Processors::parse("").all, 0u);
  EXPECT_GT(host_memory().total_mb, 0u);
}

}  // namespace
}  // namespace lambari::lambda
