// Where activations are quantized, and with which parameters: the values around integer nodes, chosen so that ONNX Runtime runs them as
// integers.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/graph/graph.hpp"
#include "engine/quant/affine.hpp"
#include "engine/quant/assignment.hpp"
#include "engine/quant/observers/value_statistics.hpp"
#include "engine/quant/targets/read_target.hpp"

namespace titrate::engine {

/// How the codes of one value are made.
struct ActivationQuantizer {
  DataType type = DataType::uint8;
  IntegerRange range;  ///< unused for float8
  AffineParameters parameters;
};

struct ActivationPlacement {
  /// By value: every value that gets a QuantizeLinear and a DequantizeLinear; all its readers read the latter.
  std::map<ValueId, ActivationQuantizer> quantized;
  /// Values before a Relu or Clip that the quantizer does not make redundant: quantized too, so that the node before runs as integers.
  std::map<ValueId, ActivationQuantizer> before_activation;
  /// Remarks for the decisions of nodes, by node name: ranges that were adapted, statistics that were missing.
  std::map<std::string, std::string> remarks;
  /// The largest magnitudes seen of inputs whose nodes round them by themselves.
  std::map<ValueId, float> largest_magnitudes;
};

/// The values whose statistics any placement for these nodes may ask for.
[[nodiscard]] std::set<std::string> observed_values(const Graph& graph, const Target& target = default_target());

/// Throws Error(invalid) if a needed value has no statistics (no calibration data, or only NaN).
[[nodiscard]] ActivationPlacement place_activations(const Graph& graph, const std::vector<Assignment>& assignments,
                                                    const CalibrationStatistics& statistics, const Target& target = default_target());

}  // namespace titrate::engine
