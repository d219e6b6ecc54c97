// Quantizers are carried across operators that only move values, so that the operators beyond find them: QuantizeLinear up,
// DequantizeLinear down. The numbers stay what they are.
#pragma once

#include "engine/graph/graph.hpp"

namespace titrate::engine::lowering {

/// One step each way, by adding QuantizeLinear and DequantizeLinear on the other side; returns the number of operators crossed. To be
/// repeated until it is 0.
std::size_t carry_quantizers(Model& model);

}  // namespace titrate::engine::lowering
