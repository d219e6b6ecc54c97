#include "engine/ops/table.hpp"

#include <vector>

namespace titrate::engine {
namespace {

constexpr ops::Family (*families[])() = {
    ops::activation, ops::arithmetic, ops::comparison, ops::concat,  ops::constant, ops::gather, ops::identity,  ops::logic,
    ops::math,       ops::pad,        ops::reshape,    ops::scatter, ops::select,   ops::slice,  ops::transpose, ops::variadic,
};

}  // namespace

std::span<const OperatorDefinition> operators() {
  static const std::vector<OperatorDefinition> rows = [] {
    std::vector<OperatorDefinition> all;
    for (const ops::Family family : {ops::activation(),     ops::arithmetic(), ops::comparison(), ops::concat(),    ops::constant(),
                                     ops::convolution(),    ops::gather(),     ops::identity(),   ops::logic(),     ops::math(),
                                     ops::matrix_product(), ops::pad(),        ops::pooling(),    ops::reshape(),   ops::scatter(),
                                     ops::select(),         ops::slice(),      ops::softmax(),    ops::transpose(), ops::variadic()}) {
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

}  // namespace titrate::engine
