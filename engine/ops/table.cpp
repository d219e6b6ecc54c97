#include "engine/ops/table.hpp"

#include "engine/ops/bf16_product.hpp"
#include "engine/ops/saturating_product.hpp"

#include <vector>

namespace titrate::engine {
namespace {

// clang-format off
constexpr ops::Family (*families[])() = {
    ops::activation,
    ops::arithmetic,
    ops::attention,
    ops::bf16_product,
    ops::block_quantized_product,
    ops::channel_blocks,
    ops::channel_blocks_convolution,
    ops::channel_blocks_pooling,
    ops::comparison,
    ops::concat,
    ops::constant,
    ops::convolution,
    ops::convolution_transpose,
    ops::cumulative,
    ops::einsum,
    ops::extremum,
    ops::gather,
    ops::identity,
    ops::integer_matrix_product,
    ops::logic,
    ops::math,
    ops::matrix_product,
    ops::normalization,
    ops::pad,
    ops::pooling,
    ops::q_linear_convolution,
    ops::q_linear_matrix_product,
    ops::quantize_linear,
    ops::quantized_activation,
    ops::quantized_arithmetic,
    ops::quantized_concat,
    ops::quantized_pooling,
    ops::quantized_softmax,
    ops::recurrent,
    ops::reduction,
    ops::reshape,
    ops::resize,
    ops::rms_normalization,
    ops::rotary_embedding,
    ops::scatter,
    ops::saturating_product,
    ops::select,
    ops::slice,
    ops::softmax,
    ops::transpose,
    ops::variadic,
};
// clang-format on

}  // namespace

std::span<const OperatorDefinition> operators() {
  static const std::vector<OperatorDefinition> rows = [] {
    std::vector<OperatorDefinition> all;
    for (const auto family : families) {
      const ops::Family of_family = family();
      all.insert(all.end(), of_family.begin(), of_family.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace titrate::engine
