// The engine of tests: a persistent treap. A snapshot is a root; a batch makes a new root and copies the paths it changes.
#pragma once

#include <memory>

#include "store/engine.h"

namespace lambari::store {

std::unique_ptr<Engine> memory_engine();

}  // namespace lambari::store
