// Each quantized node alone: a model that takes the float model's values and computes, for every quantized node, what its quantized form
// makes of them. Comparing with the float values gives the node's own SQNR, its sensitivity, without the noise of the nodes before it.
#pragma once

#include <string>
#include <vector>

#include "engine/quant/convert.hpp"

namespace titrate::engine {

struct ShadowModel {
  Model model;
  std::vector<std::string> inputs;       ///< the float graph's values to feed, in the order of the model's inputs
  std::vector<std::string> outputs;      ///< for each model output the float graph's value that it stands for
  std::vector<std::size_t> decision_of;  ///< for each model output the decision that it belongs to
};

[[nodiscard]] ShadowModel build_shadow_model(const Model& prepared, const Conversion& conversion);

}  // namespace titrate::engine
