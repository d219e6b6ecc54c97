// Operators that choose or move values and compute none.
#pragma once

#include "engine/graph/graph.hpp"

namespace titrate::engine::lowering {

/// Those across which ONNX Runtime carries a QuantizeLinear up and a DequantizeLinear down.
[[nodiscard]] bool is_crossed(const Node& node, std::int64_t opset);

}  // namespace titrate::engine::lowering
