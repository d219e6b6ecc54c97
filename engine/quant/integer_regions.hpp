// Finds the parts of a graph that can stay integer between the weighted nodes of static_int8: which values are quantized, and which must
// share parameters.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/quant/assignment.hpp"
#include "engine/quant/targets/target.hpp"

namespace titrate::engine {

struct IntegerRegions {
  /// Values to quantize; the index of the assignment whose scheme says how (the first that needs it).
  std::map<ValueId, std::size_t> values;
  /// Values that must share scale and zero point, as lists.
  std::vector<std::vector<ValueId>> shared;
  /// Inputs of a Concat and its output: shared if that costs nothing.
  std::vector<std::vector<ValueId>> shareable;
  /// For a quantized value behind a Relu or Clip: the value before it.
  std::map<ValueId, ValueId> before_activation;
  /// Values whose parameters the target fixes.
  std::map<ValueId, AffineParameters> fixed;
  /// Where the target bounds the scales, by value.
  std::map<ValueId, ScaleBounds> bounds;
};

/// What the target's description allows between and around the nodes of static_int8.
[[nodiscard]] IntegerRegions find_integer_regions(const Graph& graph, const std::vector<Assignment>& assignments, const Target& target);

/// Every value that find_integer_regions() lists for some assignments, and a few more; found without any.
[[nodiscard]] std::set<ValueId> possible_integers(const Graph& graph, const Target& target);

}  // namespace titrate::engine
