// Calibration data as the engine's quantizers take it: they ask for runs, this runs.
#pragma once

#include "datasets/dataset.hpp"
#include "engine/quant/calibration_samples.hpp"
#include "tuner/sample_loop.hpp"

namespace titrate {

/// `data` must outlive the result. Runs use control.threads threads and throw Error(interrupted) when it is cancelled; it hears no
/// progress.
[[nodiscard]] engine::CalibrationSamples calibration_samples(const Dataset& data, const LoopControl& control);

}  // namespace titrate
