// Sums of two neighbouring products that 16 bits do not hold: on x86 processors without VNNI they saturate. Exactly, from the weights.
#include "engine/base/text.hpp"
#include "engine/passes/saturate_products.hpp"
#include "engine/quant/check/rule.hpp"

namespace titrate::engine {
namespace {

void find(CheckedModel& model, std::vector<Finding>& findings) {
  if (!model.target().onnxruntime) return;
  const bool here = model.target().pair_sum_bits == 16;
  for (const Node& node : model.lowered_graph().nodes) {
    if (!can_saturate(model.lowered_graph(), node)) continue;
    const Node* original = model.graph().find_node(node.name);
    findings.push_back({.severity = here ? Severity::warning : Severity::note,
                        .node = node.name,
                        .type = original == nullptr ? node.type : original->type,
                        .rule = std::string(pair_saturation_rule.name),
                        .words = cat("two of its products add up to ", *largest_pair_sum(model.lowered_graph(), node), " at most; beyond ",
                                     largest_16_bit_sum, " x86 processors without VNNI saturate"),
                        .hint = "weights of 7 bits avoid it: static_int8(reduce_range=true); eval --saturate tells whether it matters"});
  }
}

}  // namespace

const RuleRow pair_saturation_rule{"pair_saturation", "sums of two products that 16 bits do not hold", false, find};

}  // namespace titrate::engine
