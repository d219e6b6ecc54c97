// Buffers for the values of one executor: handed out again when nobody holds them any more, so that a second sample allocates nothing.
#pragma once

#include <memory>
#include <vector>

#include "engine/graph/tensor.hpp"

namespace titrate::engine {

class BufferPool {
 public:
  /// The smallest free buffer that is large enough, or a new one. It is free again when the pointer and its copies are gone.
  [[nodiscard]] std::shared_ptr<std::byte> allocate(std::size_t bytes);

 private:
  struct Buffer {
    std::shared_ptr<std::byte> memory;
    std::size_t capacity = 0;
  };
  std::vector<Buffer> buffers_;
};

}  // namespace titrate::engine
