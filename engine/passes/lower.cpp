#include "engine/passes/lower.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/ops/bf16_product.hpp"
#include "engine/passes/constant_nodes.hpp"
#include "engine/passes/fold_constants.hpp"
#include "engine/passes/infer_shapes.hpp"
#include "engine/passes/lower/absorb_activations.hpp"
#include "engine/passes/lower/bf16.hpp"
#include "engine/passes/lower/cancel_quantizers.hpp"
#include "engine/passes/lower/carry_quantizers.hpp"
#include "engine/passes/lower/lowering.hpp"
#include "engine/passes/lower/multiply_accumulates.hpp"
#include "engine/passes/lower/table.hpp"
#include "engine/passes/saturate_products.hpp"
#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {
namespace {

using namespace lowering;  // NOLINT(google-build-using-namespace): the parts of this pass

bool is_integer_operator(const Node& node) {
  constexpr std::array<std::string_view, 5> more = {"QGemm", "MatMulInteger", "ConvInteger", "MatMulIntegerToFloat",
                                                    "DynamicQuantizeMatMul"};
  return node.type.starts_with("QLinear") || std::ranges::find(more, node.type) != more.end();
}

bool is_quantizer(const Node& node) { return is_quantize(node) || is_dequantize(node) || node.type == "DynamicQuantizeLinear"; }

// It reads what was dequantized from activations, or writes what is quantized. Weights that are only stored small do not count.
bool lies_between_quantizers(const Graph& graph, const Uses& uses, const Node& node) {
  const auto from_activation = [&](ValueId id) {
    const int producer = uses.producer(id);
    if (producer < 0) return false;
    const Node& made_by = graph.nodes[static_cast<std::size_t>(producer)];
    return is_dequantize(made_by) && graph.constant(made_by.inputs[0]) == nullptr;
  };
  const auto is_quantized = [&](ValueId id) {
    return id != ValueId::none &&
           std::ranges::any_of(uses.readers(id), [&](int reader) { return is_quantize(graph.nodes[static_cast<std::size_t>(reader)]); });
  };
  return std::ranges::any_of(node.inputs, from_activation) || std::ranges::any_of(node.outputs, is_quantized);
}

// Types and shapes for a sample of these shapes, or with open sizes of 1; where those contradict each other, what is known without them.
std::vector<ValueInfo> known_types(const Model& model, std::span<const Shape> sample_shapes = {}) {
  const auto infer = [&](std::span<const Shape> shapes) {
    const Inference inference = infer_values(model, shapes, OnFault::leave_unknown);
    std::vector<ValueInfo> types;
    for (const KnownValue& value : inference.of(model.graph)) types.push_back(value.info);
    return types;
  };
  try {
    return sample_shapes.empty() ? infer(single_sample_shapes(model)) : infer(sample_shapes);
  } catch (const Error&) {  // an input of unknown rank, or sizes that do not fit
  }
  try {
    return infer({});
  } catch (const Error&) {
    return std::vector<ValueInfo>(model.graph.values.size());
  }
}

void list_body(const Graph& body, const std::string& owner, LoweringReport& report) {
  for (const Node& node : body.nodes) {
    if (multiplies_and_accumulates(node)) {
      const bool integer = is_integer_operator(node);
      report.nodes.push_back({.name = node.name,
                              .type = node.type,
                              .integer = integer,
                              .reason = integer ? "" : cat("inside the body of ", owner, ": patterns are not looked for there"),
                              .multiply_accumulates = std::nullopt});
    }
    for_each_body(node, [&](const Graph& inner) { list_body(inner, owner, report); });
  }
}

// What the report is about, before anything is changed. Reasons come later.
LoweringReport list_nodes(const Model& model, std::span<const Shape> sample_shapes) {
  const Graph& graph = model.graph;
  const Uses uses(graph);
  const std::vector<ValueInfo> types = known_types(model, sample_shapes);
  LoweringReport report;
  for (const Node& node : graph.nodes) {
    const bool integer = is_integer_operator(node);
    const bool counts = !is_quantizer(node) && (multiplies_and_accumulates(node) || integer || lies_between_quantizers(graph, uses, node));
    if (counts) {
      report.nodes.push_back({.name = node.name,
                              .type = node.type,
                              .integer = integer,
                              .reason = {},
                              .multiply_accumulates = multiply_accumulates(graph, node, types)});
    }
    for_each_body(node, [&](const Graph& body) { list_body(body, quoted(node), report); });
  }
  return report;
}

struct Outcome {
  bool integer = false;
  std::string reason;
};

std::string without_row(const Node& node) {
  if (node.type == "MatMulNBits") return "weights only: its activations are float";
  return cat(visible(node.type), " has no integer form");
}

// Runs the rules over the graph; what came out of each node by its name.
std::map<std::string, Outcome> apply_rules(Model& model, std::size_t& rewrites) {
  std::map<std::string, Outcome> outcomes;
  std::vector<ValueInfo> types = known_types(model);
  Lowering lowering(model, std::move(types));
  const std::size_t count = model.graph.nodes.size();
  for (std::size_t index = 0; index < count; ++index) {
    const std::string name = model.graph.nodes[index].name;
    if (lowering.is_settled(index)) continue;
    const Row* row = lowering::find_row(model.graph.nodes[index]);
    const Refusal refusal = row == nullptr ? Refusal(without_row(model.graph.nodes[index])) : row->lower(lowering, index);
    outcomes[name] = {.integer = !refusal, .reason = refusal.value_or("")};
  }
  for (std::size_t index = 0; index < count; ++index) {
    if (lowering.is_settled(index)) outcomes[model.graph.nodes[index].name] = {.integer = true, .reason = lowering.remark(index)};
  }
  rewrites += lowering.finish();
  return outcomes;
}

// Until nothing moves any more: an activation is found behind what a quantizer was carried across.
std::size_t bring_quantizers_together(Model& model, std::set<std::string>& absorbed) {
  std::size_t count = 0;
  for (std::size_t round = 1; round > 0;) {
    round = absorb_activations(model, absorbed) + carry_quantizers(model);
    count += round;
  }
  return count;
}

void fill_in(LoweringReport& report, const std::map<std::string, Outcome>& outcomes, const std::set<std::string>& absorbed) {
  for (LoweredNode& node : report.nodes) {
    if (node.integer || !node.reason.empty()) continue;
    if (absorbed.contains(node.name)) {
      node.integer = true;
      node.reason = "the quantizer behind it does what it does";
    } else if (const auto found = outcomes.find(node.name); found != outcomes.end()) {
      node.integer = found->second.integer;
      node.reason = found->second.reason;
    } else {
      node.integer = false;
      node.reason = "its result is constant";
    }
  }
}

void mark_saturation(LoweringReport& report, const Graph& graph) {
  std::set<std::string> names;
  for (const Node& node : graph.nodes) {
    if (can_saturate(graph, node)) names.insert(node.name);
  }
  for (LoweredNode& node : report.nodes) node.can_saturate = names.contains(node.name);
}

void fill_in(LoweringReport& report, const std::map<std::string, Bf16Outcome>& outcomes) {
  for (LoweredNode& node : report.nodes) {
    const auto found = outcomes.find(node.name);
    if (found == outcomes.end()) continue;
    node.bfloat16 = found->second.computes;
    node.reason = node.bfloat16 ? "multiplies bfloat16 numbers" : found->second.reason;
    report.rewrites += node.bfloat16 ? 1 : 0;
  }
}

bool holds_bfloat16(const Graph& graph) {
  return std::ranges::any_of(graph.values,
                             [](const Value& value) { return value.constant && value.constant->type() == DataType::bfloat16; });
}

// Of the known multiply-accumulates.
std::optional<double> share_of(const std::vector<LoweredNode>& nodes, bool LoweredNode::*which) {
  double all = 0;
  double some = 0;
  for (const LoweredNode& node : nodes) {
    const auto count = static_cast<double>(node.multiply_accumulates.value_or(0));
    all += count;
    if (node.*which) some += count;
  }
  return all > 0 ? std::optional(some / all) : std::nullopt;
}

bool holds_quantizers(const Graph& graph) {
  return std::ranges::any_of(graph.nodes, [](const Node& node) { return is_quantizer(node) || node.type == "MatMulInteger"; });
}

}  // namespace

