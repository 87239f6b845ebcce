// The limits that store.h promises.
#pragma once

#include <cstddef>

namespace lambari::store {

inline constexpr std::size_t kMaxKey = 4 << 10;
inline constexpr std::size_t kMaxValue = 1 << 20;
inline constexpr std::size_t kMaxTransactionBytes = 16 << 20;
inline constexpr std::size_t kMaxTransactionWrites = 100'000;

}  // namespace lambari::store
