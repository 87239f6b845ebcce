#include "store/engine_suite.h"
#include "store/engines.h"

namespace lambari::store {
namespace {

INSTANTIATE_TEST_SUITE_P(Memory, EngineSuite, testing::Values(Candidate{"memory", [](const auto&) { return open_memory(); }}));

}  // namespace
}  // namespace lambari::store
