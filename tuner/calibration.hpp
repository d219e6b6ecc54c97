// Runs the float model over calibration data.
#pragma once

#include <set>
#include <string>

#include "datasets/dataset.hpp"
#include "engine/quant/convert.hpp"
#include "tuner/sample_loop.hpp"

namespace titrate {

/// Statistics of every activation that a config may want to quantize, in one pass, in memory that does not grow with the number of samples.
/// `prepared` comes from prepare_float_model(). Without histograms only ranges are kept: minmax and moving_average need no more.
[[nodiscard]] engine::CalibrationStatistics collect_statistics(const engine::Model& prepared, const Dataset& data, bool histograms,
                                                               const LoopControl& control,
                                                               const engine::Target& target = engine::default_target());

/// The same of the values of these names.
[[nodiscard]] engine::CalibrationStatistics collect_statistics(const engine::Model& prepared, const Dataset& data, bool histograms,
                                                               const LoopControl& control, const std::set<std::string>& observed);

/// Fills in NodeDecision::sqnr_db: for each quantized node the SQNR of its own output, the node alone quantized, over the first `samples`
/// samples.
void measure_sensitivity(const engine::Model& prepared, engine::Conversion& conversion, const Dataset& data, std::int64_t samples,
                         const LoopControl& control);

}  // namespace titrate
