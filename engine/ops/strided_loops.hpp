// Loops over several operands that are walked with strides of their own: broadcasting, transposing, slicing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/graph/tensor.hpp"

namespace titrate::engine::ops {

/// Sizes of nested loops, the last one innermost, and for each operand how many elements one step of each loop moves it (0 = the same
/// element again, negative = backwards). There is always an innermost loop; loops of size 1 are left out and loops that run on from each
/// other in every operand are merged.
struct StridedLoops {
  std::vector<std::int64_t> sizes;
  std::vector<std::vector<std::int64_t>> strides;  ///< [operand][loop]

  StridedLoops(std::span<const std::int64_t> sizes, std::vector<std::vector<std::int64_t>> strides);

  [[nodiscard]] std::int64_t inner_size() const { return sizes.back(); }
  [[nodiscard]] std::int64_t inner_stride(std::size_t operand) const { return strides[operand].back(); }
  [[nodiscard]] bool empty() const;
};

/// Row-major strides of a shape.
[[nodiscard]] std::vector<std::int64_t> strides_of(std::span<const std::int64_t> shape);
/// The strides with which an input of `shape` is read to fill `target`, to which it broadcasts.
[[nodiscard]] std::vector<std::int64_t> broadcast_strides(std::span<const std::int64_t> shape, std::span<const std::int64_t> target);
/// Loops over `target` for its tensor (operand 0) and inputs that broadcast to it (operands 1, 2, ...).
[[nodiscard]] StridedLoops broadcast_loops(const Shape& target, std::span<const Shape* const> inputs);

/// Calls row(offsets) once for each innermost loop, in row-major order; offsets has each operand's first element.
template <class Row>
void for_each_row(const StridedLoops& loops, Row&& row) {
  if (loops.empty()) return;
  const std::size_t outer = loops.sizes.size() - 1;
  std::vector<std::int64_t> index(outer, 0);
  std::vector<std::int64_t> offsets(loops.strides.size(), 0);
  while (true) {
    row(std::span<const std::int64_t>(offsets));
    std::size_t loop = outer;
    for (; loop > 0; --loop) {
      const std::size_t at = loop - 1;
      const bool wraps = ++index[at] == loops.sizes[at];
      const std::int64_t steps = wraps ? 1 - loops.sizes[at] : 1;
      for (std::size_t operand = 0; operand < offsets.size(); ++operand) offsets[operand] += steps * loops.strides[operand][at];
      if (!wraps) break;
      index[at] = 0;
    }
    if (loop == 0) return;
  }
}

}  // namespace titrate::engine::ops
