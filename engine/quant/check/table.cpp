#include <array>

#include "engine/quant/check/rule.hpp"

namespace titrate::engine {

std::span<const RuleRow> check_rules() {
  static const std::array all = {accumulator_overflow_rule, bias_overflow_rule,     bias_scale_rule,  block_activations_rule,
                                 costly_quantizers_rule,    float_arithmetic_rule,  float_layer_rule, missing_zero_point_rule,
                                 pair_saturation_rule,      scale_value_rule,       shared_int8_rule, target_description_rule,
                                 weight_axis_rule,          weight_zero_points_rule};
  return all;
}

}  // namespace titrate::engine
