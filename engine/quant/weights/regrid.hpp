// Chooses the grid of one group of a row anew while all other weights stay: scales and zero points around the present ones are tried, each
// with the codes that error feedback within the group gives (GPTQ on the group's own part of the Gram matrix).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/quant/affine.hpp"

namespace titrate::engine {

/// Codes for a group, and what is left of the layer's error that the group can do anything about.
struct GroupCodes {
  AffineParameters grid;
  std::vector<std::int16_t> codes;
  double error = 0;
};

/// What error feedback needs to know of one group: the inverse of its part of the Gram matrix, as factors.
class GroupFeedback {
 public:
  /// `gram`: [columns, columns], of which [begin, end) is the group. An empty one, of which no use can be made, if it cannot be factorized.
  GroupFeedback(std::span<const double> gram, std::size_t columns, std::size_t begin, std::size_t end);

  [[nodiscard]] bool usable() const { return !factor_.empty(); }

  /// The best codes on the grids around `present`, for weights that are now `values` and of which the layer's error has the gradient
  /// -2 `gradient`; nothing unless it is less than now. Zero points are only moved where `moves_zero_point`.
  [[nodiscard]] std::optional<GroupCodes> best(std::span<const double> values, std::span<const double> gradient, AffineParameters present,
                                               IntegerRange range, bool moves_zero_point) const;

 private:
  void round(std::vector<double> wanted, IntegerRange range, GroupCodes& result) const;

  std::size_t size_ = 0;
  std::vector<std::size_t> order_;  // columns of the group by falling diagonal
  std::vector<double> factor_;      // U in that order, upper triangular, row-major, U^T U the inverse
};

}  // namespace titrate::engine
