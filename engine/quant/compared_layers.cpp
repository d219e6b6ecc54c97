#include "engine/quant/compared_layers.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "engine/base/float8.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/constant_cones.hpp"
#include "engine/quant/integer_rules.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {
namespace {

bool is_weighted(const Node& node) {
  constexpr std::array types = {"Conv", "ConvTranspose", "Gemm", "MatMul"};
  return node.domain.empty() && std::find(types.begin(), types.end(), node.type) != types.end();
}

// Nodes that multiply codes: their output becomes numbers some nodes later.
bool computes_on_codes(const Node& node) {
  constexpr std::array types = {"MatMulInteger", "ConvInteger", "MatMulNBits", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"};
  return node.type.starts_with("QLinear") || node.type == "QGemm" || std::find(types.begin(), types.end(), node.type) != types.end();
}

bool is_quantizer(const Node& node) {
  return node.type == "QuantizeLinear" || node.type == "DequantizeLinear" || node.type == "DynamicQuantizeLinear";
}

// The numbers that have a code.
struct Extent {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

Extent extent_of(DataType type, const Tensor* scale, const Tensor* zero_point) {
  if (scale == nullptr || scale->type() != DataType::float32 || scale->elements() != 1) return {};
  const float step = scale->data<float>()[0];
  if (type == DataType::float8e4m3fn) return {-step * float8e4m3fn.largest, step * float8e4m3fn.largest};
  if (type == DataType::float8e5m2) return {-step * float8e5m2.largest, step * float8e5m2.largest};
  if (!is_integer(type) || bits_of(type) > 16) return {};
  const double zero = zero_point == nullptr ? 0 : to_doubles(*zero_point)[0];
  const double codes = std::ldexp(1.0, bits_of(type));
  const double least = is_signed_integer(type) ? -codes / 2 : 0;
  return {static_cast<float>((least - zero) * static_cast<double>(step)),
          static_cast<float>((least + codes - 1 - zero) * static_cast<double>(step))};
}

int bits_in_use(const Tensor& codes) {
  if (!is_integer(codes.type()) || codes.elements() == 0) return bits_of(codes.type());
  const std::vector<double> numbers = to_doubles(codes);
  const auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
  return std::max(1, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(*most - *least))));
}

Tensor scaled(const Tensor& tensor, float factor) {
  if (factor == 1) return tensor;
  std::vector<float> numbers(tensor.data<float>().begin(), tensor.data<float>().end());
  for (float& number : numbers) number *= factor;
  return Tensor::of<float>(tensor.shape(), numbers);
}

bool reads_transposed(const Node& node, std::size_t input) {
  return node.type == "Gemm" && input < 2 && node.integer(input == 0 ? "transA" : "transB", 0) != 0;
}

Tensor transposed(const Tensor& matrix) {
  const std::int64_t rows = matrix.shape()[0];
  const std::int64_t columns = matrix.shape()[1];
  Tensor result = Tensor::uninitialized(DataType::float32, {columns, rows});
  const auto from = matrix.data<float>();
  const auto to = result.mutable_data<float>();
  for_each_transposed(rows, columns, [&](std::size_t own, std::size_t other) { to[other] = from[own]; });
  return result;
}

bool is_float32(const Tensor* tensor) { return tensor != nullptr && tensor->type() == DataType::float32; }

class Matcher {
 public:
  Matcher(const Model& reference, const Model& quantized)
      : float_(reference.graph), float_uses_(reference.graph), graph_(quantized.graph), uses_(quantized.graph), constants_(quantized) {
    for (std::size_t index = 0; index < float_.values.size(); ++index)
      float_ids_.emplace(float_.values[index].name, ValueId{static_cast<std::uint32_t>(index)});
    for (const Node& node : float_.nodes) float_nodes_.emplace(node.name, &node);
  }

  LayerMatch match() {
    name_values();
    for (std::size_t index = 0; index < graph_.nodes.size(); ++index) find_sources(graph_.nodes[index]);
    for (std::size_t index = 0; index < graph_.nodes.size(); ++index) visit(index);
    return std::move(match_);
  }

 private:
  void name_values() {
    for (std::size_t index = 0; index < graph_.values.size(); ++index) {
      const auto found = float_ids_.find(graph_.values[index].name);
      if (graph_.values[index].is_initializer() || found == float_ids_.end() || float_[found->second].is_initializer()) continue;
      match_.float_values.emplace(ValueId{static_cast<std::uint32_t>(index)}, graph_.values[index].name);
    }
  }

