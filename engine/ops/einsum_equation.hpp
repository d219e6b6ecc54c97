// The equation of Einsum, "bij,bjk->bik": which axis of which operand is summed with which.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph/tensor.hpp"

namespace titrate::engine::ops {

/// Labels are small numbers: 0 to 51 stand for the letters, 52 and up for the axes of "..." (the last of them is aligned at the right).
struct EinsumEquation {
  std::vector<std::vector<int>> operands;  ///< the label of each axis
  std::vector<int> result;
  int labels = 0;  ///< above all labels
};

/// Whether operand and result terms are spelled well; throws Error(invalid) otherwise.
void check_einsum(std::string_view text);
/// The equation with "..." spelled out for operands of these ranks; throws Error(invalid) where they do not fit.
[[nodiscard]] EinsumEquation parse_einsum(std::string_view text, const std::vector<std::size_t>& ranks);
/// The size of each label (1 for those of no axis); -1 where it is unknown. Throws Error(invalid) where sizes differ; sizes of 1 broadcast
/// within "...".
[[nodiscard]] std::vector<std::int64_t> label_sizes(const EinsumEquation& equation, const std::vector<Shape>& shapes);

}  // namespace titrate::engine::ops
