#include "engine/quant/weights_for_node.hpp"

namespace titrate::engine {

void replace_weights(GraphRewriter& rewriter, std::size_t index, ValueId matrix, const WeightMatrix& weights) {
  Node& node = rewriter.graph().nodes[index];
  const std::string name = rewriter.graph()[node.inputs[weight_input(node)]].name;
  Shape shape = rewriter.graph().constant_input(node, weight_input(node))->shape();
  ValueId value = ValueId::none;
  if (node.type == "MatMul") {
    value = rewriter.add_node("Transpose", name + "_Transpose", {matrix}, name + "_transposed",
                              {attribute("perm", std::vector<std::int64_t>{1, 0})});
  } else {
    if (node.type == "Gemm") {
      node.set("transB", std::int64_t{1});
      shape = {weights.rows, weights.columns};
    }
    const ValueId target =
        rewriter.add_constant(name + "_shape", Tensor::of<std::int64_t>({static_cast<std::int64_t>(shape.size())}, shape));
    value = rewriter.add_node("Reshape", name + "_Reshape", {matrix, target}, name + "_reshaped");
  }
  Node& changed = rewriter.graph().nodes[index];
  changed.inputs[weight_input(changed)] = value;
}

}  // namespace titrate::engine