  // A quantized graph output keeps its name behind DequantizeLinear; before QuantizeLinear stands the same number, not rounded.
  void find_sources(const Node& node) {
    if (node.type != "DequantizeLinear" || !node.has_input(0) || !node.has_output(0) || uses_.producer(node.inputs[0]) < 0) return;
    const Node& before = graph_.nodes[static_cast<std::size_t>(uses_.producer(node.inputs[0]))];
    if (before.type != "QuantizeLinear" || !before.has_input(0)) return;
    const ValueId source = before.inputs[0];
    match_.sources.emplace(node.outputs[0], source);
    const auto named = match_.float_values.find(node.outputs[0]);
    if (named != match_.float_values.end()) match_.float_values.emplace(source, named->second);
  }

  // Before a barrier (Max with the least number) stands the same value.
  ValueId without_barrier(ValueId id) const {
    const int producer = uses_.producer(id);
    if (producer < 0 || !is_barrier(graph_.nodes[static_cast<std::size_t>(producer)])) return id;
    return graph_.nodes[static_cast<std::size_t>(producer)].inputs[0];
  }

  bool is_barrier(const Node& node) const {
    if (node.type != "Max" || node.inputs.size() != 2) return false;
    const Tensor* least = graph_.constant_input(node, 1);
    return is_float32(least) && least->elements() == 1 && least->data<float>()[0] == std::numeric_limits<float>::lowest();
  }

  bool only_moves(const Node& node) const {
    return is_barrier(node) || node.type == "Identity" || integer_rule(graph_, node) == IntegerRule::pass_through;
  }

  void visit(std::size_t index) {
    const Node& node = graph_.nodes[index];
    if (!node.has_output(0)) return;
    if (computes_on_codes(node)) return visit_codes(index);
    // The rounding of a graph output is a step of its own.
    if (match_.sources.contains(node.outputs[0]) && match_.float_values.contains(node.outputs[0])) return visit_output(index);
    if (is_quantizer(node) || only_moves(node) || constants_.find(node.outputs[0]) != nullptr) return;
    ComparedLayer layer{.name = node.name, .type = node.type, .node = index, .output = node.outputs[0]};
    const Node* counterpart = find_output(layer);
    for (std::size_t input = 0; input < node.inputs.size(); ++input) read_input(layer, counterpart, input);
    if (layer.activations.empty() && !layer.weights && !layer.bias) return;
    keep(std::move(layer));
  }

  void visit_output(std::size_t index) {
    const ValueId output = graph_.nodes[index].outputs[0];
    ComparedLayer layer{.name = graph_[output].name, .type = "QuantizeLinear", .node = index, .output = output};
    layer.float_output = match_.float_values.at(output);
    layer.activations.push_back(quantized_read(0, output));
    keep(std::move(layer));
  }

  // Products of codes become numbers behind Cast, Mul, Add ...: the first value that the float model has too is the layer's.
  void visit_codes(std::size_t index) {
    const Node& node = graph_.nodes[index];
    ComparedLayer layer{
        .name = node.name, .type = node.type, .node = index, .output = node.outputs[0], .float_output = {}, .separable = false};
    while (!match_.float_values.contains(layer.output)) {
      const std::vector<int>& readers = uses_.readers(layer.output);
      if (readers.size() != 1 || computes_on_codes(graph_.nodes[static_cast<std::size_t>(readers[0])])) {
        match_.unmatched.push_back(
            {node.name, node.type,
             "its output stays codes: only models with QuantizeLinear and DequantizeLinear have the float model's values"});
        return;
      }
      const Node& reader = graph_.nodes[static_cast<std::size_t>(readers[0])];
      if (!reader.has_output(0)) return;
      layer.output = reader.outputs[0];
    }
    layer.float_output = match_.float_values.at(layer.output);
    if (node.type == "MatMulInteger") read_integer_weights(layer);
    const bool known =
        std::any_of(match_.layers.begin(), match_.layers.end(), [&](const ComparedLayer& other) { return other.output == layer.output; });
    if (!known) keep(std::move(layer));
  }

