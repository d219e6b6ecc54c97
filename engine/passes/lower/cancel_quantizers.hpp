// DequantizeLinear -> QuantizeLinear with the same parameters gives the codes back.
#pragma once

#include "engine/graph/graph.hpp"

namespace titrate::engine::lowering {

/// Lets readers read the codes themselves; returns the number of QuantizeLinear that nobody needs any more. 8- and 16-bit codes with finite
/// scales only: there code -> number -> code is exact.
std::size_t cancel_quantizers(Model& model);

}  // namespace titrate::engine::lowering