std::optional<double> LoweringReport::integer_coverage() const { return share_of(nodes, &LoweredNode::integer); }
std::optional<double> LoweringReport::bfloat16_coverage() const { return share_of(nodes, &LoweredNode::bfloat16); }

LoweringReport lower(Model& model, std::span<const Shape> sample_shapes) {
  LoweringReport report = list_nodes(model, sample_shapes);
  if (holds_bfloat16(model.graph)) fill_in(report, lower_bf16(model, known_types(model), ops::has_bf16_instructions()));
  if (!holds_quantizers(model.graph)) {
    remove_unused(model.graph);
    mark_saturation(report, model.graph);
    for (LoweredNode& node : report.nodes) {
      if (!node.integer && node.reason.empty()) node.reason = "the model has no quantizers";
    }
    return report;
  }
  report.rewrites += constant_nodes_to_initializers(model) + fold_constants(model);
  std::set<std::string> absorbed;
  report.rewrites += bring_quantizers_together(model, absorbed);
  const std::map<std::string, Outcome> outcomes = apply_rules(model, report.rewrites);
  sort_nodes(model.graph);
  report.rewrites += cancel_quantizers(model);
  remove_unused(model.graph);
  verify(model.graph);
  fill_in(report, outcomes, absorbed);
  mark_saturation(report, model.graph);
  return report;
}

}  // namespace titrate::engine
