#include "engine/quant/edges/edge_rewriter.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "engine/base/text.hpp"
#include "engine/passes/activation_bounds.hpp"
#include "engine/quant/edges/edge_text.hpp"
#include "engine/quant/insert_quantizers.hpp"
#include "engine/quant/integer_rules.hpp"
#include "engine/quant/stored_weights.hpp"

namespace titrate::engine {
namespace {

class EdgeRewriter {
 public:
  EdgeRewriter(GraphRewriter& rewriter, const EdgePlan& plan, const std::vector<EdgeQuantization>& quantizations)
      : rewriter_(rewriter), plan_(plan), quantizations_(quantizations), nodes_(rewriter.graph().nodes.size()) {}

  std::vector<std::string> run() {
    std::map<ValueId, std::vector<std::size_t>> items_of;
    for (std::size_t index = 0; index < plan_.items().size(); ++index) items_of[plan_.items()[index].value].push_back(index);
    for (const auto& [value, items] : items_of) rewrite(value, items);
    protect_float_layers();
    return std::move(remarks_);
  }

 private:
  using Item = EdgePlan::Item;

  [[nodiscard]] const Item& item(std::size_t index) const { return plan_.items()[index]; }

  // The codes of a value and what dequantizes them, one for each way in which an edge of it is quantized.
  struct Pair {
    const EdgeQuantization* how;
    ValueId dequantized;
    std::optional<ValueId> hidden;  // the same behind a Reshape
  };

  void rewrite(ValueId value, const std::vector<std::size_t>& items) {
    const auto made = std::ranges::find_if(items, [&](std::size_t index) { return item(index).is_output() && !item(index).is_float(); });
    const std::string name = rewriter_.graph()[value].name;
    ValueId source = value;
    std::vector<Pair> pairs;
    if (made != items.end()) {
      const Graph& graph = rewriter_.graph();
      const bool is_output = std::ranges::find(graph.outputs, value) != graph.outputs.end();
      // A graph output keeps its name behind the DequantizeLinear: what makes it now makes another value.
      if (is_output) source = make_another(value, name);
      const ValueId dequantized = pair_for(pairs, source, name, *made, is_output ? value : ValueId::none).dequantized;
      // Readers whose edges have annotations of their own follow below.
      if (dequantized != value) rewriter_.replace_readers(value, dequantized, nodes_);
    }
    for (const std::size_t index : items) {
      if (item(index).is_output()) continue;
      // An edge that stays float reads what was made.
      ValueId read = source;
      if (!item(index).is_float()) {
        Pair& pair = pair_for(pairs, source, name, index, ValueId::none);
        read = is_weight_only(item(index)) ? hidden(pair, source, name) : pair.dequantized;
      }
      rewriter_.graph().nodes[item(index).node].inputs[item(index).edge.index] = read;
    }
  }

  ValueId make_another(ValueId output, const std::string& name) {
    const ValueId computed = rewriter_.add_value(name + "_float");
    for (std::size_t index = 0; index < nodes_; ++index) {
      auto& outputs = rewriter_.graph().nodes[index].outputs;
      std::replace(outputs.begin(), outputs.end(), output, computed);
    }
    return computed;
  }

  // A product of float activations with stored weights: ONNX Runtime would make a MatMulNBits of it, which rounds the activations too.
  [[nodiscard]] bool is_weight_only(const Item& weights) const {
    const Node& node = rewriter_.graph().nodes[weights.node];
    if (!node.domain.empty() || (node.type != "MatMul" && node.type != "Gemm") || weights.edge.index != 1) return false;
    if (const Item* own = plan_.find(input_of(weights.edge.node, 0))) return own->is_float();
    const Item* made = plan_.find_made(plan_.value_at(weights.node, 0));
    return made == nullptr || made->is_float();
  }

  ValueId hidden(Pair& pair, ValueId constant, const std::string& name) {
    if (pair.hidden) return *pair.hidden;
    const Shape shape = rewriter_.graph().constant(constant)->shape();
    const ValueId target =
        rewriter_.add_constant(name + "_shape", Tensor::of<std::int64_t>({static_cast<std::int64_t>(shape.size())}, shape));
    pair.hidden = rewriter_.add_node("Reshape", name + "_Reshape", {pair.dequantized, target}, name + "_reshaped");
    return *pair.hidden;
  }

  // Behind a DequantizeLinear, ONNX Runtime quantizes the float weights of these by itself.
  void protect_float_layers() {
    const Uses uses(rewriter_.graph());
    for (std::size_t index = 0; index < nodes_; ++index) {
      const Node node = rewriter_.graph().nodes[index];
      const bool layer = node.domain.empty() && (node.type == "Conv" || node.type == "ConvTranspose" || node.type == "Gemm");
      if (!layer || rewriter_.graph().constant_input(node, 1) == nullptr || !comes_from_codes(uses, node.inputs[0])) continue;
      const ValueId unchanged = add_barrier(rewriter_, node.inputs[0], node.name + "_stays_float");
      rewriter_.graph().nodes[index].inputs[0] = unchanged;
    }
  }

