// The one change to a quantized model that promises most.
#pragma once

#include <optional>
#include <span>

#include "tuner/noise_shares.hpp"

namespace titrate {

/// `shares`: of the outputs' noise, by layer; none where unknown. Noises add (algorithms A21, C2): what a layer's weights, clipping and
/// rounding do to its own output tells how much of its share goes when that is mended. Of changes to a layer that promise nearly as much,
/// the one that keeps it quantized. The most promising few are made and measured, and the best of them is the advice. None if the outputs
/// are equal or no share is known. `noise` is on all samples.
[[nodiscard]] std::optional<Advice> best_change(const ComparedModels& models, const Measurements& measured,
                                                std::span<const std::optional<double>> shares, const OutputNoise& noise);

}  // namespace titrate
