#include "engine/passes/fold_batch_norms.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/text.hpp"
#include "engine/passes/channel_affine.hpp"
#include "engine/passes/graph_edits.hpp"
#include "engine/passes/infer_shapes.hpp"
#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {
namespace {

bool in_default_domain(const Node& node) { return node.domain.empty() || node.domain == "ai.onnx"; }

// A layer whose weights and bias can be scaled: which output channel each weight belongs to, and where the bias is.
struct Layer {
  std::size_t node = 0;       ///< holds the weights
  std::size_t bias_node = 0;  ///< holds the bias and makes the output; another than `node` for MatMul with Add
  std::size_t bias_input = 2;
  ChannelLayout layout;
  std::vector<double> bias;  ///< one for each channel, beta of Gemm multiplied in
  Shape bias_shape;
  std::int64_t outer = 1;  ///< weight index = (o * channels_in_block + c) * inner + i
  std::int64_t block = 1;  ///< channels in one of `outer` blocks
  std::int64_t inner = 1;
  std::int64_t blocks_per_group = 0;  ///< ConvTranspose: outer blocks of one group; 0: all blocks have the same channels
};

class Folder {
 public:
  Folder(Graph& graph, const std::vector<KnownValue>& known, NameSource& names)
      : graph_(graph), known_(known), names_(names), uses_(graph), gone_(graph.nodes.size(), false) {}

  std::size_t run() {
    std::size_t count = 0;
    for (std::size_t index = 0; index < graph_.nodes.size(); ++index) {
      while (!gone_[index] && fold_reader(index)) ++count;
    }
    std::size_t position = 0;
    std::erase_if(graph_.nodes, [&](const Node&) { return gone_[position++]; });
    return count;
  }

 private:
  bool fold_reader(std::size_t index) {
    const std::optional<Layer> layer = layer_at(index);
    if (!layer) return false;
    const ValueId output = graph_.nodes[layer->bias_node].outputs[0];
    const std::optional<std::size_t> reader = only_reader(uses_, output);
    if (!reader) return false;
    const Node& node = graph_.nodes[*reader];
    if (!node.has_output(0) || more_outputs_are_read(node)) return false;
    const std::optional<ChannelAffine> affine = channel_affine(graph_, node, output, layer->layout);
    if (!affine || !fits_weight_type(*layer, *affine)) return false;
    apply(*layer, *affine);
    graph_.nodes[layer->bias_node].outputs[0] = node.outputs[0];
    gone_[*reader] = true;
    return true;
  }

  [[nodiscard]] bool more_outputs_are_read(const Node& node) const {
    for (std::size_t index = 1; index < node.outputs.size(); ++index) {
      if (node.has_output(index) && (uses_.is_output(node.outputs[index]) || !uses_.readers(node.outputs[index]).empty())) return true;
    }
    return false;
  }

  [[nodiscard]] const Tensor* weight_of(const Node& node) const {
    const Tensor* weight = graph_.constant_input(node, 1);
    const bool fits = weight != nullptr && (weight->type() == DataType::float32 || weight->type() == DataType::float64) &&
                      weight->rank() >= 2 && weight->elements() > 0;
    return fits ? weight : nullptr;
  }

  [[nodiscard]] std::optional<Layer> layer_at(std::size_t index) const {
    const Node& node = graph_.nodes[index];
    if (!in_default_domain(node) || !node.has_output(0) || !node.has_input(0)) return std::nullopt;
    const Tensor* weight = weight_of(node);
    if (weight == nullptr) return std::nullopt;
    if (node.type == "Conv") return with_bias(conv(index, *weight), 1);
    if (node.type == "ConvTranspose") return with_bias(transposed_conv(index, *weight), 1);
    if (node.type == "Gemm") return with_bias(gemm(index, *weight), static_cast<double>(node.number("beta", 1)));
    if (node.type == "MatMul" && weight->rank() == 2) return product_with_bias(index, *weight);
    return std::nullopt;
  }

