// What the operators that multiply matrices share: broadcasting of stacks of matrices, and the product of one stack.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/ops/operator.hpp"

namespace titrate::engine::ops {

/// The sizes of C[..., M, N] = A[..., M, K] * B[..., K, N] as NumPy's matmul reads shapes: a 1-D A is a row, a 1-D B a column, and the axis
/// that this adds is dropped from the output.
struct MatrixSizes {
  std::int64_t rows;     ///< M
  std::int64_t depth;    ///< K
  std::int64_t columns;  ///< N
  Shape stack;           ///< the broadcast axes in front
  Shape output;
};

/// For shapes with unknown sizes (-1) too. Throws Error(invalid) naming the node if they do not fit.
[[nodiscard]] MatrixSizes matrix_sizes(const Shape& a, const Shape& b, const Node& node);

/// Which matrix of an operand belongs to matrix `index` of the broadcast stack.
[[nodiscard]] std::int64_t matrix_at(std::int64_t index, const Shape& stack, const Shape& operand);

/// infer() for two operands and an output of `type`.
[[nodiscard]] OutputType infer_product(const InferRequest& request, DataType type);

}  // namespace titrate::engine::ops
