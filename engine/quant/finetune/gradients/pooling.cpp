// Gradients of pools.
#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "engine/ops/window.hpp"
#include "engine/quant/finetune/gradients/gradient_rule.hpp"

namespace titrate::engine {
namespace {

bool counts_by_rows(const Graph&, const KnownShapes&, const Node& node) { return node.integer("storage_order", 0) == 0; }

std::vector<Attribute> window_attributes(const Node& node) {
  std::vector<Attribute> attributes;
  for (const char* name : {"kernel_shape", "strides", "pads", "dilations", "auto_pad", "ceil_mode"}) {
    if (const Attribute* given = node.find(name)) attributes.push_back(*given);
  }
  return attributes;
}

// Each output gives its gradient to the one input that was the largest of its window.
void add_maximum(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId x = node.inputs[0];
  if (!builder.wanted(x)) return;
  const ValueId line = builder.integers({-1});
  const ValueId places = builder.outputs("MaxPool", {x}, 2, window_attributes(node))[1];
  const ValueId zeros = builder.node("ConstantOfShape", {builder.node("Reshape", {builder.node("Size", {x}), line})});
  const ValueId flat =
      builder.node("ScatterElements", {zeros, builder.node("Reshape", {places, line}), builder.node("Reshape", {gradient, line})},
                   {attribute("reduction", std::string("add"))});
  builder.add(x, builder.shaped_like(flat, x));
}

// Windows that reach beyond the padding count otherwise.
bool averages_plainly(const Graph&, const KnownShapes& shapes, const Node& node) {
  const std::size_t rank = shapes.at(node.inputs[0]).size();
  return rank >= 3 && rank <= 5 && node.integer("ceil_mode", 0) == 0;
}

class AverageGradient {
 public:
  AverageGradient(GradientBuilder& builder, const Node& node)
      : builder_(builder),
        node_(node),
        input_(builder.shape(node.inputs[0])),
        window_(ops::read_window(node, input_.size() - 2, std::nullopt)) {
    for (std::size_t axis = 0; axis < window_.rank(); ++axis) axes_.push_back(ops::place(window_, axis, input_[axis + 2], node));
  }

  // Each output gives an equal share to all inputs in its window: a transposed convolution of every channel with ones.
  [[nodiscard]] ValueId of_input(ValueId gradient) {
    const ValueId shares = builder_.node("Div", {gradient, counts()});
    std::vector<std::int64_t> pads;
    for (const ops::WindowAxis& axis : axes_) pads.push_back(axis.pad_begin);
    for (const ops::WindowAxis& axis : axes_) pads.push_back(axis.pad_end);
    std::vector<std::int64_t> unread;
    for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
      const std::int64_t read = (axes_[axis].output - 1) * window_.stride[axis] + window_.extent(axis);
      unread.push_back(input_[axis + 2] + axes_[axis].pad_begin + axes_[axis].pad_end - read);
    }
    const ValueId spread = builder_.node("ConvTranspose", {builder_.node("Reshape", {shares, channels_as_samples()}), ones()},
                                         {attribute("strides", window_.stride), attribute("dilations", window_.dilation),
                                          attribute("pads", pads), attribute("output_padding", unread)});
    return builder_.shaped_like(spread, node_.inputs[0]);
  }

 private:
  [[nodiscard]] std::int64_t taps() const {
    return std::accumulate(window_.kernel.begin(), window_.kernel.end(), std::int64_t{1}, std::multiplies<>());
  }

  [[nodiscard]] ValueId ones() {
    Shape shape = {1, 1};
    shape.insert(shape.end(), window_.kernel.begin(), window_.kernel.end());
    return builder_.constant(Tensor::of<float>(shape, std::vector<float>(static_cast<std::size_t>(taps()), 1.0F)));
  }

  // [samples * channels, 1, spatial ...]
  [[nodiscard]] ValueId channels_as_samples() {
    const Shape& output = builder_.shape(node_.outputs[0]);
    Shape shape = {-1, 1};
    shape.insert(shape.end(), output.begin() + 2, output.end());
    return builder_.integers(shape);
  }

  // How many numbers each output is the mean of: all of the window, or what of it is not padding.
  [[nodiscard]] ValueId counts() {
    const bool padded = std::ranges::any_of(axes_, [](const ops::WindowAxis& axis) { return axis.pad_begin > 0 || axis.pad_end > 0; });
    if (!padded || node_.integer("count_include_pad", 0) != 0) return builder_.number(static_cast<float>(taps()));
    std::vector<Attribute> attributes = window_attributes(node_);
    attributes.push_back(attribute("count_include_pad", std::int64_t{1}));
    const ValueId all = builder_.node("Expand", {builder_.number(1), builder_.node("Shape", {node_.inputs[0]})});
    return builder_.scaled(builder_.node("AveragePool", {all}, attributes), static_cast<float>(taps()));
  }

  GradientBuilder& builder_;
  const Node& node_;
  const Shape& input_;
  ops::Window window_;
  std::vector<ops::WindowAxis> axes_;
};

void add_average(GradientBuilder& builder, const Node& node, ValueId gradient) {
  if (builder.wanted(node.inputs[0])) builder.add(node.inputs[0], AverageGradient(builder, node).of_input(gradient));
}

constexpr std::array rules = {
    GradientRule{"MaxPool", add_maximum, counts_by_rows},
    GradientRule{"AveragePool", add_average, averages_plainly},
};

}  // namespace

std::span<const GradientRule> pooling_gradients() { return rules; }

}  // namespace titrate::engine