  // [M, C/g, k...]
  static std::optional<Layer> conv(std::size_t index, const Tensor& weight) {
    if (weight.rank() < 3) return std::nullopt;
    Layer layer;
    layer.node = layer.bias_node = index;
    layer.block = weight.shape()[0];
    layer.inner = weight.elements() / layer.block;
    const auto rank = static_cast<std::size_t>(weight.rank());
    layer.layout = {.channels = layer.block, .rank = rank, .from_right = rank - 2};
    return layer;
  }

  // [C, M/g, k...]: channel = group * M/g + second index, the group is that of the first index.
  [[nodiscard]] std::optional<Layer> transposed_conv(std::size_t index, const Tensor& weight) const {
    const std::int64_t groups = graph_.nodes[index].integer("group", 1);
    if (weight.rank() < 3 || groups < 1 || weight.shape()[0] % groups != 0) return std::nullopt;
    Layer layer;
    layer.node = layer.bias_node = index;
    layer.outer = weight.shape()[0];
    layer.block = weight.shape()[1];
    layer.inner = weight.elements() / (layer.outer * layer.block);
    layer.blocks_per_group = layer.outer / groups;
    const auto rank = static_cast<std::size_t>(weight.rank());
    layer.layout = {.channels = layer.block * groups, .rank = rank, .from_right = rank - 2};
    return layer;
  }

  [[nodiscard]] std::optional<Layer> gemm(std::size_t index, const Tensor& weight) const {
    if (weight.rank() != 2) return std::nullopt;
    Layer layer;
    layer.node = layer.bias_node = index;
    const bool transposed = graph_.nodes[index].integer("transB", 0) != 0;
    layer.outer = transposed ? 1 : weight.shape()[0];
    layer.block = transposed ? weight.shape()[0] : weight.shape()[1];
    layer.inner = transposed ? weight.shape()[1] : 1;
    layer.layout = {.channels = layer.block, .rank = 2, .from_right = 0};
    return layer;
  }

  [[nodiscard]] std::optional<Layer> product_with_bias(std::size_t index, const Tensor& weight) const {
    const Node& product = graph_.nodes[index];
    const std::optional<std::size_t> reader = only_reader(uses_, product.outputs[0]);
    if (!reader || gone_[*reader]) return std::nullopt;
    const Node& sum = graph_.nodes[*reader];
    if (sum.type != "Add" || !in_default_domain(sum) || sum.inputs.size() != 2 || !sum.has_output(0)) return std::nullopt;
    Layer layer;
    layer.node = index;
    layer.bias_node = *reader;
    layer.bias_input = sum.inputs[0] == product.outputs[0] ? 1 : 0;
    layer.outer = weight.shape()[0];
    layer.block = weight.shape()[1];
    layer.layout = {.channels = layer.block, .rank = 0, .from_right = 0};
    const auto& shape = known_[static_cast<std::size_t>(product.outputs[0])].info.shape;
    if (shape) layer.layout.rank = shape->size();
    if (graph_.constant_input(sum, layer.bias_input) == nullptr) return std::nullopt;
    return with_bias(layer, 1);
  }

  [[nodiscard]] std::optional<Layer> with_bias(std::optional<Layer> layer, double factor) const {
    if (!layer) return std::nullopt;
    const Node& node = graph_.nodes[layer->bias_node];
    const auto channels = static_cast<std::size_t>(layer->layout.channels);
    if (!node.has_input(layer->bias_input)) {
      layer->bias.assign(channels, 0);
      layer->bias_shape = {layer->layout.channels};
      return layer;
    }
    const Tensor* bias = graph_.constant_input(node, layer->bias_input);
    if (bias == nullptr) return std::nullopt;
    // The bias of a convolution is one-dimensional: it does not broadcast.
    const bool of_conv = node.type == "Conv" || node.type == "ConvTranspose";
    const ChannelLayout layout = of_conv ? ChannelLayout{layer->layout.channels, 1, 0} : layer->layout;
    const auto numbers = channel_numbers(*bias, layout);
    if (!numbers) return std::nullopt;
    layer->bias = *numbers;
    for (double& number : layer->bias) number *= factor;
    layer->bias_shape = bias->shape();
    if (bias->elements() != layer->layout.channels) layer->bias_shape = {layer->layout.channels};
    return layer;
  }

