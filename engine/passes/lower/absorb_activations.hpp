// Relu and Clip whose bounds hold the whole range of the quantizer behind them change nothing: saturation cuts off what they would.
#pragma once

#include <set>
#include <string>

#include "engine/graph/graph.hpp"

namespace titrate::engine::lowering {

/// Takes them out; the names of the nodes go into `absorbed`. Returns their number.
std::size_t absorb_activations(Model& model, std::set<std::string>& absorbed);

}  // namespace titrate::engine::lowering
