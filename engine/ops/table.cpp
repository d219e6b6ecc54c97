#include "engine/ops/table.hpp"

#include <vector>

namespace titrate::engine {
namespace {

constexpr ops::Family (*families[])() = {
<<<<<<< HEAD
    ops::activation, ops::arithmetic, ops::comparison, ops::concat,  ops::constant, ops::gather, ops::identity,  ops::logic,
    ops::math,       ops::pad,        ops::reshape,    ops::scatter, ops::select,   ops::slice,  ops::transpose, ops::variadic,
=======
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
>>>>>>> kernels
};

}  // namespace

std::span<const OperatorDefinition> operators() {
  static const std::vector<OperatorDefinition> rows =
      [] {
        std::vector<OperatorDefinition> all;
        for (const ops::Family family : {ops::activation(),
                                         ops::arithmetic(),
                                         ops::block_quantized_product(),
                                         ops::comparison(),
                                         ops::concat(),
                                         ops::constant(),
                                         ops::convolution(),
                                         ops::convolution_transpose(),
                                         ops::gather(),
                                         ops::identity(),
                                         ops::integer_matrix_product(),
                                         ops::logic(),
                                         ops::math(),
                                         ops::matrix_product(),
                                         ops::normalization(),
                                         ops::pad(),
                                         ops::pooling(),
                                         ops::quantize_linear(),
                                         ops::reshape(),
                                         ops::scatter(),
                                         ops::select(),
                                         ops::slice(),
                                         ops::softmax(),
                                         ops::transpose(),
                                         ops::variadic()}) {
          all.insert(all.end(), family.begin(), family.end());
=======
          for (const auto family : families) {
            const ops::Family of_family = family();
            all.insert(all.end(), of_family.begin(), of_family.end());
>>>>>>> ops
          }
          return all;
        }
        ();
        return rows;
      }
=======
  for (const auto family : families) {
    const ops::Family own = family();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}
();
return rows;
}
>>>>>>> kernels

}  // namespace titrate::engine
