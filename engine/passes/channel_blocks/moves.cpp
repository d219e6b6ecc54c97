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

// Planes of a few channels are read as they are; of more, each would be a stream of its own, from pages far apart: 512 of them take twice as
// long. Nothing if the operator has no form for it.
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
    Row{"Identity", "", unary},
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
    Row{"Concat", "", concat},
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
