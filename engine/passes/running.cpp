#include "engine/passes/running.hpp"

#include "engine/passes/channel_blocks.hpp"
#include "engine/passes/channels_last.hpp"
#include "engine/passes/fuse_activations.hpp"
#include "engine/passes/fuse_weight_dequantization.hpp"
#include "engine/passes/lower.hpp"
#include "engine/passes/remove_no_ops.hpp"

namespace titrate::engine {

std::span<const Pass> running_passes() {
  static constexpr Pass rows[] = {
      {"lower", [](Model& model) { return lower(model).rewrites; }},  // first: it looks for the operators that ONNX names
      {"channels_last", channels_last},
      {"remove_no_ops", remove_no_ops},                            // a model that was not prepared for tuning may still have some
      {"fuse_weight_dequantization", fuse_weight_dequantization},  // before activations are fused: MatMulNBits has none
      {"fuse_activations", fuse_activations},
      {"channel_blocks", channel_blocks},  // last: the others look for the operators that ONNX and com.microsoft name
  };
  return rows;
}

std::vector<PassResult> prepare_for_running(Model& model) { return run_in_order(running_passes(), model); }

std::vector<PassResult> prepare_for_observing(Model& model) {
  constexpr std::size_t of_integers = 2;  // lower and channels_last: integers round differently
  return run_in_order(running_passes().subspan(of_integers), model);
}

}  // namespace titrate::engine
