// Small graphs quantized as quantizers say.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/quant/edges/built_in.hpp"
#include "engine/quant/edges/edge_plan.hpp"
#include "engine/quant/edges/edge_rewriter.hpp"
#include "engine/quant/finish_model.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"

namespace titrate::engine {

/// A quantizer that does what a function says.
class SaidQuantizer : public Quantizer {
 public:
  using Words = std::function<void(const GraphDescription&, Annotations&)>;
  SaidQuantizer(std::string name, Words words) : name_(std::move(name)), words_(std::move(words)) {}
  [[nodiscard]] std::string name() const override { return name_; }
  void annotate(const GraphDescription& graph, Annotations& annotations) const override { words_(graph, annotations); }

 private:
  std::string name_;
  Words words_;
};

inline SaidQuantizer saying(const SaidQuantizer::Words& words) { return {"mine", words}; }
/// The specs of these edges, and nothing else.
inline SaidQuantizer saying(const std::vector<std::pair<Edge, EdgeSpec>>& specs) {
  return saying([specs](const GraphDescription&, Annotations& annotations) {
    for (const auto& [edge, spec] : specs) annotations.annotate(edge, spec);
  });
}

struct Annotated {
  Model model;
  std::map<Edge, EdgeQuantization> edges;  ///< all that do not stay float
  std::map<Edge, std::string> by;          ///< who annotated an edge
  std::vector<std::string> remarks;

  [[nodiscard]] AffineParameters parameters(const Edge& edge) const {
    const QuantizationParameters& all = edges.at(edge).parameters;
    return {.scale = all.scales.at(0), .zero_point = all.zero_points.at(0)};
  }
};

/// Values have the range [-1, 1], or the one given.
inline Annotated annotated(const Model& model, const std::vector<const Quantizer*>& quantizers, const Ranges& ranges = {}) {
  const Model prepared = prepare_float_model(model);
  const GraphDescription description(prepared.graph);
  Annotations annotations;
  for (const Quantizer* quantizer : quantizers) {
    annotations.begin(quantizer->name());
    quantizer->annotate(description, annotations);
  }
  const EdgePlan plan(prepared.graph, annotations);
  CalibrationStatistics statistics;
  for (const std::string& name : plan.observed()) {
    const auto found = ranges.find(name);
    const auto [low, high] = found == ranges.end() ? std::pair(-1.0F, 1.0F) : found->second;
    statistics[name].add({.low = low, .high = high, .not_finite = 0, .any = true});
  }
  const std::vector<EdgeQuantization> quantizations = plan.quantizations(statistics);
  Annotated result;
  for (std::size_t index = 0; index < quantizations.size(); ++index) {
    const EdgePlan::Item& item = plan.items()[index];
    if (!item.is_float()) result.edges.emplace(item.edge, quantizations[index]);
    result.by.emplace(item.edge, item.annotation->by);
  }
  GraphRewriter rewriter(prepared);
  result.remarks = quantize_edges(rewriter, plan, quantizations);
  result.model = finish_model(rewriter, default_target());
  return result;
}

inline Annotated annotated(const Model& model, const SaidQuantizer& quantizer, const Ranges& ranges = {}) {
  return annotated(model, std::vector<const Quantizer*>{&quantizer}, ranges);
}

}  // namespace titrate::engine
