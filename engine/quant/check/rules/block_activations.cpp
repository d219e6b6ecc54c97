// MatMulNBits with accuracy level 4 rounds its activations to 8 bits for each block. ONNX Runtime makes such a product of stored weights in
// front of a MatMul or Gemm by itself (pull requests 21180, 27614, 27769); 2-bit weights stay exact.
#include <bit>

#include "engine/base/text.hpp"
#include "engine/quant/check/rule.hpp"

namespace titrate::engine {
namespace {

// Blocks of a power of two along K, a scale for each column, or one for all.
bool is_fused_form(const Graph& graph, const Node& dequantize) {
  const Tensor* codes = graph.constant_input(dequantize, 0);
  const Tensor* scales = graph.constant_input(dequantize, 1);
  if (codes == nullptr || scales == nullptr || codes->rank() != 2 || !is_integer(codes->type())) return false;
  if (bits_of(codes->type()) != 4 && bits_of(codes->type()) != 8) return false;
  const std::int64_t given = dequantize.integer("axis", 1);
  const std::int64_t axis = given < 0 ? given + 2 : given;
  const auto block = static_cast<std::uint64_t>(dequantize.integer("block_size", 0));
  if (block != 0) return axis == 0 && block >= 16 && std::has_single_bit(block);
  return scales->elements() == 1 || axis == 1;
}

bool becomes_block_product(const CheckedModel& model, const Node& node) {
  if (!node.domain.empty() || (node.type != "MatMul" && node.type != "Gemm") || !node.has_input(1)) return false;
  if (node.type == "Gemm") {
    const bool plain = node.number("alpha", 1) == 1 && node.number("beta", 1) == 1;
    if (!plain || node.integer("transA", 0) != 0 || node.integer("transB", 0) != 0) return false;
  }
  const Node* dequantize = model.producer(node.inputs[1]);
  if (dequantize == nullptr || !lowering::is_dequantize(*dequantize) || model.only_reader(dequantize->outputs[0]) == nullptr) return false;
  return !model.reads_quantized_activation(node, 0) && is_fused_form(model.graph(), *dequantize);
}

void find(CheckedModel& model, std::vector<Finding>& findings) {
  if (!model.target().onnxruntime) return;
  for (const Node& node : model.graph().nodes) {
    const bool asked = node.type == "MatMulNBits" && node.integer("accuracy_level", 0) == 4;
    if (!asked && !becomes_block_product(model, node)) continue;
    findings.push_back(
        {.severity = asked ? Severity::note : Severity::warning,
         .node = node.name,
         .type = node.type,
         .rule = std::string(block_activations_rule.name),
         .words = asked ? "accuracy_level 4: its activations are rounded to 8 bits"
                        : "the runtime makes a MatMulNBits of it whose activations are rounded to 8 bits (accuracy level 4)",
         .hint = asked ? "accuracy_level 1 keeps them float"
                       : "store the weights behind a Transpose, or set session.qdq_matmulnbits_accuracy_level to 1 in the session"});
  }
}

}  // namespace

const RuleRow block_activations_rule{"block_activations", "activations that MatMulNBits rounds to 8 bits", false, find};

}  // namespace titrate::engine