  // The numbers that the codes of a MatMulInteger's second input stand for: a scale for all or one for each column, with which the product
  // is multiplied behind it, alone or together with the input's scale.
  void read_integer_weights(ComparedLayer& layer) {
    const Node& node = graph_.nodes[layer.node];
    const Tensor* codes = graph_.constant_input(node, 1);
    const Tensor* zero_points = graph_.constant_input(node, 3);
    const Tensor* scales = product_scales(node);
    if (codes == nullptr || codes->rank() != 2 || scales == nullptr || (node.has_input(3) && zero_points == nullptr)) return;
    const auto columns = static_cast<std::size_t>(codes->shape()[1]);
    const std::vector<double> zeros = zero_points == nullptr ? std::vector{0.0} : to_doubles(*zero_points);
    const auto one_each = [&](std::size_t count) { return count == 1 || count == columns; };
    if (!one_each(zeros.size()) || !one_each(static_cast<std::size_t>(scales->elements()))) return;
    std::vector<float> numbers;
    for (const double code : to_doubles(*codes)) {
      const std::size_t column = numbers.size() % columns;
      const double scale = static_cast<double>(scales->data<float>()[scales->elements() == 1 ? 0 : column]);
      numbers.push_back(static_cast<float>((code - zeros[zeros.size() == 1 ? 0 : column]) * scale));
    }
    const Node* counterpart = find_output(layer);
    // Where alpha went is not known here.
    if (counterpart != nullptr && counterpart->number("alpha", 1) != 1) return;
    layer.weights = {.input = 1,
                     .type = codes->type(),
                     .bits = bits_in_use(*codes),
                     .codes = *codes,
                     .numbers = Tensor::of<float>(codes->shape(), numbers),
                     .wanted = wanted_for(layer, counterpart, 1)};
  }

  const Tensor* product_scales(const Node& node) const {
    const Node* reader = &node;
    for (int step = 0; step < 2; ++step) {
      const std::vector<int>& readers = uses_.readers(reader->outputs[0]);
      if (readers.size() != 1) return nullptr;
      reader = &graph_.nodes[static_cast<std::size_t>(readers[0])];
      if (reader->type != (step == 0 ? "Cast" : "Mul") || !reader->has_output(0)) return nullptr;
    }
    // Of Mul(product, scale) or Mul(product, Mul(input scale, scale)).
    const auto constant_of = [&](const Node& product) -> const Tensor* {
      for (std::size_t input = 0; input < product.inputs.size(); ++input) {
        if (const Tensor* constant = graph_.constant_input(product, input); is_float32(constant)) return constant;
      }
      return nullptr;
    };
    for (const ValueId input : reader->inputs) {
      const int producer = uses_.producer(input);
      if (producer < 0 || graph_.nodes[static_cast<std::size_t>(producer)].type != "Mul") continue;
      if (const Tensor* scale = constant_of(graph_.nodes[static_cast<std::size_t>(producer)])) return scale;
    }
    return constant_of(*reader);
  }

  // Finds what the layer's output is called in the float model, and the node there: by its own name, or else by its output.
  const Node* find_output(ComparedLayer& layer) const {
    const auto same_name = float_nodes_.find(layer.name);
    const Node* counterpart = same_name == float_nodes_.end() ? nullptr : same_name->second;
    if (const auto named = match_.float_values.find(layer.output); named != match_.float_values.end()) layer.float_output = named->second;
    if (counterpart == nullptr && !layer.float_output.empty()) {
      const int producer = float_uses_.producer(float_ids_.at(layer.float_output));
      if (producer >= 0) counterpart = &float_.nodes[static_cast<std::size_t>(producer)];
    }
    return counterpart;
  }

  QuantizedRead quantized_read(std::size_t input, ValueId dequantized) const {
    const Node& node = graph_.nodes[static_cast<std::size_t>(uses_.producer(dequantized))];
    const Node& before = graph_.nodes[static_cast<std::size_t>(uses_.producer(node.inputs[0]))];
    const Tensor* zero_point = graph_.constant_input(before, 2);
    QuantizedRead read{.input = input,
                       .source = match_.sources.at(dequantized),
                       .dequantized = dequantized,
                       .type = zero_point == nullptr ? DataType::uint8 : zero_point->type()};
    const Extent extent = extent_of(read.type, graph_.constant_input(before, 1), zero_point);
    read.low = extent.low;
    read.high = extent.high;
    return read;
  }

