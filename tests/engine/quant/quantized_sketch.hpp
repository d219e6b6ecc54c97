// Small graphs brought through placement and conversion.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/quant/activation_placement.hpp"
#include "engine/quant/convert.hpp"
#include "engine/quant/stages/stage.hpp"
#include "engine/quant/weights/solve_layers.hpp"
#include "engine/run/executor.hpp"
#include "tests/engine/passes/sketch.hpp"

namespace titrate::engine {

using Ranges = std::map<std::string, std::pair<float, float>>;

/// Statistics for everything that may be asked for: [-1, 1], or the range given. For calibrators without a histogram.
inline CalibrationStatistics statistics_for(const Graph& graph, const Ranges& ranges = {}, const Target& target = default_target()) {
  CalibrationStatistics statistics;
  for (const std::string& name : observed_values(graph, target)) {
    const auto found = ranges.find(name);
    const auto [low, high] = found == ranges.end() ? std::pair(-1.0F, 1.0F) : found->second;
    statistics[name].add({.low = low, .high = high, .not_finite = 0, .any = true});
  }
  return statistics;
}

/// A placement, seen by names.
struct NamedPlacement {
  std::map<std::string, ActivationQuantizer> quantized;
  std::map<std::string, ActivationQuantizer> before_activation;
  std::map<std::string, std::string> remarks;

  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> result;
    for (const auto& [name, quantizer] : quantized) result.insert(name);
    return result;
  }
  [[nodiscard]] AffineParameters parameters(const std::string& name) const { return quantized.at(name).parameters; }
};

inline NamedPlacement placed(const Model& model, const std::string& config, const Ranges& ranges = {},
                             const Target& target = default_target()) {
  const Model prepared = prepare_float_model(model);
  const Graph& graph = prepared.graph;
  const ActivationPlacement placement =
      place_activations(graph, assign(graph, parse_config(config), target), statistics_for(graph, ranges, target), target);
  NamedPlacement result;
  for (const auto& [id, quantizer] : placement.quantized) result.quantized.emplace(graph[id].name, quantizer);
  for (const auto& [id, quantizer] : placement.before_activation) result.before_activation.emplace(graph[id].name, quantizer);
  result.remarks = placement.remarks;
  return result;
}

/// Random samples in [-1, 1] for float32 inputs; int64 inputs, which look rows up, get 0 and 1 in turn. Open sizes are 1.
inline CalibrationSamples random_samples(const Model& model, std::int64_t count) {
  const auto feed = [graph = model.graph](std::int64_t sample) {
    std::vector<Tensor> inputs;
    for (const ValueId id : graph.inputs) {
      Shape shape;
      for (const Dimension& dimension : *graph[id].info->shape) shape.push_back(dimension.known() ? dimension.size : 1);
      if (graph[id].info->type == DataType::int64) {
        std::vector<std::int64_t> rows(static_cast<std::size_t>(element_count(shape)));
        for (std::size_t index = 0; index < rows.size(); ++index) rows[index] = (static_cast<std::int64_t>(index) + sample) % 2;
        inputs.push_back(Tensor::of<std::int64_t>(shape, rows));
        continue;
      }
      inputs.push_back(numbers(shape, static_cast<unsigned>(sample) + 7));
    }
    return inputs;
  };
  const auto run = [](const Model& runnable, std::int64_t runs, const FeedSample& own_feed, const TakeOutputs& take) {
    Executor executor(std::make_shared<const Plan>(runnable));
    for (std::int64_t sample = 0; sample < runs; ++sample) take(sample, executor.run(own_feed(sample)));
  };
  return {.count = count, .feed = feed, .run = run};
}

inline Conversion converted(const Model& model, const std::string& config, const Ranges& ranges = {}, WeightForm form = WeightForm::qdq,
                            const Target& target = default_target()) {
  const Config parsed = parse_config(config);
  StageRemarks remarks;
  Model prepared = prepare_float_model(model);
  if (changes_model(prepared, parsed, target)) prepared = apply_stages(prepared, parsed, random_samples(prepared, 16), remarks, target);
  WeightSolutions solutions;
  if (uses_layer_inputs(prepared, parsed, target)) solutions = solve_layers(prepared, parsed, random_samples(prepared, 16), target);
  return convert(prepared, parsed, statistics_for(prepared.graph, ranges, target), solutions, form, target);
}

inline const NodeDecision& decision_of(const Conversion& conversion, const std::string& node) {
  return *std::find_if(conversion.decisions.begin(), conversion.decisions.end(),
                       [&](const NodeDecision& each) { return each.name == node; });
}

inline const Node& node_named(const Model& model, const std::string& name) {
  const Node* node = model.graph.find_node(name);
  if (node == nullptr) throw Error(ErrorCode::internal, "the graph has no node " + name);
  return *node;
}

/// The type of the node that makes an input of a node; "" for a graph input or constant.
inline std::string source_type(const Model& model, const Node& node, std::size_t input) {
  const int producer = Uses(model.graph).producer(node.inputs.at(input));
  return producer < 0 ? "" : model.graph.nodes[static_cast<std::size_t>(producer)].type;
}

inline const Tensor& constant_named(const Model& model, const std::string& name) {
  const auto id = model.graph.find_value(name);
  if (!id || model.graph.constant(*id) == nullptr) throw Error(ErrorCode::internal, "the graph has no constant " + name);
  return *model.graph.constant(*id);
}

inline std::vector<Tensor> run_once(const Model& model, const std::vector<Tensor>& inputs) {
  return Executor(std::make_shared<const Plan>(model)).run(inputs);
}

}  // namespace titrate::engine
