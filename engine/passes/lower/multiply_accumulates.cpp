#include "engine/passes/lower/multiply_accumulates.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace titrate::engine::lowering {

namespace {

enum class Kind : std::uint8_t {
  convolution,  ///< output elements x weights of one output channel
  transposed,   ///< input elements x weights of one input channel
  product,      ///< output elements x last axis of the left operand
  gemm,         ///< the same; transA moves the axis
  packed,       ///< output elements x attribute K
  recurrent,    ///< steps x batch x weights of input and state
  unknown,
};

struct Row {
  std::string_view type;
  Kind kind;
  std::size_t left = 0;     ///< the input with the data
  std::size_t weights = 1;  ///< the input with the weights
};

constexpr std::array rows = {
    Row{"Conv", Kind::convolution},
    Row{"FusedConv", Kind::convolution},
    Row{"ConvInteger", Kind::convolution},
    Row{"QLinearConv", Kind::convolution, 0, 3},
    Row{"ConvTranspose", Kind::transposed},
    Row{"MatMul", Kind::product},
    Row{"MatMulInteger", Kind::product},
    Row{"QLinearMatMul", Kind::product, 0, 3},
    Row{"MatMulIntegerToFloat", Kind::product},
    Row{"DynamicQuantizeMatMul", Kind::product},
    Row{"Gemm", Kind::gemm},
    Row{"FusedGemm", Kind::gemm},
    Row{"QGemm", Kind::gemm, 0, 3},
    Row{"MatMulNBits", Kind::packed},
    Row{"LSTM", Kind::recurrent},
    Row{"GRU", Kind::recurrent},
    Row{"RNN", Kind::recurrent},
    Row{"Einsum", Kind::unknown},
    Row{"DeformConv", Kind::unknown},
    Row{"Attention", Kind::unknown},
};

const Row* find_row(const Node& node) {
  const auto found = std::ranges::find(rows, node.type, &Row::type);
  return found == rows.end() ? nullptr : &*found;
}

class Shapes {
 public:
  Shapes(const Graph& graph, const std::vector<ValueInfo>& types) : graph_(graph), types_(types) {}

  std::optional<Shape> of(ValueId id) const {
    if (id == ValueId::none) return std::nullopt;
    if (const Tensor* constant = graph_.constant(id)) return constant->shape();
    const ValueInfo& info = types_[static_cast<std::size_t>(id)];
    if (!info.shape) return std::nullopt;
    Shape shape;
    for (const Dimension& dimension : *info.shape) {
      if (!dimension.known()) return std::nullopt;
      shape.push_back(dimension.size);
    }
    return shape;
  }
  std::optional<Shape> input(const Node& node, std::size_t index) const {
    return node.has_input(index) ? of(node.inputs[index]) : std::nullopt;
  }

 private:
  const Graph& graph_;
  const std::vector<ValueInfo>& types_;
};

// Counts fit, or the file's shapes are absurd: then the count is unknown.
std::optional<std::int64_t> product_of(std::initializer_list<std::int64_t> factors) {
  std::int64_t result = 1;
  for (const std::int64_t factor : factors) {
    if (__builtin_mul_overflow(result, factor, &result)) return std::nullopt;
  }
  return result;
}

std::int64_t elements_of_a_channel(const Shape& weights) {
  return weights.empty() || weights[0] == 0 ? 0 : element_count(weights) / weights[0];
}

std::optional<std::int64_t> of_product(const Node& node, const Row& row, const Shape& left, const Shape& output) {
  if (left.empty()) return std::nullopt;
  const bool turned = row.kind == Kind::gemm && node.integer("transA", 0) != 0;
  return product_of({element_count(output), turned ? left.front() : left.back()});
}

std::optional<std::int64_t> of_recurrent(const Shapes& shapes, const Node& node, const Shape& input, const Shape& weights) {
  const std::optional<Shape> state = shapes.input(node, 2);
  if (!state || input.size() != 3) return std::nullopt;
  return product_of({input[0] * input[1], element_count(weights) + element_count(*state)});
}

}  // namespace

bool multiplies_and_accumulates(const Node& node) { return find_row(node) != nullptr; }

std::optional<std::int64_t> multiply_accumulates(const Graph& graph, const Node& node, const std::vector<ValueInfo>& types) {
  const Row* row = find_row(node);
  if (row == nullptr) return 0;
  const Shapes shapes(graph, types);
  const std::optional<Shape> input = shapes.input(node, row->left);
  const std::optional<Shape> weights = shapes.input(node, row->weights);
  const std::optional<Shape> output = node.has_output(0) ? shapes.of(node.outputs[0]) : std::nullopt;
  switch (row->kind) {
    case Kind::convolution:
      if (!weights || !output) return std::nullopt;
      return product_of({element_count(*output), elements_of_a_channel(*weights)});
    case Kind::transposed:
      if (!weights || !input) return std::nullopt;
      return product_of({element_count(*input), elements_of_a_channel(*weights)});
    case Kind::product:
    case Kind::gemm:
      if (!input || !output) return std::nullopt;
      return of_product(node, *row, *input, *output);
    case Kind::packed:
      if (!output) return std::nullopt;
      return product_of({element_count(*output), node.integer("K", 0)});
    case Kind::recurrent:
      if (!input || !weights) return std::nullopt;
      return of_recurrent(shapes, node, *input, *weights);
    case Kind::unknown:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace titrate::engine::lowering
