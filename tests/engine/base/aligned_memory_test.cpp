// Memory begins with a cache line, large memory with a large page, and all of it can be written.
#include "engine/base/aligned_memory.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <new>

namespace titrate {
namespace {

TEST(AlignedMemory, BeginsWithALineOrALargePage) {
  constexpr std::size_t page = std::size_t{1} << 21;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{65}, 2 * page - 1, 2 * page, 2 * page + 1}) {
    void* const memory = allocate_aligned(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % (bytes < 2 * page ? cache_line : page), 0U) << bytes;
    std::memset(memory, 1, bytes);
    free_aligned(memory);
  }
}

TEST(AlignedMemory, TooMuchIsRefused) { EXPECT_THROW((void)allocate_aligned(std::numeric_limits<std::size_t>::max()), std::bad_alloc); }

TEST(AlignedMemory, ServesVectors) {
  for (const std::size_t count : {1, 17, 1000}) {
    const AlignedFloats floats(count, 0.5F);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(floats.data()) % cache_line, 0U);
    EXPECT_EQ(floats.back(), 0.5F);
  }
}

}  // namespace
}  // namespace titrate
