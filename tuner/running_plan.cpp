#include "tuner/running_plan.hpp"

#include "engine/passes/running.hpp"

namespace titrate {

std::shared_ptr<const engine::Plan> running_plan(engine::Model model, Arithmetic arithmetic) {
  if (arithmetic == Arithmetic::lowered) engine::prepare_for_running(model);
  return std::make_shared<const engine::Plan>(model);
}

}  // namespace titrate
