#include "engine/quant/activation_blocks.hpp"

#include <utility>

namespace titrate::engine {
namespace {

// Opsets: the axes of ReduceMax are an input; QuantizeLinear takes blocks and says its type.
constexpr std::int64_t axes_input_opset = 18;
constexpr std::int64_t block_opset = 21;
constexpr std::int64_t float4_opset = 23;

const std::vector<Dimension>* shape_of_input(const Graph& graph, const Node& node) {
  const auto& info = graph[node.inputs[0]].info;
  return info && info->shape ? &*info->shape : nullptr;
}

}  // namespace

std::optional<std::string> block_refusal(const Graph& graph, const Node& node) {
  if (graph.constant(node.inputs[0]) != nullptr) return "its input is constant";
  if (node.type == "Gemm" && node.integer("transA", 0) != 0) return "its input is transposed: blocks would lie across its rows";
  if (shape_of_input(graph, node) == nullptr) return "the rank of its input is not known";
  return std::nullopt;
}

ActivationBlocks::ActivationBlocks(GraphRewriter& rewriter, const Node& node, std::int64_t block, std::string name)
    : rewriter_(rewriter), name_(std::move(name)), block_(block), whole_(node.inputs[0]) {
  const auto rank = std::ssize(*shape_of_input(rewriter.graph(), node));
  const Shape& weights = rewriter.graph().constant_input(node, 1)->shape();
  axis_ = node.type == "Conv" ? 1 : rank - 1;
  if (node.type == "Conv") {
    size_ = weights[1] * node.integer("group", 1);
  } else {
    size_ = weights[node.type == "Gemm" && node.integer("transB", 0) != 0 ? 1 : 0];
  }
  const std::int64_t count = (size_ + block - 1) / block;
  if (count * block != size_) {
    std::vector<std::int64_t> pads(static_cast<std::size_t>(2 * rank), 0);
    pads[static_cast<std::size_t>(rank + axis_)] = count * block - size_;
    whole_ = rewriter_.add_node("Pad", name_ + "_Pad", {whole_, integers("_pads", pads)}, name_ + "_padded");
  }
  // 0 keeps a dimension; those behind the cut one are joined.
  std::vector<std::int64_t> shape(static_cast<std::size_t>(axis_), 0);
  shape.insert(shape.end(), {count, block});
  if (axis_ + 1 < rank) shape.push_back(-1);
  blocks_ = rewriter_.add_node("Reshape", name_ + "_Reshape", {whole_, integers("_blocks_shape", shape)}, name_ + "_blocks");
}

ValueId ActivationBlocks::integers(const std::string& suffix, const std::vector<std::int64_t>& numbers) {
  return rewriter_.add_constant(name_ + suffix, Tensor::of<std::int64_t>({std::ssize(numbers)}, numbers));
}

ValueId ActivationBlocks::largest_magnitudes() {
  const ValueId magnitudes = rewriter_.add_node("Abs", name_ + "_Abs", {blocks_}, name_ + "_magnitudes");
  const std::vector<std::int64_t> axes = {axis_ + 1};
  if (rewriter_.opset() >= axes_input_opset)
    return rewriter_.add_node("ReduceMax", name_ + "_ReduceMax", {magnitudes, integers("_axes", axes)}, name_ + "_largest");
  return rewriter_.add_node("ReduceMax", name_ + "_ReduceMax", {magnitudes}, name_ + "_largest", {attribute("axes", axes)});
}

ValueId ActivationBlocks::round(ValueId blocks, ValueId scales, DataType type) {
  rewriter_.require_opset(type == DataType::float4e2m1 ? float4_opset : block_opset);
  const Attribute axis = attribute("axis", axis_ + 1);
  const Attribute size = attribute("block_size", block_);
  const ValueId codes = rewriter_.add_node("QuantizeLinear", name_ + "_QuantizeLinear", {blocks, scales}, name_ + "_quantized",
                                           {axis, size, attribute("output_dtype", static_cast<std::int64_t>(type))});
  return rewriter_.add_node("DequantizeLinear", name_ + "_DequantizeLinear", {codes, scales}, name_ + "_dequantized", {axis, size});
}

ValueId ActivationBlocks::join(ValueId blocks) {
  const ValueId shape = rewriter_.add_node("Shape", name_ + "_Shape", {whole_}, name_ + "_shape");
  const ValueId joined = rewriter_.add_node("Reshape", name_ + "_join", {blocks, shape}, name_ + "_joined");
  if (size_ % block_ == 0) return joined;
  return rewriter_.add_node("Slice", name_ + "_Slice",
                            {joined, integers("_first", {0}), integers("_end", {size_}), integers("_axis", {axis_})}, name_ + "_cut");
}

}  // namespace titrate::engine
