// Memory for numbers that kernels read in whole registers: it begins with a cache line. Large memory asks for large pages: what is read
// once from end to end then neither waits for a translation nor for the processor's reading ahead to begin anew every 4 KB, and new memory
// is cleared by one fault for 2 MB instead of 512.
#pragma once

#include <cstddef>
#include <vector>

namespace titrate {

inline constexpr std::size_t cache_line = 64;

/// Not initialised; to be given back with free_aligned(). Throws std::bad_alloc.
[[nodiscard]] void* allocate_aligned(std::size_t bytes);
void free_aligned(void* memory) noexcept;

/// For std::vector.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class Other>
  explicit AlignedAllocator(const AlignedAllocator<Other>& /*other*/) {}
  [[nodiscard]] T* allocate(std::size_t count) { return static_cast<T*>(allocate_aligned(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t /*count*/) noexcept { free_aligned(memory); }
  friend bool operator==(const AlignedAllocator& /*a*/, const AlignedAllocator& /*b*/) { return true; }
};

using AlignedFloats = std::vector<float, AlignedAllocator<float>>;

}  // namespace titrate
