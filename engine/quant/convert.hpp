// From a float model, a config and calibration statistics to a QDQ model. Prepare, calibrate, convert.
#pragma once

#include <string>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/graph/graph.hpp"
#include "engine/quant/decision.hpp"
#include "engine/quant/observers/value_statistics.hpp"
#include "engine/quant/schemes/scheme.hpp"

namespace titrate::engine {

/// The float model as all configs start from it: passes run (constants and batch normalizations folded), opset at least 13, shapes
/// inferred. Node names stay. Throws Error(invalid).
[[nodiscard]] Model prepare_float_model(Model model);

/// Whether a config needs statistics of activations.
[[nodiscard]] bool needs_calibration(const Model& prepared, const Config& config, const Target& target = default_target());

struct Conversion {
  Model model;
  std::vector<NodeDecision> decisions;  ///< one for each assignment, in their order
};

/// Whether any layer is quantized.
[[nodiscard]] bool quantizes_anything(const Conversion& conversion);

/// `prepared` comes from prepare_float_model(). Throws Error(invalid) if the config quantizes nothing, saying why for each node, unless it
/// is the overrides that ask for float everywhere; if statistics are missing; or if a check finds that the target would compute something
/// else than the model says, or not load it. A table of a Gather whose codes and scales take no fewer bytes than its floats stays float.
[[nodiscard]] Conversion convert(const Model& prepared, const Config& config, const CalibrationStatistics& statistics,
                                 const WeightSolutions& solutions = {}, WeightForm form = WeightForm::qdq,
                                 const Target& target = default_target());

}  // namespace titrate::engine
