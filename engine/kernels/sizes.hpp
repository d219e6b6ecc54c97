// Counting with sizes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace titrate::kernels {

[[nodiscard]] constexpr std::size_t count_of(std::int64_t size) { return static_cast<std::size_t>(size); }

/// Pieces of `size`, the last one not full.
[[nodiscard]] constexpr std::size_t quotient(std::size_t count, std::size_t size) { return (count + size - 1) / size; }

/// Floats in whole lines of the cache, 64 bytes.
[[nodiscard]] constexpr std::size_t whole_lines(std::size_t floats) { return quotient(floats, 16) * 16; }

}  // namespace titrate::kernels
