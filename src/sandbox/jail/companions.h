// External extensions: processes that live beside the runtime in the same slot. The slot's main process keeps them: it starts
// them, starts the runtime when the server says so, tells the server who ended, and ends as the runtime ended. It runs as the
// function does, without rights; what it says is as little trusted as the function is.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
#pragma once

#include "sandbox/jail/slot_process.h"

namespace lambari::jail {

// `line` is the launch socket; see protocol.h, "companions". Does not return.
[[noreturn]] void keep_companions(const Assignment& assignment, int line);

}  // namespace lambari::jail
