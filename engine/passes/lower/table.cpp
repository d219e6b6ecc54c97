#include "engine/passes/lower/table.hpp"

#include <algorithm>
#include <array>

namespace titrate::engine::lowering {

std::span<const Row> rows() {
  static constexpr std::array all = {
      Row{"Add", binary},
      Row{"AveragePool", unary},
      Row{"Concat", concat},
      Row{"Conv", convolution},
      Row{"DepthToSpace", movement},
      Row{"Expand", movement},
      Row{"Flatten", movement},
      Row{"Gather", movement},
      Row{"GatherElements", movement},
      Row{"Gemm", gemm},
      Row{"GlobalAveragePool", unary},
      Row{"LeakyRelu", unary},
      Row{"MatMul", matrix_product},
      Row{"MatMulInteger", dynamic_product},
      Row{"MaxPool", movement},
      Row{"Mul", binary},
      Row{"ReduceMax", movement},
      Row{"ReduceMin", movement},
      Row{"Reshape", movement},
      Row{"Resize", movement},
      Row{"Sigmoid", unary},
      Row{"Slice", movement},
      Row{"Softmax", unary},
      Row{"Split", movement},
      Row{"Squeeze", movement},
      Row{"Tile", movement},
      Row{"Transpose", movement},
      Row{"Unsqueeze", movement},
  };
  return all;
}

const Row* find_row(const Node& node) {
  if (!node.domain.empty()) return nullptr;
  const auto found = std::ranges::find(rows(), node.type, &Row::type);
  return found == rows().end() ? nullptr : &*found;
}

}  // namespace titrate::engine::lowering
