// quantize() of the public interface: annotations, statistics, parameters, graph.
#include <omp.h>

#include <algorithm>
#include <set>

#include "engine/base/text.hpp"
#include "engine/quant/convert.hpp"
#include "engine/quant/edges/built_in.hpp"
#include "engine/quant/edges/edge_plan.hpp"
#include "engine/quant/edges/edge_rewriter.hpp"
#include "engine/quant/finish_model.hpp"
#include "tuner/calibration.hpp"
#include "tuner/model_parts.hpp"
#include "tuner/titrate.hpp"

namespace titrate {
namespace {

engine::CalibrationStatistics statistics_for(const engine::Model& prepared, const engine::EdgePlan& plan, const Data* calibration) {
  const std::set<std::string> observed = plan.observed();
  if (observed.empty()) return {};
  if (calibration == nullptr) {
    throw_invalid(cat("the ranges of ", observed.size(), " activations are unknown: there are no calibration data"), "quantize()",
                  "give data, or fix the parameters");
  }
  const LoopControl control{.threads = omp_get_num_procs(), .progress = {}, .cancelled = {}};
  return collect_statistics(prepared, *calibration->dataset(), plan.wants_histograms(), control, observed);
}

std::vector<QuantizedEdge> edges_of(const engine::EdgePlan& plan, const std::vector<engine::EdgeQuantization>& quantizations) {
  std::vector<QuantizedEdge> edges;
  for (std::size_t index = 0; index < quantizations.size(); ++index) {
    const engine::EdgePlan::Item& item = plan.items()[index];
    if (item.is_float()) continue;
    edges.push_back({.edge = item.edge,
                     .quantizer = item.annotation->by,
                     .type = std::string(engine::name_of(quantizations[index].type)),
                     .parameters = quantizations[index].parameters});
  }
  return edges;
}

}  // namespace

QuantizedModel quantize(const Model& model, const std::vector<std::reference_wrapper<const Quantizer>>& quantizers, const Data* calibration,
                        const std::string& target) {
  const engine::Model prepared = engine::prepare_float_model(model.parts().model);
  const GraphDescription description(prepared.graph);
  Annotations annotations;
  for (const Quantizer& quantizer : quantizers) {
    annotations.begin(quantizer.name());
    quantizer.annotate(description, annotations);
  }
  const engine::EdgePlan plan(prepared.graph, annotations);
  const bool any = std::ranges::any_of(plan.items(), [](const engine::EdgePlan::Item& item) { return !item.is_float(); });
  if (!any) throw_invalid("the quantizers annotate nothing", "quantize()", "annotate edges in Quantizer::annotate()");
  const auto quantizations = plan.quantizations(statistics_for(prepared, plan, calibration));
  engine::GraphRewriter rewriter(prepared);
  std::vector<std::string> remarks = engine::quantize_edges(rewriter, plan, quantizations);
  return {.model = make_model(engine::finish_model(rewriter, engine::find_target(target))),
          .edges = edges_of(plan, quantizations),
          .remarks = std::move(remarks)};
}

std::unique_ptr<const Quantizer> static_int8_quantizer(const std::string& config, const std::string& target) {
  return std::make_unique<engine::StaticInt8Quantizer>(parse_config(config), engine::find_target(target));
}

}  // namespace titrate
