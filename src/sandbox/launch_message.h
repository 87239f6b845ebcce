// The message that a slot's main process waits for on its launch socket: [kPrime], folder, arguments, "", variables, "", each
// ended by NUL; where there are external extensions also their programs, "", their variables, "". libc only.
#pragma once

#include <cstddef>
#include <string_view>

namespace lambari::sandbox::protocol {

inline constexpr std::size_t kMaxAssignment = 240 * 1024;  // bytes

// Begins a message that starts an interpreter ahead of its function: that keeps the launch socket, and waits there for the next
// message. Others begin with a folder.
inline constexpr std::string_view kPrime = "prime";

// How a process ends that could not become what the message names.
inline constexpr int kNoFolder = 121, kNoProgram = 122, kNoPermission = 123, kNoFormat = 124;

}  // namespace lambari::sandbox::protocol
