// Nodes whose outputs do not depend on what is fed are computed once.
#pragma once

#include <cstddef>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

struct FoldOptions {
  /// Also folds DequantizeLinear of a stored tensor: low-bit weights become floats.
  bool dequantize = false;
};

/// Replaces nodes by initializers that have the names of their outputs: where all inputs are constant, and where the elements follow from
/// sizes (Shape of a known shape). Random operators, operators with sub-graphs and outputs of the graph stay. All results together take at
/// most four times the bytes of the model's constants plus 16 MiB: a small file cannot make a large graph.
std::size_t fold_constants(Model& model);
std::size_t fold_constants(Model& model, FoldOptions options);

}  // namespace titrate::engine
