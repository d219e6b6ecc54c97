// The rules of a check: one file each under rules/, one row in table.cpp.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/quant/check/checked_model.hpp"
#include "engine/quant/check/finding.hpp"

namespace titrate::engine {

struct RuleRow {
  std::string_view name;
  std::string_view what;  ///< in a few words, for the documentation
  bool finds_errors;      ///< not only notes and warnings
  /// Adds a finding for each node that breaks the rule; does nothing where the target has other rules.
  void (*find)(CheckedModel& model, std::vector<Finding>& findings);
};

[[nodiscard]] std::span<const RuleRow> check_rules();

extern const RuleRow accumulator_overflow_rule;
extern const RuleRow bias_overflow_rule;
extern const RuleRow bias_scale_rule;
extern const RuleRow block_activations_rule;
extern const RuleRow costly_quantizers_rule;
extern const RuleRow float_arithmetic_rule;
extern const RuleRow float_layer_rule;
extern const RuleRow missing_zero_point_rule;
extern const RuleRow pair_saturation_rule;
extern const RuleRow scale_value_rule;
extern const RuleRow shared_int8_rule;
extern const RuleRow target_description_rule;
extern const RuleRow weight_axis_rule;
extern const RuleRow weight_zero_points_rule;

}  // namespace titrate::engine
