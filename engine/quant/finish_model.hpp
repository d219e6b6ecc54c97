// The last step of every quantization: the rewritten graph becomes a model that can be written.
#pragma once

#include "engine/quant/graph_rewriter.hpp"
#include "engine/quant/targets/target.hpp"

namespace titrate::engine {

/// Unused nodes go, the opset is raised to what was required, types of inner values are left out. Throws Error(invalid) if a check finds
/// that the target would compute something else than the model says, or not load it. The rewriter holds nothing afterwards.
[[nodiscard]] Model finish_model(GraphRewriter& rewriter, const Target& target);

}  // namespace titrate::engine
