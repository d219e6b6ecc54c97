// Puts QuantizeLinear and DequantizeLinear on the edges of a plan, and stores its constants as codes.
#pragma once

#include <string>
#include <vector>

#include "engine/quant/edges/edge_plan.hpp"
#include "engine/quant/graph_rewriter.hpp"

namespace titrate::engine {

/// `quantizations`: one for each item of the plan. Edges of one value with equal parameters read one DequantizeLinear. Returns what there
/// is to say about values: codes that saturate.
[[nodiscard]] std::vector<std::string> quantize_edges(GraphRewriter& rewriter, const EdgePlan& plan,
                                                      const std::vector<EdgeQuantization>& quantizations);

}  // namespace titrate::engine
