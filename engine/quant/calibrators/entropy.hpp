// The search of the entropy calibrator, on a histogram of magnitudes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace titrate::engine {

/// For every number of kept bins from `start` to all: the divergence KL(P || Q) of what is kept, with the outliers added to the last bin,
/// from its rounding to `levels` levels (NVIDIA/TensorRT-Model-Optimizer: modelopt/torch/quantization/calib/histogram.py; algorithms A9).
/// Infinite: rejected.
[[nodiscard]] std::vector<double> entropy_divergences(std::span<const std::uint64_t> magnitudes, int levels, int start);

}  // namespace titrate::engine
