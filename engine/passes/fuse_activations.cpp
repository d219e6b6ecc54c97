#include "engine/passes/fuse_activations.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "engine/ops/bf16_product.hpp"
#include "engine/passes/graph_edits.hpp"
#include "engine/passes/infer_shapes.hpp"
#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {
namespace {

bool in_default_domain(const Node& node) { return node.domain.empty() || node.domain == "ai.onnx"; }
// Operators on bfloat16 numbers have the same fused forms in their own domain.
bool has_fused_form(const Node& node) { return in_default_domain(node) || node.domain == ops::bf16_domain; }

struct FoundActivation {
  std::string name;
  std::vector<float> numbers;
};

class Fuser {
 public:
  Fuser(Graph& graph, const std::vector<KnownValue>& known, std::int64_t opset)
      : graph_(graph), known_(known), opset_(opset), uses_(graph), gone_(graph.nodes.size(), false) {}

  // From the back: of two convolutions that an Add joins the later one takes it, when the other's output is there already.
  std::size_t run() {
    std::size_t count = 0;
    for (std::size_t index = graph_.nodes.size(); index-- > 0;) {
      if (!gone_[index]) count += fuse(index);
    }
    std::size_t position = 0;
    std::erase_if(graph_.nodes, [&](const Node&) { return gone_[position++]; });
    return count;
  }

 private:
  std::size_t fuse(std::size_t index) {
    const Node& node = graph_.nodes[index];
    if (!has_fused_form(node) || node.outputs.size() != 1 || !node.has_output(0)) return 0;
    if (known(node.outputs[0]).info.type != DataType::float32) return 0;
    if (node.type == "Conv") {
      const std::size_t sums = fuse_sum(index);
      const std::size_t activations = fuse_activation(index, "FusedConv");
      return sums + (activations > 0 ? activations : fuse_swish(index));
    }
    if (node.type == "Gemm" && opset_ >= 11) return fuse_activation(index, "FusedGemm");
    return 0;
  }

  // The Add becomes input 3 of the convolution, if it joins tensors of one shape and its other one is computed before the convolution.
  std::size_t fuse_sum(std::size_t index) {
    const std::optional<std::size_t> reader = reader_of(index, "Add");
    if (!reader) return 0;
    const Node& sum = graph_.nodes[*reader];
    const ValueId own = graph_.nodes[index].outputs[0];
    const ValueId other = sum.inputs[sum.inputs[0] == own ? 1 : 0];
    if (!same_known_shape(own, other) || !computed_before(other, index)) return 0;
    std::vector<ValueId>& inputs = graph_.nodes[index].inputs;
    inputs.resize(3, ValueId::none);
    inputs.push_back(other);
    become(index, "FusedConv");
    take_over(index, *reader);
    return 1;
  }

  std::size_t fuse_activation(std::size_t index, const std::string& type) {
    const std::optional<std::size_t> reader = reader_of(index, {});
    if (!reader) return 0;
    const std::optional<FoundActivation> activation = activation_at(graph_.nodes[*reader], graph_.nodes[index].outputs[0]);
    if (!activation || (type == "FusedGemm" && activation->name == "Clip")) return 0;
    Node& node = graph_.nodes[index];
    node.set("activation", activation->name);
    if (type == "FusedConv" && !activation->numbers.empty()) node.set("activation_params", activation->numbers);
    if (type == "FusedGemm") {
      constexpr std::string_view names[] = {"activation_alpha", "activation_beta"};
      for (std::size_t at = 0; at < activation->numbers.size(); ++at) node.set(names[at], activation->numbers[at]);
    }
    become(index, type);
    take_over(index, *reader);
    return 1;
  }

  // x * Sigmoid(x): two nodes read the convolution, and one of them the other.
  std::size_t fuse_swish(std::size_t index) {
    const ValueId own = graph_.nodes[index].outputs[0];
    if (uses_.is_output(own) || uses_.readers(own).size() != 2) return 0;
    for (const int reader : uses_.readers(own)) {
      const auto sigmoid = static_cast<std::size_t>(reader);
      if (gone_[sigmoid] || graph_.nodes[sigmoid].type != "Sigmoid" || !in_default_domain(graph_.nodes[sigmoid])) continue;
      const ValueId gate = graph_.nodes[sigmoid].outputs[0];
      const std::optional<std::size_t> product = reader_of(sigmoid, "Mul");
      if (!product) continue;
      const std::vector<ValueId>& factors = graph_.nodes[*product].inputs;
      if (factors != std::vector<ValueId>{own, gate} && factors != std::vector<ValueId>{gate, own}) continue;
      graph_.nodes[index].set("activation", std::string("Swish"));
      graph_.nodes[index].set("activation_params", std::vector<float>{1.0F});
      become(index, "FusedConv");
      take_over(index, *product);
      gone_[sigmoid] = true;
      return 1;
    }
    return 0;
  }

