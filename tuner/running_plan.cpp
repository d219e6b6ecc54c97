#include "tuner/running_plan.hpp"

#include "engine/passes/lower.hpp"
#include "engine/passes/running.hpp"
#include "engine/passes/saturate_products.hpp"

namespace titrate {

std::string_view name_of(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::lowered:
      return "lowered";
    case Arithmetic::emulated:
      return "emulated";
    case Arithmetic::saturating:
      return "saturating";
  }
  return "lowered";
}

std::shared_ptr<const engine::Plan> running_plan(engine::Model model, Arithmetic arithmetic) {
  if (arithmetic == Arithmetic::lowered) engine::prepare_for_running(model);
  if (arithmetic == Arithmetic::saturating) {
    (void)engine::lower(model);
    (void)engine::saturate_products(model);
  }
  return std::make_shared<const engine::Plan>(model);
}

}  // namespace titrate
