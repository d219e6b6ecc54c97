// The plan with which models are evaluated and timed.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/graph/graph.hpp"
#include "engine/run/executor.hpp"

namespace titrate {

/// How a quantized model computes.
enum class Arithmetic : std::uint8_t {
  lowered,     ///< on integers where it can
  emulated,    ///< in float32 on dequantized numbers; differs from lowered by a quantum here and there
  saturating,  ///< on integers as ONNX Runtime computes them on x86 processors without VNNI
};
[[nodiscard]] std::string_view name_of(Arithmetic arithmetic);

/// A plan of the model after the passes for execution (engine/passes/running.hpp), or of the model as it is where it is to be emulated.
/// Inputs, outputs and their names are the model's; values in between may be gone, so who observes them makes a Plan of the model itself.
[[nodiscard]] std::shared_ptr<const engine::Plan> running_plan(engine::Model model, Arithmetic arithmetic = Arithmetic::lowered);

}  // namespace titrate
