// What the committer asks of the place where bytes live.
#pragma once

#include <memory>

#include "store/store.h"
#include "store/write_set.h"

namespace lambari::store {

class Engine {
 public:
  virtual ~Engine() = default;

  // Sees whole applied batches only, the latest included. Thread-safe; may outlive the engine's close.
  virtual std::unique_ptr<Reader> snapshot() = 0;

  // Called by one thread at a time. On return the batch is durable and visible, all of it; readers never see what is not durable.
  // Throws StorageFull or StorageFailed: nothing of it is visible then, nor will be to a reader of this process.
  virtual void apply(const WriteSet& writes) = 0;
};

}  // namespace lambari::store
