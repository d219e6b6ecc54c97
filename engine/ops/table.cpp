#include "engine/ops/table.hpp"

#include <vector>

namespace titrate::engine {
namespace {

constexpr ops::Family (*families[])() = {
    ops::activation, ops::arithmetic, ops::comparison, ops::concat, ops::constant,  ops::cumulative, ops::einsum,    ops::extremum,
    ops::gather,     ops::identity,   ops::logic,      ops::math,   ops::pad,       ops::recurrent,  ops::reduction, ops::reshape,
    ops::resize,     ops::scatter,    ops::select,     ops::slice,  ops::transpose, ops::variadic,
};

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
