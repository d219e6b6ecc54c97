// Cross-layer equalization: between two layers with nothing but positively homogeneous operators between, each channel's range of weights
// becomes the same on both sides (algorithms B2; arXiv 1906.04721).
#include <algorithm>
#include <cmath>

#include "engine/base/text.hpp"
#include "engine/config/overrides.hpp"
#include "engine/quant/scaling/fold.hpp"
#include "engine/quant/scaling/site.hpp"
#include "engine/quant/stages/stage.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {
namespace {

// Chains of layers converge by a factor of four a round.
constexpr int most_rounds = 40;
constexpr double converged = 1e-6;
// A channel that would change by more than this is nearly dead on one side: it is left as it is.
constexpr float most_factor = 1e3F;

std::vector<float> largest_by_output_channel(const Graph& graph, const Node& node) {
  const WeightMatrix weights = weight_matrix_of(graph, node);
  std::vector<float> largest(static_cast<std::size_t>(weights.rows));
  for (std::int64_t row = 0; row < weights.rows; ++row) {
    for (const float element : weights.row(row))
      largest[static_cast<std::size_t>(row)] = std::max(largest[static_cast<std::size_t>(row)], std::fabs(element));
  }
  return largest;
}

bool is_layer(const Node& node) { return node.type == "Conv" || node.type == "Gemm" || node.type == "MatMul"; }

// Where a site's factors go to a layer that takes part too. An Add of a constant between layers is a bias: it is scaled with them.
std::optional<Fold> pair_of(const Graph& graph, const Uses& uses, const ScalingSite& site,
                            const std::function<bool(const Node&)>& takes_part) {
  if (!site.alone) return std::nullopt;
  const auto fold = find_fold(graph, uses, site.input, site.axis);
  if (!fold || !is_layer(graph.nodes[fold->producer]) || !takes_part(graph.nodes[fold->producer])) return std::nullopt;
  return fold;
}

// sqrt(r1 / r2) for each channel: dividing what comes before and multiplying what comes behind makes both ranges sqrt(r1 r2).
std::vector<float> factors_of(const Graph& graph, const Fold& fold, const ScalingSite& site) {
  const std::vector<float> before = largest_by_output_channel(graph, graph.nodes[fold.producer]);
  std::vector<float> behind(before.size());
  for (const std::size_t reader : site.readers) {
    const std::vector<float> own = largest_by_input_channel(graph, graph.nodes[reader]);
    for (std::size_t channel = 0; channel < behind.size(); ++channel) behind[channel] = std::max(behind[channel], own[channel]);
  }
  std::vector<float> factors(before.size(), 1.0F);
  for (std::size_t channel = 0; channel < factors.size(); ++channel) {
    if (before[channel] == 0 || behind[channel] == 0) continue;
    const float factor = std::sqrt(before[channel] / behind[channel]);
    if (factor <= most_factor && factor >= 1 / most_factor) factors[channel] = factor;
  }
  return factors;
}

void prepare(StageContext& context, const Stage&) {
  const SchemeChooser choose(context.config);
  const auto takes_part = [&](const Node& node) { return stage_of<EqualizeStage>(choose.stages(node.name, node.type)) != nullptr; };
  Graph& graph = context.model.graph;
  const std::vector<ScalingSite> sites = scaling_sites(graph, takes_part);
  const Uses uses(graph);
  std::vector<std::pair<ScalingSite, Fold>> pairs;
  for (const ScalingSite& site : sites) {
    const auto fold = pair_of(graph, uses, site, takes_part);
    for (const std::size_t reader : site.readers) {
      context.remarks[graph.nodes[reader].name].push_back(fold ? cat("equalized with '", graph.nodes[fold->producer].name, "'")
                                                               : "not equalized: no layer before it that its factors could move to");
    }
    if (fold) pairs.emplace_back(site, *fold);
  }
  for (int round = 0; round < most_rounds; ++round) {
    double change = 0;
    for (const auto& [site, fold] : pairs) {
      const std::vector<float> factors = factors_of(graph, fold, site);
      for (const float factor : factors) change = std::max(change, std::fabs(std::log(static_cast<double>(factor))));
      (void)scale_site(context.model, site, factors, WithoutFold::leave);
    }
    if (change < converged) break;
  }
  remove_unused(graph);
}

}  // namespace

const StageImplementation equalize_stage{"equalize", false, prepare};

}  // namespace titrate::engine
