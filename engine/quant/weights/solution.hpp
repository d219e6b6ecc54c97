// Codes for the weights of layers, found from their inputs before the graph is rewritten.
#pragma once

#include <map>
#include <string>

#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

struct WeightSolution {
  QuantizedMatrix quantized;
  std::string remark;  ///< what was gained, or why rounding to nearest was kept
};

/// By the name of the node.
using WeightSolutions = std::map<std::string, WeightSolution>;

}  // namespace titrate::engine
