// The limits that store.h promises.
#pragma once

#include <cstddef>

namespace lambari::store {

inline constexpr std::size_t kMaxKey = 16 << 10;  // an index of DynamoDB names four key parts, 6 KiB before they are escaped
inline constexpr std::size_t kMaxValue = 1 << 20;
inline constexpr std::size_t kMaxTransactionBytes = 16 << 20;
inline constexpr std::size_t kMaxTransactionWrites = 100'000;

}  // namespace lambari::store
