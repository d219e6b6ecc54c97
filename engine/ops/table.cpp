#include "engine/ops/table.hpp"

#include <vector>

namespace titrate::engine {
namespace {

constexpr ops::Family (*families[])() = {
    ops::activation,
    ops::arithmetic,
    ops::block_quantized_product,
    ops::comparison,
    ops::convolution,
    ops::convolution_transpose,
    ops::integer_matrix_product,
    ops::logic,
    ops::math,
    ops::matrix_product,
    ops::normalization,
    ops::pooling,
    ops::quantize_linear,
    ops::softmax,
    ops::variadic,
};

}  // namespace

std::span<const OperatorDefinition> operators() {
  static const std::vector<OperatorDefinition> rows = [] {
    std::vector<OperatorDefinition> all;
    for (const auto family : families) {
      const ops::Family own = family();
      all.insert(all.end(), own.begin(), own.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace titrate::engine