  [[nodiscard]] bool comes_from_codes(const Uses& uses, ValueId value) const {
    const Graph& graph = rewriter_.graph();
    while (uses.producer(value) >= 0) {
      const Node& node = graph.nodes[static_cast<std::size_t>(uses.producer(value))];
      if (node.type == "DequantizeLinear") return graph.constant(node.inputs[0]) == nullptr;
      if (integer_rule(graph, node) != IntegerRule::pass_through && !activation_bounds(graph, node)) return false;
      value = node.inputs[0];
    }
    return false;
  }

  Pair& pair_for(std::vector<Pair>& pairs, ValueId source, const std::string& name, std::size_t index, ValueId output) {
    const EdgeQuantization& how = quantizations_[index];
    const auto known = std::ranges::find_if(pairs, [&](const Pair& pair) { return *pair.how == how; });
    if (known != pairs.end()) return *known;
    const Tensor* constant = rewriter_.graph().constant(source);
    // A copy: adding constants moves the values that hold them.
    const Tensor numbers = constant == nullptr ? Tensor{} : *constant;
    const ScaleIndex scale_of(numbers.exists() ? numbers.shape() : Shape{}, how.axis, how.block_size);
    const ValueId scale = rewriter_.add_constant(name + "_scale", Tensor::of<float>(scale_of.shape(), how.parameters.scales));
    const ValueId zero_point =
        rewriter_.add_constant(name + "_zero_point", tensor_of_codes(how.parameters.zero_points, how.type, scale_of.shape()));
    rewriter_.require_opset(opset_of(how.type, how.block_size > 0));
    const ValueId codes =
        numbers.exists() ? rewriter_.add_constant(name + "_quantized", encoded(numbers, scale_of, index))
                         : rewriter_.add_node("QuantizeLinear", name + "_QuantizeLinear", {source, scale, zero_point}, name + "_quantized");
    std::vector<Attribute> attributes;
    if (how.axis) attributes.push_back(attribute("axis", *how.axis));
    if (how.block_size > 0) attributes.push_back(attribute("block_size", how.block_size));
    if (output == ValueId::none) output = rewriter_.add_value(name + "_dequantized");
    rewriter_.add_node_for(output, "DequantizeLinear", name + "_DequantizeLinear", {codes, scale, zero_point}, std::move(attributes));
    return pairs.emplace_back(Pair{.how = &how, .dequantized = output, .hidden = std::nullopt});
  }

  Tensor encoded(const Tensor& constant, const ScaleIndex& scale_of, std::size_t index) {
    const EdgeQuantization& how = quantizations_[index];
    const auto numbers = constant.data<float>();
    std::vector<std::int32_t> codes(numbers.size());
    std::size_t saturated = 0;
    for (std::size_t place = 0; place < numbers.size(); ++place) {
      const std::size_t which = scale_of(place);
      const AffineParameters parameters{.scale = how.parameters.scales[which], .zero_point = how.parameters.zero_points[which]};
      codes[place] =
          how.type == DataType::int32 ? quantize_bias(numbers[place], parameters.scale) : quantize(numbers[place], parameters, how.range);
      const double steps = static_cast<double>(numbers[place]) / static_cast<double>(parameters.scale) + parameters.zero_point;
      // Half a step beyond the last code still is nearest to it.
      saturated += steps < how.range.least - 0.5 || steps > how.range.most + 0.5 ? 1 : 0;
    }
    if (saturated > 0) remarks_.push_back(cat(saturated, " of ", codes.size(), " numbers at ", edge_text(item(index).edge), " saturate"));
    return tensor_of_codes(codes, how.type, constant.shape());
  }

  static Tensor tensor_of_codes(const std::vector<std::int32_t>& codes, DataType type, const Shape& shape) {
    if (type == DataType::int32) return Tensor::of<std::int32_t>(shape, codes);
    if (type == DataType::uint16) return Tensor::of<std::uint16_t>(shape, narrowed<std::uint16_t>(codes));
    if (type == DataType::int16) return Tensor::of<std::int16_t>(shape, narrowed<std::int16_t>(codes));
    return pack_codes(codes, type, shape);
  }

  template <class T>
  static std::vector<T> narrowed(const std::vector<std::int32_t>& codes) {
    std::vector<T> result;
    for (const std::int32_t code : codes) result.push_back(static_cast<T>(code));
    return result;
  }

  GraphRewriter& rewriter_;
  const EdgePlan& plan_;
  const std::vector<EdgeQuantization>& quantizations_;
  std::size_t nodes_;
  std::vector<std::string> remarks_;
};

}  // namespace

std::vector<std::string> quantize_edges(GraphRewriter& rewriter, const EdgePlan& plan, const std::vector<EdgeQuantization>& quantizations) {
  return EdgeRewriter(rewriter, plan, quantizations).run();
}

}  // namespace titrate::engine
