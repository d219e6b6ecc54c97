#include "engine/run/buffer_pool.hpp"

#include <algorithm>
#include <utility>

namespace titrate::engine {

std::shared_ptr<std::byte> BufferPool::allocate(std::size_t needed) {
  Buffer* best = nullptr;
  for (Buffer& buffer : buffers_) {
    const bool fits = buffer.capacity >= needed && buffer.memory.use_count() == 1;
    if (fits && (best == nullptr || buffer.capacity < best->capacity)) best = &buffer;
  }
  // A buffer far larger than needed is left for a value that needs it.
  constexpr std::size_t most_waste = 8;
  if (best == nullptr || (needed > 4096 && best->capacity / most_waste > needed)) {
    buffers_.push_back({.memory = allocate_bytes(needed), .capacity = needed});
    best = &buffers_.back();
  }
  return best->memory;
}

}  // namespace titrate::engine
