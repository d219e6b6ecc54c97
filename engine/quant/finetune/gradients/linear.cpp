// Gradients of layers: products with weights and convolutions.
#include <algorithm>
#include <array>
#include <numeric>

#include "engine/ops/window.hpp"
#include "engine/quant/finetune/gradients/gradient_rule.hpp"

namespace titrate::engine {
namespace {

// --- MatMul: y = a b, da = g b^T, db = a^T g

bool multiplies_matrices(const Graph&, const KnownShapes& shapes, const Node& node) {
  return shapes.at(node.inputs[0]).size() >= 2 && shapes.at(node.inputs[1]).size() >= 2;
}

// Axes before the last two are broadcast.
ValueId summed_batch(GradientBuilder& builder, const Node& node, ValueId gradient, ValueId like) {
  Shape whole = builder.shape(like);
  const Shape& output = builder.shape(node.outputs[0]);
  Shape from(output.begin(), output.end() - 2);
  from.insert(from.end(), whole.end() - 2, whole.end());
  return builder.summed_to(gradient, from, like);
}

// The last axis stays, all others become rows.
ValueId as_rows(GradientBuilder& builder, ValueId value, std::int64_t columns) {
  return builder.node("Reshape", {value, builder.integers({-1, columns})});
}

void add_matrix_product(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId a = node.inputs[0];
  const ValueId b = node.inputs[1];
  const std::size_t rank_a = builder.shape(a).size();
  const std::size_t rank_b = builder.shape(b).size();
  if (builder.wanted(a)) {
    const ValueId product = builder.node("MatMul", {gradient, builder.transposed(b, rank_b)});
    builder.add(a, summed_batch(builder, node, product, a));
  }
  if (!builder.wanted(b)) return;
  if (rank_b == 2) {
    const ValueId rows = as_rows(builder, a, builder.shape(b)[0]);
    const ValueId gradients = as_rows(builder, gradient, builder.shape(b)[1]);
    return builder.add(b, builder.node("MatMul", {builder.transposed(rows, 2), gradients}));
  }
  const ValueId product = builder.node("MatMul", {builder.transposed(a, rank_a), gradient});
  builder.add(b, summed_batch(builder, node, product, b));
}

// --- Gemm: y = alpha op(a) op(b) + beta c

ValueId gemm(GradientBuilder& builder, ValueId left, bool transpose_left, ValueId right, bool transpose_right, float alpha) {
  return builder.node("Gemm", {left, right},
                      {attribute("alpha", alpha), attribute("transA", std::int64_t{transpose_left ? 1 : 0}),
                       attribute("transB", std::int64_t{transpose_right ? 1 : 0})});
}

void add_gemm(GradientBuilder& builder, const Node& node, ValueId gradient) {
  const ValueId a = node.inputs[0];
  const ValueId b = node.inputs[1];
  const bool turned_a = node.integer("transA", 0) != 0;
  const bool turned_b = node.integer("transB", 0) != 0;
  const float alpha = node.number("alpha", 1);
  if (builder.wanted(a))
    builder.add(a, turned_a ? gemm(builder, b, turned_b, gradient, true, alpha) : gemm(builder, gradient, false, b, !turned_b, alpha));
  if (builder.wanted(b))
    builder.add(b, turned_b ? gemm(builder, gradient, true, a, turned_a, alpha) : gemm(builder, a, !turned_a, gradient, false, alpha));
  if (!node.has_input(2) || !builder.wanted(node.inputs[2])) return;
  const ValueId summed = builder.summed_to(gradient, builder.shape(node.outputs[0]), node.inputs[2]);
  builder.add(node.inputs[2], builder.scaled(summed, node.number("beta", 1)));
}

// --- Conv

// Groups are told apart by channels, so that the batch must be a single one there.
bool convolves_plainly(const Graph&, const KnownShapes& shapes, const Node& node) {
  const Shape& input = shapes.at(node.inputs[0]);
  return input.size() >= 3 && input.size() <= 5 && (node.integer("group", 1) == 1 || input[0] == 1);
}

class ConvolutionGradient {
 public:
  ConvolutionGradient(GradientBuilder& builder, const Node& node, ValueId gradient)
      : builder_(builder),
        gradient_(gradient),
        x_(node.inputs[0]),
        weights_(node.inputs[1]),
        input_(builder.shape(node.inputs[0])),
        filter_(builder.shape(node.inputs[1])),
        output_(builder.shape(node.outputs[0])),
        groups_(node.integer("group", 1)),
        window_(ops::read_window(node, filter_.size() - 2, Shape(filter_.begin() + 2, filter_.end()))) {
    for (std::size_t axis = 0; axis < window_.rank(); ++axis) axes_.push_back(ops::place(window_, axis, input_[axis + 2], node));
  }

