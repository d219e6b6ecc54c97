#include "engine/quant/constant_cones.hpp"

#include "engine/passes/evaluate.hpp"

namespace titrate::engine {

const Tensor* ConstantCones::find(ValueId id) {
  if (id == ValueId::none) return nullptr;
  if (const Tensor* constant = model_.graph.constant(id)) return constant;
  const auto known = known_.find(id);
  const auto place = known != known_.end() ? known : known_.emplace(id, computed(id)).first;
  return place->second ? &*place->second : nullptr;
}

std::optional<Tensor> ConstantCones::computed(ValueId id) {
  const int producer = uses_.producer(id);
  if (producer < 0) return std::nullopt;
  const Node& node = model_.graph.nodes[static_cast<std::size_t>(producer)];
  if (auto constant = constant_of(node)) return constant;
  std::vector<Operand> operands;
  std::size_t bytes = std::size_t{1} << 20;
  for (const ValueId input : node.inputs) {
    const Tensor* tensor = find(input);
    if (tensor == nullptr && input != ValueId::none) return std::nullopt;
    // 2-bit codes become sixteen times as many bytes.
    if (tensor != nullptr) bytes += 32 * tensor->bytes().size();
    operands.push_back(operand_of(tensor));
  }
  if (operands.empty()) return std::nullopt;
  const auto outputs = evaluate(node, model_.opset(node.domain), operands, bytes);
  if (!outputs) return std::nullopt;
  for (std::size_t index = 0; index < node.outputs.size(); ++index) {
    if (node.outputs[index] == id) return (*outputs)[index];
  }
  return std::nullopt;
}

const Tensor* ConstantCones::codes(ValueId id) const {
  while (id != ValueId::none) {
    const int producer = uses_.producer(id);
    if (producer < 0) return nullptr;
    const Node& node = model_.graph.nodes[static_cast<std::size_t>(producer)];
    if (node.type == "DequantizeLinear") return model_.graph.constant_input(node, 0);
    id = node.inputs.empty() ? ValueId::none : node.inputs[0];
  }
  return nullptr;
}

}  // namespace titrate::engine
