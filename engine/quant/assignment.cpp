#include "engine/quant/assignment.hpp"

#include "engine/base/text.hpp"
#include "engine/quant/schemes/scheme.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {
namespace {

bool is_candidate(const Node& node) {
  return node.domain.empty() && (node.type == "Conv" || node.type == "ConvTranspose" || node.type == "Gemm" || node.type == "MatMul");
}

// Sets the scheme that acts, and the reason where it is not the one that was asked for.
void settle(const Graph& graph, const Node& node, const Scheme& wanted, Assignment& assignment) {
  NodeDecision& decision = assignment.decision;
  const auto keep_float = [&](const std::string& reason) {
    assignment.scheme = FloatScheme{};
    decision.scheme = "float";
    decision.stored_bytes = decision.float_bytes;
    decision.remark(reason);
  };
  if (std::holds_alternative<FloatScheme>(wanted)) return keep_float("the config leaves it float");
  if (const auto refusal = weight_refusal(graph, node)) return keep_float(*refusal);
  const QuantizerRow& row = implementation_of(wanted);
  if (const auto refusal = row.refusal(graph, node, wanted)) return keep_float(*refusal);
  const Tensor& weights = *graph.constant_input(node, 1);
  const bool rows_first = node.type == "Conv" || (node.type == "Gemm" && node.integer("transB", 0) != 0);
  const std::int64_t columns = weights.elements() / weights.shape()[rows_first ? 0 : 1];
  assignment.scheme = row.effective(wanted, columns);
  decision.scheme = to_text(assignment.scheme);
  if (assignment.scheme != wanted) decision.remark(cat("one group holds all ", columns, " weights of a channel"));
}

}  // namespace

std::vector<Assignment> assign(const Graph& graph, const Config& config) {
  std::vector<Assignment> assignments;
  for (std::size_t index = 0; index < graph.nodes.size(); ++index) {
    const Node& node = graph.nodes[index];
    if (!is_candidate(node)) continue;
    Assignment assignment{.node = index, .scheme = {}, .decision = {}};
    assignment.decision.name = node.name;
    assignment.decision.type = node.type;
    const Tensor* weights = graph.constant_input(node, 1);
    if (weights != nullptr) assignment.decision.float_bytes = static_cast<std::int64_t>(weights->bytes().size());
    settle(graph, node, scheme_for(config, node.name, node.type), assignment);
    assignments.push_back(std::move(assignment));
  }
  return assignments;
}

std::string assignment_key(const std::vector<Assignment>& assignments) {
  std::string key;
  for (const Assignment& assignment : assignments)
    key += cat(assignment.decision.name.size(), ":", assignment.decision.name, "=", assignment.decision.scheme, ";");
  return key;
}

}  // namespace titrate::engine
