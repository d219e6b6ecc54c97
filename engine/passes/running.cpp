#include "engine/passes/running.hpp"

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/passes/channels_last.hpp"
#include "engine/passes/fuse_activations.hpp"
#include "engine/passes/fuse_weight_dequantization.hpp"
#include "engine/passes/lower.hpp"

namespace titrate::engine {

std::span<const RunningPass> running_passes() {
  static constexpr RunningPass rows[] = {
      {"lower", [](Model& model) { return lower(model).rewrites; }},  // first: it looks for the operators that ONNX names
      {"channels_last", channels_last},
      {"fuse_weight_dequantization", fuse_weight_dequantization},  // before activations are fused: MatMulNBits has none
      {"fuse_activations", fuse_activations},
  };
  return rows;
}

std::vector<PassResult> prepare_for_running(Model& model) {
  std::vector<PassResult> results;
  for (const RunningPass& pass : running_passes()) {
    try {
      results.push_back({.name = pass.name, .rewrites = pass.run(model)});
      if (results.back().rewrites > 0) verify(model.graph);
    } catch (Error& error) {
      error.in(cat("pass ", pass.name));
      throw;
    }
  }
  return results;
}

}  // namespace titrate::engine
