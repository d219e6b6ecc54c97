// Buffers for the values of one executor: handed out again when nobody holds them any more, so that a second sample allocates nothing.
#pragma once

#include <memory>
#include <vector>

#include "engine/graph/tensor.hpp"

namespace titrate::engine {

class BufferPool {
 public:
  /// A tensor over the smallest free buffer that is large enough, or over a new one. The buffer is free again when the tensor and its
  /// copies are gone.
  [[nodiscard]] Tensor allocate(DataType type, Shape shape);

 private:
  struct Buffer {
    std::shared_ptr<std::byte> memory;
    std::size_t capacity = 0;
  };
  std::vector<Buffer> buffers_;
};

}  // namespace titrate::engine
