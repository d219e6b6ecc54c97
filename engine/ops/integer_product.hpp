// What the products of 8-bit codes share: reading scales and zero points, exact int32 sums, and what becomes of the sums.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/ops/matrix_product.hpp"

namespace titrate::engine::ops {

/// An 8-bit code, or an element of an int32 tensor, as a number.
[[nodiscard]] std::int32_t code_at(const Tensor& tensor, std::size_t index);
/// Scales as float32, whatever float type stores them.
[[nodiscard]] std::vector<float> scales_of(const Tensor& scales);
/// Refuses an input that is known not to hold uint8 or int8, and a zero point of another type than its codes.
void check_codes(const InferRequest& request, std::size_t codes, std::size_t zero_point);

/// Where the inputs of a product stand in a node; `none` for those that the operator does not have.
struct ProductInputs {
  static constexpr std::size_t none = 1000;
  std::size_t a, a_scale, a_zero;
  std::size_t b, b_scale, b_zero;
  std::size_t y_scale, y_zero;
  std::size_t addend = none;  ///< int32, added to the sums: stretches to [M, N] as Gemm's C does
  std::size_t bias = none;    ///< float32 [N], added to float outputs
};

/// One scale or zero point for all, one for each row of a or column of b ("lane"), or one for each lane of each matrix of the stack.
[[nodiscard]] inline std::size_t lane_index(std::size_t count, std::size_t matrix, std::size_t lane, std::size_t lanes) {
  return count == 1 ? 0 : (matrix * lanes + lane) % count;
}

/// A node that multiplies matrices of codes. The output's type says what becomes of the sums: int32 is the sums themselves; with
/// m = alpha * a_scale * b_scale (/ y_scale), float32 is sum * m + bias, 8-bit codes are round_half_even(sum * m) + y_zero, saturated.
class IntegerProduct {
 public:
  IntegerProduct(const PrepareRequest& request, const ProductInputs& inputs);
  /// `a` stands in for an a that is quantized on the way (else null): its codes, scale and zero point.
  struct QuantizedLeft {
    const Tensor& codes;
    const Tensor& scale;
    const Tensor& zero_point;
  };
  void run(RunContext& run, const QuantizedLeft* left = nullptr) const;

 private:
  struct PackedBlocks;

  Node node_;
  ProductInputs inputs_;
  bool transpose_a_;
  bool transpose_b_;
  float alpha_;
  std::shared_ptr<const PackedBlocks> packed_;  // of a constant b
};

/// Shapes and types of a product of codes, with Gemm's attributes transA and transB where `transposes`.
[[nodiscard]] OutputType infer_integer_product(const InferRequest& request, const ProductInputs& inputs, DataType type, bool transposes);

}  // namespace titrate::engine::ops
