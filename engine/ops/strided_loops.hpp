// Loops over several operands that are walked with strides of their own: broadcasting, transposing, slicing.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/graph/tensor.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/step_threads.hpp"

namespace titrate::engine::ops {

/// The result and up to three inputs (Where).
inline constexpr std::size_t most_operands = 4;

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
  /// How many innermost loops there are.
  [[nodiscard]] std::int64_t rows() const;
};

/// Row-major strides of a shape.
[[nodiscard]] std::vector<std::int64_t> strides_of(std::span<const std::int64_t> shape);
/// The strides with which an input of `shape` is read to fill `target`, to which it broadcasts.
[[nodiscard]] std::vector<std::int64_t> broadcast_strides(std::span<const std::int64_t> shape, std::span<const std::int64_t> target);
/// Loops over `target` for its tensor (operand 0) and inputs that broadcast to it (operands 1, 2, ...).
[[nodiscard]] StridedLoops broadcast_loops(const Shape& target, std::span<const Shape* const> inputs);

/// Calls row(offsets) for the innermost loops [first, last) of all in row-major order; offsets has each operand's first element.
template <class Row>
void for_rows(const StridedLoops& loops, std::int64_t first, std::int64_t last, const Row& row) {
  const std::size_t outer = loops.sizes.size() - 1;
  std::vector<std::int64_t> index(outer, 0);
  std::array<std::int64_t, most_operands> room{};
  const std::span<std::int64_t> offsets = std::span(room).first(loops.strides.size());
  std::int64_t left = first;
  for (std::size_t loop = outer; loop-- > 0 && left > 0;) {
    index[loop] = left % loops.sizes[loop];
    left /= loops.sizes[loop];
    for (std::size_t operand = 0; operand < offsets.size(); ++operand) offsets[operand] += index[loop] * loops.strides[operand][loop];
  }
  for (std::int64_t at = first; at < last; ++at) {
    row(std::span<const std::int64_t>(offsets));
    for (std::size_t loop = outer; loop-- > 0;) {
      const bool wraps = ++index[loop] == loops.sizes[loop];
      const std::int64_t steps = wraps ? 1 - loops.sizes[loop] : 1;
      for (std::size_t operand = 0; operand < offsets.size(); ++operand) offsets[operand] += steps * loops.strides[operand][loop];
      if (!wraps) break;
      index[loop] = 0;
    }
  }
}

/// The same for all innermost loops.
template <class Row>
void for_each_row(const StridedLoops& loops, const Row& row) {
  if (!loops.empty()) for_rows(loops, 0, loops.rows(), row);
}

/// Calls row(offsets) for all innermost loops, in any order and on several threads; row must not throw. `elements`: how many numbers one
/// call touches.
template <class Row>
void share_rows(const StridedLoops& loops, std::int64_t elements, const Row& row) {
  if (loops.empty()) return;
  const std::int64_t rows = loops.rows();
  const std::int64_t together = kernels::thread_count() == 1 ? rows : std::max<std::int64_t>(1, shared_piece / elements);
  kernels::parallel_for(static_cast<std::size_t>((rows + together - 1) / together), [&](std::size_t index, std::size_t) {
    const std::int64_t first = static_cast<std::int64_t>(index) * together;
    for_rows(loops, first, std::min(rows, first + together), row);
  });
}

/// Calls part(offsets, count) for parts of the innermost loops that make up all of them, as share_rows() does: offsets has each operand's
/// first element in the part.
template <class Part>
void share_parts(const StridedLoops& loops, const Part& part) {
  const std::int64_t inner = loops.inner_size();
  if (inner <= shared_piece || kernels::thread_count() == 1) {
    share_rows(loops, std::max<std::int64_t>(1, inner), [&](std::span<const std::int64_t> at) { part(at, inner); });
    return;
  }
  for_each_row(loops, [&](std::span<const std::int64_t> at) {
    kernels::parallel_for(static_cast<std::size_t>((inner + shared_piece - 1) / shared_piece), [&](std::size_t index, std::size_t) {
      const std::int64_t first = static_cast<std::int64_t>(index) * shared_piece;
      std::array<std::int64_t, most_operands> room{};
      const std::span<std::int64_t> offsets = std::span(room).first(at.size());
      std::copy(at.begin(), at.end(), offsets.begin());
      for (std::size_t operand = 0; operand < offsets.size(); ++operand) offsets[operand] += first * loops.inner_stride(operand);
      part(std::span<const std::int64_t>(offsets), std::min(shared_piece, inner - first));
    });
  });
}

}  // namespace titrate::engine::ops