  void read_input(ComparedLayer& layer, const Node* counterpart, std::size_t input) {
    const Node& node = graph_.nodes[layer.node];
    if (!node.has_input(input)) return;
    const ValueId id = without_barrier(node.inputs[input]);
    if (match_.sources.contains(id)) {
      layer.activations.push_back(quantized_read(input, id));
      return;
    }
    const Tensor* numbers = constants_.find(node.inputs[input]);
    if (!is_float32(numbers)) return;
    const Tensor* codes = constants_.codes(node.inputs[input]);
    const bool is_bias = is_weighted(node) && input == 2;
    StoredParameter stored{.input = input,
                           .type = codes == nullptr ? DataType::float32 : codes->type(),
                           .bits = codes == nullptr ? 32 : bits_in_use(*codes),
                           .codes = codes == nullptr ? Tensor() : *codes,
                           .numbers = *numbers,
                           .wanted = wanted_for(layer, counterpart, input)};
    // Floats that are the float model's are not quantized; others were changed for quantization.
    if (codes == nullptr && (!is_weighted(node) || !differs(stored))) return;
    std::optional<StoredParameter>& place = is_bias ? layer.bias : layer.weights;
    if (!place) place = std::move(stored);
  }

  static bool differs(const StoredParameter& stored) {
    return stored.wanted.exists() && !std::ranges::equal(stored.wanted.bytes(), stored.numbers.bytes());
  }

  // The float model's numbers for an input, in the form in which the quantized node reads them: alpha and beta may have gone into them.
  Tensor wanted_for(const ComparedLayer& layer, const Node* counterpart, std::size_t input) {
    const Node& node = graph_.nodes[layer.node];
    const Tensor* wanted = counterpart == nullptr ? nullptr : float_.constant_input(*counterpart, input);
    if (wanted == nullptr && input == 2) return added_bias(layer);
    if (!is_float32(wanted)) return {};
    const auto factor = [&](const char* name) { return counterpart->number(name, 1) / node.number(name, 1); };
    const bool product = node.type == "Gemm" && counterpart->type == "Gemm";
    const bool turned = wanted->rank() == 2 && reads_transposed(node, input) != reads_transposed(*counterpart, input);
    const auto result = scaled(turned ? transposed(*wanted) : *wanted, product && input == 1   ? factor("alpha")
                                                                       : product && input == 2 ? factor("beta")
                                                                                               : 1.0F);
    const Tensor* own = own_numbers(layer, input);
    if (own == nullptr || result.elements() != own->elements()) return {};
    return result.shape() == own->shape() ? result : input == 2 ? result.reshaped(own->shape()) : Tensor{};
  }

  const Tensor* own_numbers(const ComparedLayer& layer, std::size_t input) {
    return constants_.find(graph_.nodes[layer.node].inputs[input]);
  }

  // A MatMul that took over the Add of a constant behind it has a bias that the float model's node has not.
  Tensor added_bias(const ComparedLayer& layer) {
    if (layer.float_output.empty()) return {};
    const int producer = float_uses_.producer(float_ids_.at(layer.float_output));
    const Tensor* own = own_numbers(layer, 2);
    if (producer < 0 || own == nullptr) return {};
    const Node& add = float_.nodes[static_cast<std::size_t>(producer)];
    if (add.type != "Add") return {};
    for (std::size_t input = 0; input < 2; ++input) {
      const Tensor* constant = float_.constant_input(add, input);
      if (!is_float32(constant)) continue;
      if (constant->elements() == own->elements()) return constant->reshaped(own->shape());
      if (constant->elements() == 1)
        return Tensor::of<float>(own->shape(), std::vector<float>(static_cast<std::size_t>(own->elements()), constant->data<float>()[0]));
    }
    return {};
  }

  void keep(ComparedLayer layer) {
    if (layer.float_output.empty() || !float_ids_.contains(layer.float_output)) {
      match_.unmatched.push_back({layer.name, layer.type, cat("the float model has no value '", visible(graph_[layer.output].name), "'")});
      return;
    }
    match_.float_values.emplace(layer.output, layer.float_output);
    match_.layers.push_back(std::move(layer));
  }

  const Graph& float_;
  Uses float_uses_;
  const Graph& graph_;
  Uses uses_;
  ConstantCones constants_;
  std::unordered_map<std::string, ValueId> float_ids_;
  std::unordered_map<std::string, const Node*> float_nodes_;
  LayerMatch match_;
};

}  // namespace

LayerMatch match_layers(const Model& reference, const Model& quantized) { return Matcher(reference, quantized).match(); }

}  // namespace titrate::engine