  // The only reader of a node's output, of the type asked for; nobody else may know the value.
  [[nodiscard]] std::optional<std::size_t> reader_of(std::size_t index, std::string_view type) const {
    const std::optional<std::size_t> reader = only_reader(uses_, graph_.nodes[index].outputs[0]);
    if (!reader || gone_[*reader]) return std::nullopt;
    const Node& node = graph_.nodes[*reader];
    const bool fits = in_default_domain(node) && node.outputs.size() == 1 && node.has_output(0) && (type.empty() || node.type == type);
    return fits ? reader : std::nullopt;
  }

  [[nodiscard]] std::optional<FoundActivation> activation_at(const Node& node, ValueId input) const {
    if (node.inputs.empty() || node.inputs[0] != input) return std::nullopt;
    if (node.type == "Relu" || node.type == "Sigmoid" || node.type == "Tanh") return FoundActivation{node.type, {}};
    if (node.type == "LeakyRelu") return FoundActivation{node.type, {node.number("alpha", 0.01F)}};
    if (node.type == "HardSigmoid") return FoundActivation{node.type, {node.number("alpha", 0.2F), node.number("beta", 0.5F)}};
    if (node.type == "Clip") return clip(node);
    return std::nullopt;
  }

  // Bounds are attributes up to opset 10 (where absent ones are the largest numbers), constant inputs from 11 on (where they are not
  // there).
  [[nodiscard]] std::optional<FoundActivation> clip(const Node& node) const {
    using Limits = std::numeric_limits<float>;
    if (opset_ < 11) return FoundActivation{"Clip", {node.number("min", Limits::lowest()), node.number("max", Limits::max())}};
    std::vector<float> bounds = {-Limits::infinity(), Limits::infinity()};
    for (std::size_t at = 0; at < 2; ++at) {
      if (!node.has_input(at + 1)) continue;
      const Tensor* bound = known(node.inputs[at + 1]).value();
      if (bound == nullptr || bound->type() != DataType::float32 || bound->elements() != 1) return std::nullopt;
      bounds[at] = bound->data<float>()[0];
    }
    return FoundActivation{"Clip", bounds};
  }

  [[nodiscard]] bool same_known_shape(ValueId one, ValueId other) const {
    if (one == ValueId::none || other == ValueId::none || one == other) return false;
    const ValueInfo& left = known(one).info;
    const ValueInfo& right = known(other).info;
    if (left.type != right.type || !left.shape || !right.shape || left.shape->size() != right.shape->size()) return false;
    for (std::size_t axis = 0; axis < left.shape->size(); ++axis) {
      const Dimension& here = (*left.shape)[axis];
      const Dimension& there = (*right.shape)[axis];
      const bool same_name = !here.symbol.empty() && here.symbol == there.symbol;
      if (here.size != there.size || (!here.known() && !same_name)) return false;
    }
    return true;
  }

  [[nodiscard]] bool computed_before(ValueId id, std::size_t index) const { return uses_.producer(id) < static_cast<int>(index); }

  void become(std::size_t index, const std::string& type) {
    graph_.nodes[index].type = type;
    if (in_default_domain(graph_.nodes[index])) graph_.nodes[index].domain = "com.microsoft";
  }

  void take_over(std::size_t index, std::size_t reader) {
    graph_.nodes[index].outputs[0] = graph_.nodes[reader].outputs[0];
    gone_[reader] = true;
  }

  [[nodiscard]] const KnownValue& known(ValueId id) const { return known_[static_cast<std::size_t>(id)]; }

  Graph& graph_;
  const std::vector<KnownValue>& known_;
  std::int64_t opset_;
  Uses uses_;
  std::vector<bool> gone_;
};

std::size_t fuse(Graph& graph, const Graph& original, const Inference& inference, std::int64_t opset) {
  std::size_t count = 0;
  rewrite_bodies(graph, [&](Graph& body, const Graph& from) {
    const std::size_t inside = fuse(body, from, inference, opset);
    count += inside;
    return inside > 0;
  });
  return count + Fuser(graph, inference.of(original), opset).run();
}

}  // namespace

std::size_t fuse_activations(Model& model) {
  const Model original = model;
  const std::size_t count = fuse(model.graph, original.graph, infer_values(original), model.opset());
  if (count > 0 && model.opset("com.microsoft") == 0) model.set_opset("com.microsoft", 1);
  return count;
}

}  // namespace titrate::engine
