// Trains the constants of one block by Adam on minibatches of calibration samples.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/quant/calibration_samples.hpp"
#include "engine/quant/finetune/learned_constant.hpp"
#include "engine/quant/finetune/training_graph.hpp"

namespace titrate::engine {

struct BlockTraining {
  const TrainingGraph& graph;
  std::span<LearnedConstant* const> learned;  ///< as graph.trained
  const CalibrationSamples& samples;          ///< that runs it
  std::int64_t count = 0;                     ///< samples
  FeedSample feed;                            ///< of the training graph, by sample
  int epochs = 0;
  double rate = 0;
};

/// Mean losses of the held-out samples.
struct TrainingResult {
  double before = 0;
  double after = 0;  ///< not a number: it diverged
};

/// Every fifth sample is held out: it is not trained on.
[[nodiscard]] bool is_held_out(std::int64_t sample);
/// Fewer leave nothing to hold out.
constexpr std::int64_t least_samples = 5;

/// Learns in place. The order of the samples is drawn anew for each epoch, always the same; sums run in that order, so that results do not
/// depend on the number of threads.
[[nodiscard]] TrainingResult train_block(const BlockTraining& training);

}  // namespace titrate::engine
