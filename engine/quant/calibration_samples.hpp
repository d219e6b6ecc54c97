// Calibration samples and a way to run models on them. The engine's quantizers cannot run models: whoever can hands them this.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// The inputs of a model for one sample, in the order of its graph inputs. Called by several threads at once.
using FeedSample = std::function<std::vector<Tensor>(std::int64_t sample)>;
/// What the model gives for a sample, in the order of its graph outputs. Called by one thread at a time, in the order of the samples.
using TakeOutputs = std::function<void(std::int64_t sample, std::vector<Tensor> outputs)>;

struct CalibrationSamples {
  std::int64_t count = 0;
  FeedSample feed;  ///< for the float model
  /// Runs a model for the samples [0, count); throws what a run throws.
  std::function<void(const Model& model, std::int64_t count, const FeedSample& feed, const TakeOutputs& take)> run;
  /// Whether long work should give up with Error(interrupted); called by several threads at once. Empty: never. run() asks by itself.
  std::function<bool()> cancelled = {};
};

}  // namespace titrate::engine
