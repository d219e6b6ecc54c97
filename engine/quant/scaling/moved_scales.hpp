// Finds out which scales were moved between layers before a model was quantized (smoothquant, equalize, awq, and other tools' likes), and
// moves them in the float model too: then each layer can be compared with what it was made from.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "engine/graph/graph.hpp"
#include "engine/quant/compared_layers.hpp"

namespace titrate::engine {

struct MovedScales {
  Model reference;  ///< computes what the float model computes, with the quantized model's scales
  /// By the name of a layer that reads a value with scaled channels, or makes one, how well the factors are known: root mean square of the
  /// relative error, 0 where constants that stayed float say them.
  std::map<std::string, double> layers;
};

/// Looks where titrate itself would move scales: at values that layers read, back through what is positively homogeneous to the constants
/// that can take factors, and at multiplications that the float model does not have. The factors come from all constants that both models
/// have (weights, biases, normalizations), by least squares where these were rounded. Nothing if no scales were moved, as far as rounding
/// lets one see. `match` belongs to the two models.
[[nodiscard]] std::optional<MovedScales> find_moved_scales(const Model& reference, const Model& quantized, const LayerMatch& match);

}  // namespace titrate::engine
