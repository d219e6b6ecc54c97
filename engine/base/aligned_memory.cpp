#include "engine/base/aligned_memory.hpp"

#include <cstdlib>
#include <limits>
#include <new>

#include "engine/base/large_pages.hpp"

namespace titrate {
namespace {

constexpr std::size_t large_page = std::size_t{1} << 21;
constexpr std::size_t large = 2 * large_page;  // from here on at least one page lies inside, wherever the memory begins

}  // namespace

void* allocate_aligned(std::size_t bytes) {
  const std::size_t alignment = bytes >= large ? large_page : cache_line;
  if (bytes > std::numeric_limits<std::size_t>::max() - alignment) throw std::bad_alloc();
  const std::size_t rounded = bytes == 0 ? cache_line : (bytes + cache_line - 1) / cache_line * cache_line;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, rounded) != 0) throw std::bad_alloc();
  if (alignment == large_page) ask_for_large_pages(memory, bytes);
  return memory;
}

void free_aligned(void* memory) noexcept { std::free(memory); }

}  // namespace titrate
