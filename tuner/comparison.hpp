// Where a quantized model loses accuracy: layer by layer beside its float model, on data.
#pragma once

#include "datasets/dataset.hpp"
#include "engine/graph/graph.hpp"
#include "reports/comparison.hpp"
#include "tuner/sample_loop.hpp"

namespace titrate {

struct ComparisonOptions {
  std::int64_t samples = 32;  ///< the first of the data
  bool histograms = false;    ///< of every layer's activations and weights
};

/// Runs both models, the quantized one in float on dequantized numbers. Fills in all but the file names. The same for any number of
/// threads; memory does not grow with the samples. Throws Error(invalid) if no layer of the quantized model reads quantized numbers or none
/// can be matched, if inputs or outputs of the models differ, or if the data does not fit.
[[nodiscard]] ComparisonRecord compare_models(const engine::Model& float_model, const engine::Model& quantized, const Dataset& data,
                                              const ComparisonOptions& options, const LoopControl& control);

}  // namespace titrate
