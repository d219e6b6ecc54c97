// Kinds of models of which parts are left float whatever a target could run.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/graph/graph.hpp"
#include "engine/quant/targets/target.hpp"

namespace titrate::engine {

/// The target as models of this type use it: for "transformer" the additions, products and averages around attention are not placed, and
/// attention_refusal() counts. "any" changes nothing. Throws Error(usage) for another word.
[[nodiscard]] Target for_model_type(Target target, std::string_view model_type);

/// Why a layer belongs to the parts of a transformer that NNCF and ONNX Runtime leave float, or nothing: products of attention with its
/// Softmax, angles of rotary positions, gates of squeeze-and-excite blocks (openvinotoolkit/nncf: ignored patterns of the ONNX back-end).
[[nodiscard]] std::optional<std::string> attention_refusal(const Graph& graph, const Uses& uses, const Node& node);

}  // namespace titrate::engine
