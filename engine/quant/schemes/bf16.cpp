// bfloat16: the upper half of a float32. Weights are stored in it; unless weights_only the inputs are rounded to it too, by a pair of
// Casts, so that the graph says what is computed: products of two bfloat16 numbers, which are exact in float32, summed up in float32.
// Processors with AVX512-BF16 or AMX do that in one instruction.
#include <cmath>

#include "engine/base/float16.hpp"
#include "engine/quant/schemes/scheme.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {
namespace {

constexpr std::int64_t cast_opset = 13;  // Cast knows bfloat16 from here on

bool needs_calibration(const Scheme&) { return false; }
std::optional<std::string> refusal(const Graph&, const Node&, const Scheme&) { return std::nullopt; }
Scheme effective(const Scheme& scheme, std::int64_t) { return scheme; }

// Half to even; what would round to infinity becomes the largest number there is, with the same sign.
std::uint16_t rounded(float weight) {
  constexpr unsigned infinity = 0x7f80;
  const std::uint16_t bits = bfloat16_from_float(weight);
  return (bits & 0x7fffU) == infinity && std::isfinite(weight) ? static_cast<std::uint16_t>(bits - 1) : bits;
}

Tensor rounded(const Tensor& weights) {
  Tensor result = Tensor::uninitialized(DataType::bfloat16, weights.shape());
  const auto bits = result.mutable_bits<std::uint16_t>();
  const auto elements = weights.data<float>();
  for (std::size_t index = 0; index < elements.size(); ++index) bits[index] = rounded(elements[index]);
  return result;
}

double weight_sqnr_db(const WeightMatrix& weights) {
  std::vector<float> back;
  for (const float element : weights.elements) back.push_back(float_from_bfloat16(rounded(element)));
  const Energies sums = energies(weights, back);
  return signal_to_noise_db(sums.signal, sums.noise);
}

Attribute to_type(DataType type) { return attribute("to", static_cast<std::int64_t>(type)); }

// The Cast to the type that reads a value already, or none.
ValueId existing_cast(const Graph& graph, ValueId value, DataType type) {
  for (const Node& node : graph.nodes) {
    if (node.type == "Cast" && node.domain.empty() && node.inputs[0] == value && node.integer("to", 0) == static_cast<std::int64_t>(type))
      return node.outputs[0];
  }
  return ValueId::none;
}

// `name` is none of the graph's own strings: those move when values are added.
ValueId cast(GraphRewriter& rewriter, ValueId value, DataType type, const std::string& name) {
  if (const ValueId found = existing_cast(rewriter.graph(), value, type); found != ValueId::none) return found;
  return rewriter.add_node("Cast", name + "_Cast", {value}, name, {to_type(type)});
}

// Several layers may read one input: it is rounded once.
ValueId rounded_input(GraphRewriter& rewriter, ValueId input) {
  const std::string name = rewriter.graph()[input].name;
  return cast(rewriter, cast(rewriter, input, DataType::bfloat16, name + "_bfloat16"), DataType::float32, name + "_rounded");
}

ValueId store(GraphRewriter& rewriter, const std::string& name, Tensor weights, NodeDecision& decision) {
  if (const auto equal = rewriter.equal_constant(weights)) {
    decision.remark("tied weights: stored once");
    return *equal;
  }
  decision.stored_bytes = static_cast<std::int64_t>(weights.bytes().size());
  return rewriter.add_shareable_constant(name + "_bfloat16", std::move(weights));
}

// Only the rows that are looked up become float.
void cast_behind(GraphRewriter& rewriter, std::size_t index, ValueId table) {
  const ValueId output = rewriter.graph().nodes[index].outputs[0];
  const std::string name = rewriter.graph()[output].name;
  const ValueId rows = rewriter.add_value(name + "_bfloat16");
  rewriter.graph().nodes[index].inputs[0] = table;
  rewriter.graph().nodes[index].outputs[0] = rows;
  rewriter.add_node_for(output, "Cast", name + "_Cast", {rows}, {to_type(DataType::float32)});
}

void apply(SchemeContext& context, Assignment& assignment) {
  GraphRewriter& rewriter = context.rewriter;
  const auto& scheme = std::get<Bf16Scheme>(assignment.scheme);
  const Node node = rewriter.graph().nodes[assignment.node];
  const ValueId original = node.inputs[weight_input(node)];
  const std::string name = rewriter.graph()[original].name;
  NodeDecision& decision = assignment.decision;
  decision.weight_sqnr_db = weight_sqnr_db(weight_matrix_of(rewriter.graph(), node));
  decision.stored_bytes = 0;
  const ValueId stored = store(rewriter, name, rounded(*rewriter.graph().constant(original)), decision);
  rewriter.require_opset(cast_opset);
  if (is_lookup(node)) {
    decision.remark("its rows are stored in bfloat16 and looked up as float");
    return cast_behind(rewriter, assignment.node, stored);
  }
  const ValueId floats = cast(rewriter, stored, DataType::float32, name + "_rounded");
  rewriter.graph().nodes[assignment.node].inputs[1] = floats;
  if (scheme.weights_only) return;
  const ValueId input = rounded_input(rewriter, node.inputs[0]);
  rewriter.graph().nodes[assignment.node].inputs[0] = input;
}

}  // namespace

const QuantizerRow bf16_scheme{"bf16", needs_calibration, refusal, effective, apply};

}  // namespace titrate::engine
