// DQ -> an operator that moves values -> Q with the same parameters becomes the operator on codes.
#include "engine/passes/lower/movement.hpp"

#include <algorithm>
#include <array>

#include "engine/base/text.hpp"
#include "engine/passes/lower/table.hpp"

namespace titrate::engine::lowering {

namespace {

// They compare codes, so that a scale below 0 would turn the order.
bool compares(const Node& node) { return node.type == "MaxPool" || node.type == "ReduceMax" || node.type == "ReduceMin"; }

Refusal attribute_refusal(const Node& node, std::int64_t opset) {
  if (node.type == "Resize") {
    const std::string mode = node.text("mode", "nearest");
    if (mode != "nearest") return cat("Resize ", visible(mode), " computes new values; only nearest moves integers");
  }
  if (node.type != "MaxPool") return std::nullopt;
  if (opset < 12) return "MaxPool takes integers from opset 12 on";
  if (node.outputs.size() > 1) return "its second output gives positions";
  return std::nullopt;
}

Refusal difference(const Node& node, const Quantizer& input, const Quantizer& output) {
  const auto moves = cat(", and ", node.type, " only moves integers");
  if (input.type != output.type) return cat("output type ", name_of(output.type), " differs from input type ", name_of(input.type), moves);
  if (input.scale_of(0) != output.scale_of(0)) {
    return cat("output scale ", number_text(output.scale_of(0)), " differs from input scale ", number_text(input.scale_of(0)), moves);
  }
  if (input.zero_point_of(0) != output.zero_point_of(0))
    return cat("output zero point ", output.zero_point_of(0), " differs from input zero point ", input.zero_point_of(0), moves);
  return std::nullopt;
}

}  // namespace

bool is_crossed(const Node& node, std::int64_t opset) {
  constexpr std::array<std::string_view, 6> types = {"MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice"};
  return node.domain.empty() && std::ranges::find(types, node.type) != types.end() && !attribute_refusal(node, opset);
}

Refusal movement(Lowering& lowering, std::size_t index) {
  const Node node = lowering.graph().nodes[index];
  if (const Refusal refusal = attribute_refusal(node, lowering.opset())) return refusal;
  const Checked<Quantizer> input = lowering.dequantized(node, 0);
  if (!input) return input.why();
  if (!input->per_tensor()) return "its input has a scale for each channel";
  const int bits = bits_of(input->type);
  if (bits != 8 && (bits != 16 || compares(node))) return cat("codes of type ", name_of(input->type));
  if (compares(node) && !(input->scale_of(0) > 0)) return "its scale is not positive";
  Node lowered = node;
  lowered.inputs[0] = input->codes;
  for (ValueId& id : lowered.outputs) {
    if (id == ValueId::none) continue;
    const Checked<std::size_t> behind = lowering.quantize_behind(id);
    if (!behind) return behind.why();
    const Checked<Quantizer> output = read_quantizer(lowering.graph(), lowering.graph().nodes[*behind], DataType::undefined);
    if (!output) return output.why();
    if (!output->per_tensor()) return "its output has a scale for each channel";
    if (const Refusal refusal = difference(node, *input, *output)) return refusal;
    id = output->codes;
  }
  lowering.replace(index, std::move(lowered));
  return std::nullopt;
}

}  // namespace titrate::engine::lowering
