// Raises the version of the ai.onnx operator set that a model is written in, rewriting every node whose form changed on the way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

inline constexpr int least_opset = 7;
inline constexpr int most_opset = 25;

/// Rewrites the graph and its sub-graphs from their opset (7 to 25) to `target`, with the meaning kept, and raises the IR version to what
/// the opset needs. Nodes of other domains stay as they are. Node names and the names of values that stay are kept; new values are named
/// after their node. A target at or below the model's opset changes nothing. Throws Error(invalid) naming every node that cannot be raised:
/// an operator that is not known here, or a form that has no equal in the later version; the model is then unchanged.
void raise_opset(Model& model, int target);

/// The IR version in which an opset was released (onnx/onnx: docs/Versioning.md).
[[nodiscard]] std::int64_t ir_version_of_opset(int opset);

/// Raises the IR version if it is lower. From IR 4 on an initializer need not be an input too: then none is, so that it is constant for
/// all.
void raise_ir_version(Model& model, std::int64_t version);

}  // namespace titrate::engine
