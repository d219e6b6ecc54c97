// The nodes of a block as a model of their own that gives its distance from the float model's values and the gradients of its constants.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "engine/quant/calibration_samples.hpp"
#include "engine/quant/finetune/blocks.hpp"
#include "engine/quant/finetune/gradients/gradient_builder.hpp"

namespace titrate::engine {

/// A constant that a node reads.
struct ConstantPlace {
  std::size_t node = 0;  ///< of the whole graph
  std::size_t input = 0;
  friend bool operator==(const ConstantPlace&, const ConstantPlace&) = default;
};

/// The values that nodes of a block read and do not make, without constants.
[[nodiscard]] std::vector<ValueId> inputs_of(const Graph& whole, const Block& block);

/// What the values of a block are like for one sample.
struct BlockProbe {
  KnownShapes shapes;                              ///< of constants too
  std::unordered_map<ValueId, double> magnitudes;  ///< root mean square, of float32 values that are made in the block
  std::unordered_map<ValueId, DataType> input_types;
};
/// Runs the block once. `inputs`: in the order of inputs_of().
[[nodiscard]] BlockProbe probe(const Model& whole, const Block& block, const std::vector<Tensor>& inputs,
                               const CalibrationSamples& samples);

/// How far gradients reach.
struct GradientReach {
  std::unordered_set<ValueId> wanted;  ///< trained constants, by value of the whole graph, and what depends on them by gradients
  std::vector<ValueId> targets;     ///< values that are compared: those that leave the block, and those that gradients do not reach beyond
  std::vector<std::string> cut_at;  ///< the types of operators that have no gradient
};
/// `trained`: every place reads a value of its own.
[[nodiscard]] GradientReach reach_of(const Graph& whole, const Block& block, const std::vector<ConstantPlace>& trained,
                                     const KnownShapes& shapes);

struct TrainingGraph {
  /// Inputs: those of the block, then the float model's values of the targets. Outputs: the loss, then the gradients of `trained`.
  Model model;
  std::vector<ConstantPlace> trained;  ///< those that have a gradient
  std::vector<ValueId> constants;      ///< in `model`, as `trained`
};

/// The loss is the sum over targets of weight * |y - target|^2; `weights` as reach.targets.
[[nodiscard]] TrainingGraph build_training_graph(const Model& whole, const Block& block, const std::vector<ConstantPlace>& trained,
                                                 const BlockProbe& known, const GradientReach& reach, const std::vector<double>& weights);

/// The same without gradients.
[[nodiscard]] TrainingGraph without_gradients(const TrainingGraph& training);

}  // namespace titrate::engine
