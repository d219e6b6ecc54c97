#include "engine/quant/assignment.hpp"

#include "engine/base/text.hpp"
#include "engine/config/overrides.hpp"
#include "engine/quant/node_selection.hpp"
#include "engine/quant/schemes/scheme.hpp"
#include "engine/quant/targets/fit_scheme.hpp"
#include "engine/quant/targets/model_type.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {
namespace {

bool is_candidate(const Graph& graph, const Node& node) {
  if (is_lookup(node)) {
    const Tensor* table = graph.constant_input(node, 0);
    return table != nullptr && table->type() == DataType::float32 && table->rank() >= 2;
  }
  return node.domain.empty() && (node.type == "Conv" || node.type == "ConvTranspose" || node.type == "Gemm" || node.type == "MatMul");
}

// The type of the node that alone reads a node's output; "" if there are several.
std::string_view type_behind(const Graph& graph, const Uses& uses, const Node& node) {
  const ValueId output = node.outputs[0];
  if (uses.is_output(output) || uses.readers(output).size() != 1) return {};
  return graph.nodes[static_cast<std::size_t>(uses.readers(output)[0])].type;
}

// Sets the scheme that acts, and the reason where it is not the one that was asked for.
void settle(const Graph& graph, const Node& node, const Scheme& asked, const FittedScheme& fitted, const Target& target,
            Assignment& assignment) {
  NodeDecision& decision = assignment.decision;
  const auto keep_float = [&](const std::string& reason) { leave_float(assignment, reason); };
  if (std::holds_alternative<FloatScheme>(asked)) return keep_float("the config leaves it float");
  if (fitted.refusal && target.leaves_attention_float) return keep_float(*fitted.refusal);
  if (const auto refusal = weight_refusal(graph, node)) return keep_float(*refusal);
  const QuantizerRow& row = implementation_of(asked);
  if (const auto refusal = row.refusal(graph, node, asked)) return keep_float(*refusal);
  if (fitted.refusal) return keep_float(*fitted.refusal);
  const Scheme& wanted = fitted.scheme;
  const Tensor& weights = *graph.constant_input(node, weight_input(node));
  const bool rows_first = is_lookup(node) || node.type == "Conv" || (node.type == "Gemm" && node.integer("transB", 0) != 0);
  const std::int64_t columns = weights.elements() / weights.shape()[rows_first ? 0 : 1];
  assignment.scheme = row.effective(wanted, columns);
  decision.scheme = to_text(assignment.scheme);
  if (!fitted.remark.empty()) decision.remark(fitted.remark);
  if (assignment.scheme != wanted) decision.remark(cat("one group holds all ", columns, " weights of a channel"));
}

// Names a reader of the table that stays float, or ""; a graph output is one too.
std::string float_reader_of(const Graph& graph, const Uses& uses, ValueId table, const std::vector<Assignment>& assignments) {
  if (uses.is_output(table)) return "the model's outputs";
  for (const int reader : uses.readers(table)) {
    const auto index = static_cast<std::size_t>(reader);
    const auto found = std::ranges::find(assignments, index, &Assignment::node);
    const Node& node = graph.nodes[index];
    const bool as_weights = found != assignments.end() && node.inputs[weight_input(node)] == table;
    if (!as_weights || std::holds_alternative<FloatScheme>(found->scheme)) return cat("'", visible(node.name), "'");
  }
  return {};
}

void leave_shared_tables_float(const Graph& graph, const Uses& uses, std::vector<Assignment>& assignments) {
  for (Assignment& assignment : assignments) {
    const Node& node = graph.nodes[assignment.node];
    if (!is_lookup(node) || std::holds_alternative<FloatScheme>(assignment.scheme)) continue;
    const std::string reader = float_reader_of(graph, uses, node.inputs[0], assignments);
    if (!reader.empty()) leave_float(assignment, cat("its table stays float for ", reader, ": codes would only add to it"));
  }
}

}  // namespace

void leave_float(Assignment& assignment, const std::string& reason) {
  assignment.scheme = FloatScheme{};
  assignment.decision.scheme = "float";
  assignment.decision.stored_bytes = assignment.decision.float_bytes;
  assignment.decision.weight_sqnr_db = 0;
  assignment.decision.remark(reason);
}

std::vector<Assignment> assign(const Graph& graph, const Config& unresolved, const Target& target) {
  const Config config = resolve_selectors(graph, unresolved);
  const Uses uses(graph);
  const SchemeChooser choose(config);
  std::vector<Assignment> assignments;
  for (std::size_t index = 0; index < graph.nodes.size(); ++index) {
    const Node& node = graph.nodes[index];
    if (!is_candidate(graph, node)) continue;
    Assignment assignment{.node = index, .scheme = {}, .decision = {}};
    assignment.decision.name = node.name;
    assignment.decision.type = node.type;
    const Tensor* weights = graph.constant_input(node, weight_input(node));
    if (weights != nullptr) assignment.decision.float_bytes = static_cast<std::int64_t>(weights->bytes().size());
    const Scheme& asked = choose(node.name, node.type);
    FittedScheme fitted = fit_scheme(target, node.type, type_behind(graph, uses, node), asked);
    if (target.leaves_attention_float) {
      if (auto refusal = attention_refusal(graph, uses, node)) fitted.refusal = std::move(refusal);
    }
    if (is_lookup(node) && !std::holds_alternative<FloatScheme>(asked) && choose.override_for(node.name, node.type) == nullptr) {
      leave_float(assignment, "a lookup: quantized where an override chooses it (type:Gather = rtn(bits=8,group_size=-1))");
    } else {
      settle(graph, node, asked, fitted, target, assignment);
    }
    assignments.push_back(std::move(assignment));
  }
  leave_shared_tables_float(graph, uses, assignments);
  return assignments;
}

std::string assignment_key(const std::vector<Assignment>& assignments, const Config& config) {
  const SchemeChooser choose(config);
  std::string key;
  for (const Assignment& assignment : assignments) {
    const NodeDecision& decision = assignment.decision;
    key += cat(decision.name.size(), ":", decision.name, "=");
    for (const Stage& stage : choose.stages(decision.name, decision.type)) key += cat(to_text(stage), "+");
    key += cat(decision.scheme, ";");
  }
  return key;
}

}  // namespace titrate::engine
