// Gradients of normalizations over the last axes: with z the normalized values, u = g * scale and r = 1 / deviation,
// dx = r (u - mean(u) - z mean(u z)), the first mean only where the mean is taken off.
#include <array>
#include <numeric>

#include "engine/quant/finetune/gradients/gradient_rule.hpp"

namespace titrate::engine {
namespace {

class Normalization {
 public:
  Normalization(GradientBuilder& builder, const Node& node, bool centered)
      : builder_(builder), node_(node), centered_(centered), shape_(builder.shape(node.inputs[0])) {
    const auto rank = std::ssize(shape_);
    std::int64_t first = node.integer("axis", -1);
    if (first < 0) first += rank;
    for (std::int64_t axis = first; axis < rank; ++axis) axes_.push_back(axis);
  }

  void add(ValueId gradient) {
    const ValueId x = node_.inputs[0];
    const ValueId shifted = centered_ ? builder_.node("Sub", {x, mean(x)}) : x;
    const ValueId variance = builder_.node("Add", {mean(builder_.product(shifted, shifted)), epsilon()});
    const ValueId inverse = builder_.node("Div", {builder_.number(1), builder_.node("Sqrt", {variance})});
    const ValueId normal = builder_.product(shifted, inverse);
    if (node_.has_input(2) && builder_.wanted(node_.inputs[2]))
      builder_.add(node_.inputs[2], builder_.summed_to(gradient, shape_, node_.inputs[2]));
    if (builder_.wanted(node_.inputs[1]))
      builder_.add(node_.inputs[1], builder_.summed_to(builder_.product(gradient, normal), shape_, node_.inputs[1]));
    if (!builder_.wanted(x)) return;
    const ValueId scaled = builder_.product(gradient, node_.inputs[1]);
    ValueId rest = builder_.product(normal, mean(builder_.product(scaled, normal)));
    if (centered_) rest = builder_.node("Add", {rest, mean(scaled)});
    builder_.add(x, builder_.product(inverse, builder_.node("Sub", {scaled, rest})));
  }

 private:
  ValueId mean(ValueId value) {
    std::int64_t count = 1;
    for (const std::int64_t axis : axes_) count *= shape_[static_cast<std::size_t>(axis)];
    return builder_.scaled(builder_.sum(value, axes_, true), 1 / static_cast<float>(count));
  }

  ValueId epsilon() { return builder_.number(node_.number("epsilon", 1e-5F)); }

  GradientBuilder& builder_;
  const Node& node_;
  bool centered_;
  const Shape& shape_;
  std::vector<std::int64_t> axes_;
};

void add_layer_normalization(GradientBuilder& builder, const Node& node, ValueId gradient) {
  Normalization(builder, node, true).add(gradient);
}

void add_rms_normalization(GradientBuilder& builder, const Node& node, ValueId gradient) {
  Normalization(builder, node, false).add(gradient);
}

constexpr std::array rules = {
    GradientRule{"LayerNormalization", add_layer_normalization},
    GradientRule{"RMSNormalization", add_rms_normalization},
};

}  // namespace

std::span<const GradientRule> normalization_gradients() { return rules; }

}  // namespace titrate::engine
