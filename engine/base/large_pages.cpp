#include "engine/base/large_pages.hpp"

#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace titrate {

void ask_for_large_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__)
  constexpr std::size_t large_page = std::size_t{1} << 21;
  const std::size_t before = (large_page - reinterpret_cast<std::uintptr_t>(memory) % large_page) % large_page;
  if (bytes < before + large_page) return;
  // Whole pages only: what is around them may belong to others.
  (void)madvise(static_cast<std::byte*>(memory) + before, (bytes - before) / large_page * large_page, MADV_HUGEPAGE);
#endif
}

}  // namespace titrate
