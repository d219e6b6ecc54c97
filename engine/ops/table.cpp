#include "engine/ops/table.hpp"

#include <vector>

namespace titrate::engine {

std::span<const OperatorDefinition> operators() {
  static const std::vector<OperatorDefinition> rows = [] {
    std::vector<OperatorDefinition> all;
    for (const ops::Family family : {ops::activation(), ops::arithmetic(), ops::comparison(), ops::logic(), ops::math(), ops::variadic()})
      all.insert(all.end(), family.begin(), family.end());
    return all;
  }();
  return rows;
}

}  // namespace titrate::engine