  // Each output gives back to the inputs it was made of.
  [[nodiscard]] ValueId of_input() {
    std::vector<std::int64_t> pads = pads_of([](const ops::WindowAxis& axis) { return axis.pad_begin; });
    const std::vector<std::int64_t> ends = pads_of([](const ops::WindowAxis& axis) { return axis.pad_end; });
    pads.insert(pads.end(), ends.begin(), ends.end());
    std::vector<std::int64_t> unread(axes_.size());
    for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
      const std::int64_t read = (axes_[axis].output - 1) * window_.stride[axis] + window_.extent(axis);
      unread[axis] = input_[axis + 2] + axes_[axis].pad_begin + axes_[axis].pad_end - read;
    }
    return builder_.node("ConvTranspose", {gradient_, weights_},
                         {attribute("group", groups_), attribute("strides", window_.stride), attribute("dilations", window_.dilation),
                          attribute("pads", pads), attribute("output_padding", unread)});
  }

  // A convolution of the inputs with the gradients, in which samples and channels change places, and steps and holes.
  [[nodiscard]] ValueId of_weights() {
    if (is_pointwise()) return of_pointwise_weights();
    std::vector<std::int64_t> pads = pads_of([](const ops::WindowAxis& axis) { return axis.pad_begin; });
    for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
      // As much at the end as makes at least as many results as there are taps.
      const std::int64_t needed = window_.extent(axis) + (output_[axis + 2] - 1) * window_.stride[axis];
      pads.push_back(std::max<std::int64_t>(0, needed - input_[axis + 2] - axes_[axis].pad_begin));
    }
    const ValueId wide = builder_.node("Conv", {inputs_by_channel(), gradients_by_channel()},
                                       {attribute("group", groups_), attribute("strides", window_.dilation),
                                        attribute("dilations", window_.stride), attribute("pads", pads)});
    std::vector<std::int64_t> spatial(axes_.size());
    std::iota(spatial.begin(), spatial.end(), 2);
    const ValueId cut = builder_.node("Slice", {wide, builder_.integers(std::vector<std::int64_t>(axes_.size(), 0)),
                                                builder_.integers(window_.kernel), builder_.integers(spatial)});
    return exchanged(cut);
  }

 private:
  [[nodiscard]] bool is_pointwise() const {
    const auto all = [](const Shape& sizes) { return std::ranges::all_of(sizes, [](std::int64_t size) { return size == 1; }); };
    const auto unpadded = [](const ops::WindowAxis& axis) { return axis.pad_begin == 0 && axis.pad_end == 0; };
    return groups_ == 1 && input_[0] == 1 && all(window_.kernel) && all(window_.stride) && std::ranges::all_of(axes_, unpadded);
  }

  // Channels times positions.
  [[nodiscard]] ValueId of_pointwise_weights() {
    const ValueId x = builder_.node("Reshape", {x_, builder_.integers({input_[1], -1})});
    const ValueId g = builder_.node("Reshape", {gradient_, builder_.integers({output_[1], -1})});
    const ValueId product = builder_.node("MatMul", {g, builder_.transposed(x, 2)});
    return builder_.node("Reshape", {product, builder_.integers(filter_)});
  }

  template <class Take>
  [[nodiscard]] std::vector<std::int64_t> pads_of(const Take& take) const {
    std::vector<std::int64_t> pads;
    for (const ops::WindowAxis& axis : axes_) pads.push_back(take(axis));
    return pads;
  }

  // The first two axes exchanged.
  [[nodiscard]] ValueId exchanged(ValueId value) {
    std::vector<std::int64_t> order(input_.size());
    std::iota(order.begin(), order.end(), 0);
    std::swap(order[0], order[1]);
    return builder_.node("Transpose", {value}, {attribute("perm", order)});
  }

  // [channels of a group, groups, ...]; without groups [channels, samples, ...]
  [[nodiscard]] ValueId inputs_by_channel() {
    if (groups_ == 1) return exchanged(x_);
    Shape shape = input_;
    shape[0] = groups_;
    shape[1] = filter_[1];
    return exchanged(builder_.node("Reshape", {x_, builder_.integers(shape)}));
  }

  // [output channels, samples, ...]
  [[nodiscard]] ValueId gradients_by_channel() { return exchanged(gradient_); }

  GradientBuilder& builder_;
  ValueId gradient_;
  ValueId x_;
  ValueId weights_;
  const Shape& input_;
  const Shape& filter_;
  const Shape& output_;
  std::int64_t groups_;
  ops::Window window_;
  std::vector<ops::WindowAxis> axes_;
};

void add_convolution(GradientBuilder& builder, const Node& node, ValueId gradient) {
  ConvolutionGradient own(builder, node, gradient);
  if (builder.wanted(node.inputs[0])) builder.add(node.inputs[0], own.of_input());
  if (builder.wanted(node.inputs[1])) builder.add(node.inputs[1], own.of_weights());
  if (!node.has_input(2) || !builder.wanted(node.inputs[2])) return;
  std::vector<std::int64_t> others = {0};
  for (std::size_t axis = 2; axis < builder.shape(node.outputs[0]).size(); ++axis) others.push_back(static_cast<std::int64_t>(axis));
  builder.add(node.inputs[2], builder.sum(gradient, others, false));
}

constexpr std::array rules = {
    GradientRule{"MatMul", add_matrix_product, multiplies_matrices},
    GradientRule{"Gemm", add_gemm},
    GradientRule{"Conv", add_convolution, convolves_plainly},
};

}  // namespace

std::span<const GradientRule> linear_gradients() { return rules; }

}  // namespace titrate::engine
