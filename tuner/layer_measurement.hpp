// Runs a quantized model beside its float model and measures every layer: alone, accumulated, and part by part.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "datasets/dataset.hpp"
#include "engine/quant/compared_layers.hpp"
#include "engine/quant/observers/histogram.hpp"
#include "engine/run/executor.hpp"
#include "tuner/likeness.hpp"
#include "tuner/sample_loop.hpp"

namespace titrate {

/// Two models and what belongs to what.
struct ComparedModels {
  const engine::Model& reference;
  const engine::Model& quantized;
  const engine::LayerMatch& match;
};

/// What an activation that is quantized holds in the float model.
struct ActivationTally {
  float low = 0;
  float high = 0;
  std::uint64_t count = 0;
  std::uint64_t clipped = 0;
  std::optional<engine::StreamingHistogram> histogram{};  ///< none: nothing was counted

  void add(const ActivationTally& other);
};

struct LayerTally {
  LikenessSums alone;
  LikenessSums accumulated;
  std::optional<LikenessSums> weights;   ///< of the output with the weights alone quantized
  std::optional<LikenessSums> bias;      ///< with the bias alone
  std::optional<LikenessSums> clipping;  ///< with activations clipped, not rounded
  std::optional<LikenessSums> rounding;  ///< what rounding adds to that
  std::vector<ActivationTally> activations;
  std::int64_t worst_sample = 0;  ///< on which it is worst alone
  std::optional<double> worst_db;
};

struct Measurements {
  std::vector<LayerTally> layers;  ///< as in the match
  LikenessSums outputs;
  std::vector<std::pair<double, std::int64_t>> worst_samples;  ///< SQNR of the outputs and sample, the worst first, at most five
};

/// The first `samples` of the data.
[[nodiscard]] Measurements measure_layers(const ComparedModels& models, const Dataset& data, std::int64_t samples,
                                          const LoopControl& control);

/// A sample as a model takes it: `order[i]` is the place of its input i in the sample.
[[nodiscard]] std::vector<engine::Tensor> in_order(std::vector<engine::Tensor> sample, std::span<const std::size_t> order);
/// The places of a graph's inputs among the reference's. Throws Error(invalid) if the models do not have the same inputs.
[[nodiscard]] std::vector<std::size_t> input_order(const engine::Graph& reference, const engine::Graph& graph);
/// The same for outputs.
[[nodiscard]] std::vector<std::size_t> output_order(const engine::Graph& reference, const engine::Graph& graph);

}  // namespace titrate