  // Weights that leave the range of their type would turn a sound model into one of infinities.
  [[nodiscard]] bool fits_weight_type(const Layer& layer, const ChannelAffine& affine) const {
    if (weight_of(graph_.nodes[layer.node])->type() == DataType::float64) return true;
    const auto fits = [](double number) { return std::abs(number) < 1e30; };
    return std::all_of(affine.scale.begin(), affine.scale.end(), fits) && std::all_of(affine.shift.begin(), affine.shift.end(), fits);
  }

  void apply(const Layer& layer, const ChannelAffine& affine) {
    Node& node = graph_.nodes[layer.node];
    const bool scales = std::any_of(affine.scale.begin(), affine.scale.end(), [](double scale) { return scale != 1; });
    const Tensor& weight = *weight_of(node);
    const DataType type = weight.type();
    if (scales) {
      Tensor scaled =
          type == DataType::float32 ? scaled_weight<float>(layer, weight, affine) : scaled_weight<double>(layer, weight, affine);
      replace_constant_input(graph_, uses_, names_, node, 1, std::move(scaled), node.name + "_weight");
    }
    Node& holder = graph_.nodes[layer.bias_node];
    Tensor bias = type == DataType::float32 ? moved_bias<float>(layer, affine) : moved_bias<double>(layer, affine);
    replace_constant_input(graph_, uses_, names_, holder, layer.bias_input, std::move(bias), holder.name + "_bias");
    if (holder.type == "Gemm") holder.remove("beta");
  }

  template <class T>
  static Tensor scaled_weight(const Layer& layer, const Tensor& weight, const ChannelAffine& affine) {
    Tensor result = Tensor::uninitialized(weight.type(), weight.shape());
    const auto source = weight.data<T>();
    const auto target = result.mutable_data<T>();
    std::size_t at = 0;
    for (std::int64_t outer = 0; outer < layer.outer; ++outer) {
      const std::int64_t first = layer.blocks_per_group == 0 ? 0 : outer / layer.blocks_per_group * layer.block;
      for (std::int64_t channel = first; channel < first + layer.block; ++channel) {
        const double scale = affine.scale[static_cast<std::size_t>(channel)];
        for (std::int64_t index = 0; index < layer.inner; ++index, ++at) {
          target[at] = static_cast<T>(static_cast<double>(source[at]) * scale);
        }
      }
    }
    return result;
  }

  template <class T>
  static Tensor moved_bias(const Layer& layer, const ChannelAffine& affine) {
    std::vector<T> numbers;
    for (std::size_t channel = 0; channel < layer.bias.size(); ++channel) {
      numbers.push_back(static_cast<T>(layer.bias[channel] * affine.scale[channel] + affine.shift[channel]));
    }
    return Tensor::of(layer.bias_shape, numbers);
  }

  Graph& graph_;
  const std::vector<KnownValue>& known_;
  NameSource& names_;
  Uses uses_;
  std::vector<bool> gone_;
};

std::size_t fold(Graph& graph, const Graph& original, const Inference& inference, NameSource& names) {
  std::size_t count = 0;
  rewrite_bodies(graph, [&](Graph& body, const Graph& from) {
    const std::size_t inside = fold(body, from, inference, names);
    count += inside;
    return inside > 0;
  });
  return count + Folder(graph, inference.of(original), names).run();
}

}  // namespace

std::size_t fold_batch_norms(Model& model) {
  const Model original = model;
  NameSource names = names_of(model);
  return fold(model.graph, original.graph, infer_values(original), names);
}

}  // namespace titrate::engine
