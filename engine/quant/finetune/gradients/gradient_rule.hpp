// How an operator's gradient is computed from that of its output: a row for each operator, a file for each family.
#pragma once

#include <span>
#include <string_view>

#include "engine/quant/finetune/gradients/gradient_builder.hpp"

namespace titrate::engine {

struct GradientRule {
  std::string_view type;
  /// Adds the terms of the gradients of the inputs that are wanted. `gradient`: of the first output.
  void (*add)(GradientBuilder& builder, const Node& node, ValueId gradient);
  /// Whether this form of the operator has a gradient here; null: all have.
  bool (*serves)(const Graph& graph, const KnownShapes& shapes, const Node& node) = nullptr;
  /// It takes the gradients of all outputs from the builder; `gradient` is none if only others than the first have one. Else only nodes of
  /// which nobody reads but the first output are served.
  bool all_outputs = false;
};

[[nodiscard]] std::span<const GradientRule> linear_gradients();
[[nodiscard]] std::span<const GradientRule> arithmetic_gradients();
[[nodiscard]] std::span<const GradientRule> activation_gradients();
[[nodiscard]] std::span<const GradientRule> normalization_gradients();
[[nodiscard]] std::span<const GradientRule> shape_gradients();
[[nodiscard]] std::span<const GradientRule> pooling_gradients();
[[nodiscard]] std::span<const GradientRule> selection_gradients();
[[nodiscard]] std::span<const GradientRule> rounding_gradients();

/// All of them.
[[nodiscard]] std::span<const GradientRule> gradient_rules();
/// The rule for a node; null: it has no gradient.
[[nodiscard]] const GradientRule* gradient_rule_of(const Graph& graph, const KnownShapes& shapes, const Node& node);

}  // namespace titrate::engine
