#include "engine/quant/convert.hpp"

#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/config/overrides.hpp"
#include "engine/passes/infer_shapes.hpp"
#include "engine/passes/raise_opset.hpp"
#include "engine/passes/table.hpp"
#include "engine/quant/absorb_bias.hpp"
#include "engine/quant/finish_model.hpp"
#include "engine/quant/insert_quantizers.hpp"
#include "engine/quant/node_selection.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {
namespace {

// Per-channel QuantizeLinear and DequantizeLinear begin here.
constexpr std::int64_t per_channel_opset = 13;

[[noreturn]] void refuse_nothing_quantized(const Config& config, const std::vector<Assignment>& assignments) {
  std::string reasons;
  for (const Assignment& assignment : assignments) {
    if (reasons.size() < 300)
      reasons += cat(reasons.empty() ? "" : ", ", visible(assignment.decision.name), ": ", assignment.decision.reason);
  }
  if (assignments.empty()) reasons = "the graph has no Conv, Gemm or MatMul outside the bodies of its control flow";
  throw_invalid(cat("the config ", to_text(config), " quantizes nothing: ", reasons), {},
                "choose a scheme that serves this model's operators");
}

// An override that says float was meant; a scheme that serves no layer was not.
bool quantizes_something_or_is_told_not_to(const Graph& graph, const Config& config, const std::vector<Assignment>& assignments) {
  const SchemeChooser choose(config);
  const auto is_float = [](const Scheme& scheme) { return std::holds_alternative<FloatScheme>(scheme); };
  const auto told = [&](const Assignment& each) {
    const Node& node = graph.nodes[each.node];
    return is_float(choose(node.name, node.type));
  };
  // Nobody asked for these.
  const auto is_unchosen_lookup = [&](const Assignment& each) {
    const Node& node = graph.nodes[each.node];
    return is_lookup(node) && choose.override_for(node.name, node.type) == nullptr;
  };
  if (std::any_of(assignments.begin(), assignments.end(), [&](const Assignment& each) { return !is_float(each.scheme); })) return true;
  return !is_float(config.scheme) && !std::ranges::all_of(assignments, is_unchosen_lookup) &&
         std::ranges::all_of(assignments, [&](const Assignment& each) { return is_unchosen_lookup(each) || told(each); });
}

// Puts back the float table of a Gather for which codes and scales take no fewer bytes.
void apply(SchemeContext& context, Assignment& assignment) {
  const Node before = context.rewriter.graph().nodes[assignment.node];
  implementation_of(assignment.scheme).apply(context, assignment);
  const NodeDecision& decision = assignment.decision;
  if (!is_lookup(before) || decision.scheme == "float" || decision.stored_bytes < decision.float_bytes) return;
  context.rewriter.graph().nodes[assignment.node] = before;
  leave_float(assignment, cat("its codes and scales would take ", decision.stored_bytes, " bytes, its floats take ", decision.float_bytes));
}

}  // namespace

Model prepare_float_model(Model model) {
  run_passes(model);
  if (model.opset() < per_channel_opset) raise_opset(model, static_cast<int>(per_channel_opset));
  infer_shapes(model);
  return model;
}

bool needs_calibration(const Model& prepared, const Config& config, const Target& target) {
  const std::vector<Assignment> assignments = assign(prepared.graph, config, target);
  return std::any_of(assignments.begin(), assignments.end(), [](const Assignment& assignment) {
    return implementation_of(assignment.scheme).needs_calibration(assignment.scheme);
  });
}

bool quantizes_anything(const Conversion& conversion) {
  return std::any_of(conversion.decisions.begin(), conversion.decisions.end(),
                     [](const NodeDecision& decision) { return decision.scheme != "float"; });
}

Conversion convert(const Model& prepared, const Config& unresolved, const CalibrationStatistics& statistics,
                   const WeightSolutions& solutions, WeightForm form, const Target& target) {
  const Config config = resolve_selectors(prepared.graph, unresolved);
  Model model = prepared;
  absorb_bias(model, config, target);
  std::vector<Assignment> assignments = assign(model.graph, config, target);
  if (!quantizes_something_or_is_told_not_to(model.graph, config, assignments)) refuse_nothing_quantized(config, assignments);
  const ActivationPlacement placement = place_activations(model.graph, assignments, statistics, target);
  GraphRewriter rewriter(std::move(model));
  SchemeContext context{.rewriter = rewriter, .placement = placement, .solutions = solutions, .form = form, .target = target};
  for (Assignment& assignment : assignments) apply(context, assignment);
  protect_float_nodes(rewriter, assignments, placement, target);
  insert_quantizers(rewriter, placement);
  Conversion conversion{.model = finish_model(rewriter, target), .decisions = {}};
  for (Assignment& assignment : assignments) conversion.decisions.push_back(std::move(assignment.decision));
  return conversion;
}

}  // namespace titrate::engine
