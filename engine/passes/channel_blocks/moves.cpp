#include "engine/passes/channel_blocks/moves.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/ops/channel_blocks.hpp"

namespace titrate::engine::blocks {
namespace {

constexpr std::string_view microsoft = "com.microsoft";

// The node in the domain of blocks, on what it makes in blocks; inputs are to be set.
Node in_own_domain(Blocks& blocks, const Node& node) {
  Node moved = node;
  moved.domain = ops::blocks_domain;
  moved.set("lanes", blocks.lanes());
  moved.outputs[0] = blocks.make(node.outputs[0]);
  return moved;
}

// --- convolutions

const Tensor* constant_floats(const Blocks& blocks, const Node& node, std::size_t index) {
  const Tensor* tensor = node.has_input(index) ? blocks.constant(node.inputs[index]) : nullptr;
  return tensor != nullptr && tensor->type() == DataType::float32 ? tensor : nullptr;
}

// [N, C, H, W] of the input, -1 where a size is unknown: the weights tell how many axes there are.
std::optional<Shape> convolution_input(const Blocks& blocks, const Node& node, const Tensor& weights) {
  const ValueId input = node.inputs[0];
  if (blocks.constant(input) != nullptr || blocks.type(input).type != DataType::float32) return std::nullopt;
  const std::int64_t channels = weights.shape()[1] * node.integer("group", 1);
  Shape shape = blocks.planes_shape(input).value_or(Shape{-1, channels, -1, -1});
  return shape[1] == channels ? std::optional(std::move(shape)) : std::nullopt;
}

// Planes of a few channels are read as they are; of more, each would be a stream of its own, from pages far apart: 512 of them take twice
// as long. Nothing if the operator has no form for it.
std::optional<ops::ImageOrder> order_of_input(const Blocks& blocks, const Node& node, const Shape& weights, const Shape& input) {
  const auto has_form = [&](ops::ImageOrder order) { return ops::convolves_in_blocks(node, weights, input, order); };
  const bool reordered = !blocks.has_blocks(node.inputs[0]);
  const bool few = input[1] < 2 * blocks.lanes();
  if (reordered && (few || !blocks.planes_shape(node.inputs[0])) && has_form(ops::ImageOrder::planes)) return ops::ImageOrder::planes;
  // What is not known to have four axes cannot be reordered; and a depthwise convolution alone is never worth it.
  const bool is_depthwise = weights[1] == 1 && node.integer("group", 1) > 1;
  if (reordered && (!blocks.planes_shape(node.inputs[0]) || is_depthwise)) return std::nullopt;
  return has_form(ops::ImageOrder::blocks) ? std::optional(ops::ImageOrder::blocks) : std::nullopt;
}

// Multiplications and additions for one image; unknown sizes count as 1.
double products_of(const Blocks& blocks, ValueId output, const Shape& weights) {
  double products = static_cast<double>(element_count(weights));
  const std::optional<Shape> shape = blocks.planes_shape(output);
  if (!shape) return products;
  for (const std::size_t axis : {2, 3}) products *= static_cast<double>(std::max<std::int64_t>((*shape)[axis], 1));
  return products;
}

// A region begins at a convolution: it alone is worth reordering. One with few filters leaves registers half empty, but where its input is
// in blocks already, bringing that back would cost more.
bool convolution(Blocks& blocks, const Node& node) {
  const Tensor* weights = constant_floats(blocks, node, 1);
  if (weights == nullptr || weights->rank() != 4 || !blocks.may_move(node)) return false;
  if (node.has_input(2) && constant_floats(blocks, node, 2) == nullptr) return false;
  const std::int64_t filters = weights->shape()[0];
  if (2 * filters < blocks.lanes() && !blocks.made_in_blocks(node.inputs[0])) return false;
  const std::optional<Shape> input = convolution_input(blocks, node, *weights);
  if (!input) return false;
  if (node.has_input(3)) {
    const std::optional<Shape> addend = blocks.planes_shape(node.inputs[3]);
    if (!addend || (*addend)[1] != filters) return false;
  }
  const std::optional<ops::ImageOrder> order = order_of_input(blocks, node, weights->shape(), *input);
  if (!order) return false;
  Node moved = in_own_domain(blocks, node);
  moved.type = "Conv";
  if (*order == ops::ImageOrder::planes)
    moved.set("planes", std::int64_t{1});
  else
    moved.inputs[0] = blocks.in_blocks(node.inputs[0]);
  if (node.has_input(3)) moved.inputs[3] = blocks.in_blocks(node.inputs[3]);
  blocks.add_moved(std::move(moved), node, products_of(blocks, node.outputs[0], weights->shape()));
  return true;
}

// --- pooling

bool pooling(Blocks& blocks, const Node& node) {
  if (!blocks.made_in_blocks(node.inputs.at(0)) || node.has_output(1)) return false;  // its indices count in planes
  Node moved = in_own_domain(blocks, node);
  moved.outputs.resize(1);
  moved.remove("storage_order");
  moved.inputs[0] = blocks.in_blocks(node.inputs[0]);
  blocks.add_moved(std::move(moved), node);
  return true;
}

// --- number by number

// Bounds and the like are single numbers.
bool unary(Blocks& blocks, const Node& node) {
  if (!blocks.made_in_blocks(node.inputs.at(0)) || node.outputs.size() != 1) return false;
  Node moved = node;
  moved.inputs[0] = blocks.in_blocks(node.inputs[0]);
  for (std::size_t index = 1; index < moved.inputs.size(); ++index) {
    if (node.has_input(index)) moved.inputs[index] = blocks.in_planes(node.inputs[index]);
  }
  moved.outputs[0] = blocks.make(node.outputs[0]);
  blocks.add_moved(std::move(moved), node);
  return true;
}

// The channels that all computed operands have; nothing if they differ or none is in blocks.
std::optional<std::int64_t> common_channels(const Blocks& blocks, const Node& node) {
  std::optional<Shape> common;
  bool any = false;
  for (const ValueId id : node.inputs) {
    if (id == ValueId::none) return std::nullopt;
    if (blocks.constant(id) != nullptr) continue;
    const std::optional<Shape> shape = blocks.planes_shape(id);
    if (!shape || (common && (*common)[1] != (*shape)[1])) return std::nullopt;
    common = shape;
    any = any || blocks.made_in_blocks(id);
  }
  return any ? std::optional((*common)[1]) : std::nullopt;
}

// Operands broadcast to each other as before: batch, rows and columns stay neighbours, and all have the same channels, or one number for
// all of them.
bool broadcasting(Blocks& blocks, const Node& node) {
  const std::optional<std::int64_t> channels = common_channels(blocks, node);
  if (!channels) return false;
  std::vector<ValueId> constants(node.inputs.size(), ValueId::none);
  for (std::size_t index = 0; index < node.inputs.size(); ++index) {
    if (blocks.constant(node.inputs[index]) == nullptr) continue;
    constants[index] = blocks.constant_in_blocks(node.inputs[index], *channels);
    if (constants[index] == ValueId::none) return false;
  }
  Node moved = node;
  for (std::size_t index = 0; index < node.inputs.size(); ++index)
    moved.inputs[index] = constants[index] != ValueId::none ? constants[index] : blocks.in_blocks(node.inputs[index]);
  moved.outputs[0] = blocks.make(node.outputs[0]);
  blocks.add_moved(std::move(moved), node);
  return true;
}

// What hands its input on in a run: no node is left of it.
bool handed_on(Blocks& blocks, const Node& node) {
  if (!blocks.made_in_blocks(node.inputs.at(0)) || node.has_output(1) || node.has_input(2)) return false;
  blocks.make_same(node.outputs[0], node.inputs[0]);
  return true;
}

// --- parts

// An axis that may count from behind is the one of the channels.
bool is_channel_axis(std::int64_t axis) { return axis == 1 || axis == -3; }

// Whole blocks are joined as they are; at least half of the channels have to be there in blocks.
bool concat(Blocks& blocks, const Node& node) {
  if (!is_channel_axis(node.integer("axis", 1))) return false;
  std::int64_t made = 0;
  std::int64_t reordered = 0;
  for (const ValueId id : node.inputs) {
    const std::optional<Shape> shape = blocks.planes_shape(id);
    if (!shape || (*shape)[1] % blocks.lanes() != 0) return false;
    (blocks.made_in_blocks(id) ? made : reordered) += (*shape)[1];
  }
  if (made == 0 || made < reordered) return false;
  Node moved = node;
  moved.set("axis", std::int64_t{1});
  for (ValueId& input : moved.inputs) input = blocks.in_blocks(input);
  moved.outputs[0] = blocks.make(node.outputs[0]);
  blocks.add_moved(std::move(moved), node);
  return true;
}

// Two numbers for the batch and the channels that change nothing; then those of rows and columns.
template <class Number>
bool leaves_channels(const Tensor& numbers, Number batch, Number channels) {
  return numbers.elements() == 4 && numbers.data<Number>()[0] == batch && numbers.data<Number>()[1] == channels;
}

// The scales or sizes of five axes, made of those of four; nothing if channels are resized too.
std::optional<Tensor> resized_axes(const Blocks& blocks, const Tensor& given, const Shape& input) {
  Tensor five;
  if (given.type() == DataType::float32 && leaves_channels<float>(given, 1.0F, 1.0F)) {
    const auto scales = given.data<float>();
    five = Tensor::of<float>({5}, std::vector<float>{1.0F, 1.0F, scales[2], scales[3], 1.0F});
  } else if (given.type() == DataType::int64 && leaves_channels<std::int64_t>(given, input[0], input[1])) {
    const auto sizes = given.data<std::int64_t>();
    const std::int64_t count = (input[1] + blocks.lanes() - 1) / blocks.lanes();
    five = Tensor::of<std::int64_t>({5}, std::vector<std::int64_t>{input[0], count, sizes[2], sizes[3], blocks.lanes()});
  } else {
    return std::nullopt;
  }
  return five;
}

// Inputs: X, scales (opset 10), or X, roi, scales, sizes, of which one of the last two is there.
bool resize(Blocks& blocks, const Node& node) {
  const std::optional<Shape> input = blocks.planes_shape(node.inputs.at(0));
  if (!input || !blocks.made_in_blocks(node.inputs[0]) || node.find("axes") != nullptr || node.text("mode", "nearest") == "cubic")
    return false;
  if (node.text("coordinate_transformation_mode", "") == "tf_crop_and_resize") return false;  // its region is in numbers of four axes
  if (node.text("keep_aspect_ratio_policy", "stretch") != "stretch") return false;
  const std::size_t which = node.inputs.size() - 1;
  const Tensor* given = blocks.constant(node.inputs[which]);
  if (which == 0 || given == nullptr || (which == 3 && node.has_input(2))) return false;
  std::optional<Tensor> five = resized_axes(blocks, *given, *input);
  if (!five) return false;
  Node moved = node;
  moved.inputs[0] = blocks.in_blocks(node.inputs[0]);
  moved.inputs[which] = blocks.add_constant(blocks.name(node.inputs[which]) + "_blocks", std::move(*five));
  if (which > 1) moved.inputs[1] = ValueId::none;
  moved.outputs[0] = blocks.make(node.outputs[0]);
  blocks.add_moved(std::move(moved), node);
  return true;
}

// Equal parts, or those that an attribute or a constant lists, all of whole blocks; the first three opsets' forms of `split`.
std::optional<std::vector<std::int64_t>> parts_of(const Blocks& blocks, const Node& node, std::int64_t channels) {
  std::vector<std::int64_t> parts = node.integers("split");
  if (node.has_input(1)) {
    const Tensor* given = blocks.constant(node.inputs[1]);
    if (given == nullptr || given->type() != DataType::int64) return std::nullopt;
    parts.assign(given->data<std::int64_t>().begin(), given->data<std::int64_t>().end());
  }
  const auto count = static_cast<std::int64_t>(node.outputs.size());
  if (parts.empty() && channels % count == 0) parts.assign(node.outputs.size(), channels / count);
  const bool whole = std::ranges::all_of(parts, [&](std::int64_t part) { return part > 0 && part % blocks.lanes() == 0; });
  return whole && parts.size() == node.outputs.size() ? std::optional(std::move(parts)) : std::nullopt;
}

bool split(Blocks& blocks, const Node& node) {
  const std::optional<Shape> input = blocks.planes_shape(node.inputs.at(0));
  const auto missing = [](ValueId id) { return id == ValueId::none; };
  if (!input || !blocks.made_in_blocks(node.inputs[0]) || !is_channel_axis(node.integer("axis", 0))) return false;
  if (std::ranges::any_of(node.outputs, missing)) return false;
  std::optional<std::vector<std::int64_t>> parts = parts_of(blocks, node, (*input)[1]);
  if (!parts) return false;
  for (std::int64_t& part : *parts) part /= blocks.lanes();
  Node moved = node;
  moved.set("axis", std::int64_t{1});
  moved.inputs[0] = blocks.in_blocks(node.inputs[0]);
  if (node.has_input(1)) {
    const auto count = static_cast<std::int64_t>(parts->size());
    moved.inputs[1] = blocks.add_constant(blocks.name(node.inputs[1]) + "_blocks", Tensor::of<std::int64_t>({count}, *parts));
  } else if (node.find("split") != nullptr) {
    moved.set("split", *parts);
  }
  for (ValueId& output : moved.outputs) output = blocks.make(output);
  blocks.add_moved(std::move(moved), node);
  return true;
}

// --- the table

// Those that keep finite numbers finite: behind the last channel nothing may become NaN. So no Div, Log, Exp, Pow or Sqrt.
constexpr std::array rows = {
    Row{"Conv", "", convolution},
    Row{"FusedConv", microsoft, convolution},
    Row{"MaxPool", "", pooling},
    Row{"AveragePool", "", pooling},
    Row{"GlobalAveragePool", "", pooling},
    Row{"Abs", "", unary},
    Row{"Clip", "", unary},
    Row{"Elu", "", unary},
    Row{"HardSigmoid", "", unary},
    Row{"HardSwish", "", unary},
    Row{"LeakyRelu", "", unary},
    Row{"Mish", "", unary},
    Row{"Neg", "", unary},
    Row{"Relu", "", unary},
    Row{"Sigmoid", "", unary},
    Row{"Softplus", "", unary},
    Row{"Tanh", "", unary},
    Row{"Add", "", broadcasting},
    Row{"Max", "", broadcasting},
    Row{"Min", "", broadcasting},
    Row{"Mul", "", broadcasting},
    Row{"PRelu", "", broadcasting},
    Row{"Sub", "", broadcasting},
    Row{"Sum", "", broadcasting},
    Row{"Dropout", "", handed_on},
    Row{"Identity", "", handed_on},
    Row{"Concat", "", concat},
    Row{"Resize", "", resize},
    Row{"Split", "", split},
};

}  // namespace

const Row* find_row(const Node& node) {
  const auto found = std::ranges::find_if(rows, [&](const Row& row) { return row.type == node.type && row.domain == node.domain; });
  return found == rows.end() ? nullptr : &*found;
}

bool is_convolution(const Node& node) {
  const Row* row = find_row(node);
  return row != nullptr && row->move == convolution;
}

}  // namespace titrate::engine::blocks
