#include "engine/passes/fold_constants.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/ops/operator.hpp"
#include "engine/passes/evaluate.hpp"
#include "engine/passes/graph_edits.hpp"
#include "engine/passes/infer_shapes.hpp"
#include "engine/passes/raise_opset.hpp"
#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {
namespace {

class Folder {
 public:
  Folder(const Model& original, FoldOptions options) : model_(original), options_(options), inference_(infer_values(original)) {
    for_each_constant(original.graph, [&](const std::string&, const Tensor& tensor) { budget_ += 4 * tensor.bytes().size(); });
  }

  std::size_t fold(Graph& graph, const Graph& original) {
    std::size_t count = 0;
    rewrite_bodies(graph, [&](Graph& body, const Graph& from) {
      const std::size_t inside = fold(body, from);
      count += inside;
      return inside > 0;
    });
    const std::vector<KnownValue>& known = inference_.of(original);
    return count + std::erase_if(graph.nodes, [&](const Node& node) { return fold_node(graph, node, known); });
  }

 private:
  bool fold_node(Graph& graph, const Node& node, const std::vector<KnownValue>& known) {
    if (node.type == "DequantizeLinear" && !options_.dequantize) return false;
    const auto stays = [&](ValueId id) { return id != ValueId::none && is_graph_output(graph, id); };
    if (has_subgraph(node) || std::any_of(node.outputs.begin(), node.outputs.end(), stays)) return false;
    if (take_known(graph, node, known)) return true;
    std::vector<Operand> operands;
    for (std::size_t index = 0; index < node.inputs.size(); ++index) {
      const Tensor* constant = graph.constant_input(node, index);
      if (constant == nullptr && node.has_input(index)) return false;
      operands.push_back(operand_of(constant));
    }
    std::optional<std::vector<Tensor>> results = evaluate(node, model_.opset(node.domain), operands, budget_);
    if (!results) return false;
    for (std::size_t index = 0; index < results->size(); ++index) {
      if (node.has_output(index)) store(graph, node.outputs[index], std::move((*results)[index]));
    }
    return true;
  }

  // What inference has computed already.
  bool take_known(Graph& graph, const Node& node, const std::vector<KnownValue>& known) {
    const auto value_of = [&](ValueId id) { return known[static_cast<std::size_t>(id)].value(); };
    const auto unknown = [&](ValueId id) { return id != ValueId::none && value_of(id) == nullptr; };
    if (node.outputs.empty() || std::any_of(node.outputs.begin(), node.outputs.end(), unknown)) return false;
    for (const ValueId id : node.outputs) {
      if (id != ValueId::none) store(graph, id, *value_of(id));
    }
    return true;
  }

  void store(Graph& graph, ValueId id, Tensor tensor) {
    budget_ -= std::min(budget_, tensor.bytes().size());
    make_constant(graph, id, std::move(tensor));
  }

  const Model& model_;
  FoldOptions options_;
  Inference inference_;
  std::size_t budget_ = std::size_t{16} << 20;
};

}  // namespace

std::size_t fold_constants(Model& model) { return fold_constants(model, {}); }

std::size_t fold_constants(Model& model, FoldOptions options) {
  const Model original = model;
  const std::size_t count = Folder(original, options).fold(model.graph, original.graph);
  if (count > 0) raise_ir_version(model, 4);
  return count;
}

}  // namespace titrate::engine
