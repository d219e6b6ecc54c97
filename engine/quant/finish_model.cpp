#include "engine/quant/finish_model.hpp"

#include <vector>

#include "engine/passes/raise_opset.hpp"
#include "engine/quant/check/check.hpp"

namespace titrate::engine {
namespace {

// Readers infer the types of inner values; in the file they take some forty bytes each.
void forget_inner_types(Model& model) {
  Graph& graph = model.graph;
  std::vector<bool> kept(graph.values.size(), false);
  for (const std::vector<ValueId>& ids : {graph.inputs, graph.outputs}) {
    for (const ValueId id : ids) kept[static_cast<std::size_t>(id)] = true;
  }
  for (std::size_t index = 0; index < kept.size(); ++index) {
    if (kept[index] || graph.values[index].is_initializer()) continue;
    graph.values[index].info.reset();
    graph.values[index].value_info_message.clear();
  }
}

}  // namespace

Model finish_model(GraphRewriter& rewriter, const Target& target) {
  const std::int64_t opset = rewriter.required_opset();
  Model model = rewriter.finish();
  if (model.opset() < opset) raise_opset(model, static_cast<int>(opset));
  forget_inner_types(model);
  model.producer_name = "titrate";
  model.producer_version.clear();
  refuse_errors(model, target);
  return model;
}

}  // namespace titrate::engine
