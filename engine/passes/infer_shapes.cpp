#include "engine/passes/infer_shapes.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/base/text.hpp"
#include "engine/ops/operator.hpp"
#include "engine/passes/evaluate.hpp"
#include "engine/passes/known_elements.hpp"
#include "engine/passes/subgraphs.hpp"

namespace titrate::engine {
namespace {

// The values of the enclosing graphs by name.
using Scope = std::unordered_map<std::string_view, const KnownValue*>;

std::string text_of(const std::vector<Dimension>& dimensions) {
  Shape sizes;
  for (const Dimension& dimension : dimensions) sizes.push_back(dimension.size);
  return to_text(sizes);
}

std::vector<Dimension> dimensions_of(const Shape& shape) {
  std::vector<Dimension> dimensions;
  for (const std::int64_t size : shape) dimensions.push_back({.size = size, .symbol = {}});
  return dimensions;
}

KnownValue known_constant(const std::shared_ptr<const Tensor>& tensor) {
  KnownValue value;
  value.info = {.type = tensor->type(), .shape = dimensions_of(tensor->shape())};
  value.elements = tensor;
  return value;
}

Operand operand_of_value(const KnownValue& value) {
  Operand operand{.present = true, .type = value.info.type, .shape = std::nullopt, .value = value.value()};
  if (value.info.shape) {
    operand.shape.emplace();
    for (const Dimension& dimension : *value.info.shape) operand.shape->push_back(dimension.size);
  }
  return operand;
}

// The finer of two statements about the same value. Throws where they exclude each other.
ValueInfo merged(const ValueInfo& declared, const ValueInfo& inferred, const std::string& value, const std::string& where) {
  const auto refuse = [&](const std::string& said, const std::string& found) {
    throw_invalid(cat("the file says that '", visible(value), "' is ", said, ", but it comes out as ", found), where,
                  "the model contradicts itself: export it again, or remove the stored shape");
  };
  ValueInfo result = declared;
  if (result.type == DataType::undefined) result.type = inferred.type;
  if (inferred.type != DataType::undefined && inferred.type != result.type) {
    refuse(std::string(name_of(result.type)), std::string(name_of(inferred.type)));
  }
  if (!inferred.shape) return result;
  if (!result.shape) {
    result.shape = inferred.shape;
    return result;
  }
  const auto clash = [&] { refuse(text_of(*declared.shape), text_of(*inferred.shape)); };
  if (result.shape->size() != inferred.shape->size()) clash();
  for (std::size_t axis = 0; axis < result.shape->size(); ++axis) {
    Dimension& dimension = (*result.shape)[axis];
    const Dimension& found = (*inferred.shape)[axis];
    if (!found.known()) continue;
    if (dimension.known() && dimension.size != found.size) clash();
    dimension = {.size = found.size, .symbol = {}};
  }
  return result;
}

// What holds for a value that is one or the other (the branches of an If).
ValueInfo joined(const ValueInfo& one, const ValueInfo& other) {
  ValueInfo result;
  if (one.type == other.type) result.type = one.type;
  if (!one.shape || !other.shape || one.shape->size() != other.shape->size()) return result;
  result.shape = one.shape;
  for (std::size_t axis = 0; axis < one.shape->size(); ++axis) {
    if ((*one.shape)[axis].size != (*other.shape)[axis].size) (*result.shape)[axis] = {};
  }
  return result;
}

class Walker {
 public:
  Walker(const Model& model, Inference& inference, OnFault on_fault) : model_(model), inference_(inference), on_fault_(on_fault) {}

  void walk_main(std::span<const Shape> input_shapes) {
    std::vector<ValueInfo> inputs;
    for (std::size_t index = 0; index < input_shapes.size(); ++index) {
      inputs.push_back({.type = DataType::undefined, .shape = dimensions_of(input_shapes[index])});
    }
    walk(model_.graph, inputs, {});
  }

 private:
  void walk(const Graph& graph, std::span<const ValueInfo> inputs, const Scope& enclosing) {
    std::vector<KnownValue>& values = inference_.graphs[&graph];
    values.assign(graph.values.size(), {});
    for (std::size_t index = 0; index < values.size(); ++index) {
      const Value& value = graph.values[index];
      if (value.constant) {
        values[index] = known_constant(value.constant);
      } else if (value.info) {
        values[index].info = *value.info;
      }
    }
    for (std::size_t index = 0; index < inputs.size(); ++index) {
      const auto at = static_cast<std::size_t>(graph.inputs[index]);
      values[at].info = merged(values[at].info, inputs[index], graph.values[at].name, "graph input");
    }
    for (const ValueId id : graph.outer) {
      if (const auto found = enclosing.find(graph[id].name); found != enclosing.end()) {
        values[static_cast<std::size_t>(id)] = *found->second;
      }
    }
    // std::unordered_map keeps references valid while sub-graphs are added.
    for (const Node& node : graph.nodes) visit(graph, node, values, enclosing);
  }

  void visit(const Graph& graph, const Node& node, std::vector<KnownValue>& values, const Scope& enclosing) {
    std::vector<const KnownValue*> inputs;
    for (const ValueId id : node.inputs) inputs.push_back(id == ValueId::none ? nullptr : &values[static_cast<std::size_t>(id)]);
    std::vector<ValueInfo> outputs(node.outputs.size());
    std::optional<std::vector<KnownValue>> elements;
    try {
      outputs = outputs_by_row(node, inputs);
      elements = known_outputs(node, model_.opset(node.domain), inputs);
    } catch (const Error&) {
      if (on_fault_ == OnFault::refuse) throw;
    }
    if (has_subgraph(node)) visit_subgraphs(graph, node, values, enclosing, outputs);
    store_outputs(graph, node, values, std::move(outputs), std::move(elements));
  }

  static void store_outputs(const Graph& graph, const Node& node, std::vector<KnownValue>& values, std::vector<ValueInfo> outputs,
                            std::optional<std::vector<KnownValue>> elements) {
    for (std::size_t index = 0; index < node.outputs.size(); ++index) {
      if (!node.has_output(index)) continue;
      const Value& value = graph[node.outputs[index]];
      KnownValue result;
      if (elements && index < elements->size() && (*elements)[index].elements) {
        result = std::move((*elements)[index]);
        outputs[index] = {.type = result.elements->type(), .shape = dimensions_of(result.elements->shape())};
      }
      result.info = merged(value.info.value_or(ValueInfo{}), outputs[index], value.name, node.described());
      values[static_cast<std::size_t>(node.outputs[index])] = std::move(result);
    }
  }

  [[nodiscard]] std::vector<ValueInfo> outputs_by_row(const Node& node, const std::vector<const KnownValue*>& inputs) const {
    std::vector<ValueInfo> outputs(node.outputs.size());
    const std::int64_t opset = model_.opset(node.domain);
    const OperatorDefinition* row = find_operator(node.type, node.domain, opset);
    if (row == nullptr || row->infer == nullptr) return outputs;
    std::vector<Operand> operands;
    for (const KnownValue* input : inputs) operands.push_back(input == nullptr ? Operand{} : operand_of_value(*input));
    const std::vector<OutputType> types = infer_outputs(*row, {.node = node, .opset = opset, .inputs = operands});
    for (std::size_t index = 0; index < outputs.size(); ++index) {
      outputs[index].type = types[index].type;
      if (types[index].shape) outputs[index].shape = dimensions_of(*types[index].shape);
    }
    if (const std::optional<Shape> better = shape_from_partial(node, inputs); better && !outputs.empty()) {
      outputs[0] = merged({.type = outputs[0].type, .shape = dimensions_of(*better)}, outputs[0], "", node.described());
    }
    return outputs;
  }

  void visit_subgraphs(const Graph& graph, const Node& node, const std::vector<KnownValue>& values, const Scope& enclosing,
                       std::vector<ValueInfo>& outputs) {
    Scope scope = enclosing;
    for (std::size_t index = 0; index < values.size(); ++index) scope[graph.values[index].name] = &values[index];
    std::vector<const Graph*> bodies;
    for_each_body(node, [&](const Graph& body) {
      walk(body, {}, scope);
      bodies.push_back(&body);
    });
    if (node.type != "If" || bodies.size() != 2) return;
    for (std::size_t index = 0; index < outputs.size(); ++index) {
      if (index >= bodies[0]->outputs.size() || index >= bodies[1]->outputs.size()) continue;
      const auto info = [&](const Graph* body) { return inference_.graphs[body][static_cast<std::size_t>(body->outputs[index])].info; };
      const ValueInfo either = joined(info(bodies[0]), info(bodies[1]));
      if (outputs[index].type == DataType::undefined) outputs[index].type = either.type;
      if (!outputs[index].shape) outputs[index].shape = either.shape;
    }
  }

  const Model& model_;
  Inference& inference_;
  OnFault on_fault_;
};

void check_input_shapes(const Model& model, std::span<const Shape> shapes) {
  if (shapes.empty()) return;
  const std::vector<ValueId>& inputs = model.graph.inputs;
  if (shapes.size() != inputs.size()) {
    throw_invalid(cat("the model has ", inputs.size(), " inputs, but shapes for ", shapes.size(), " are given"));
  }
  for (std::size_t index = 0; index < shapes.size(); ++index) {
    if (std::any_of(shapes[index].begin(), shapes[index].end(), [](std::int64_t size) { return size < 0; })) {
      throw_invalid(
          cat("the shape ", to_text(shapes[index]), " of input '", visible(model.graph[inputs[index]].name), "' has unknown sizes"));
    }
  }
}

void store(Graph& graph, const Inference& inference, const Graph& original) {
  const std::vector<KnownValue>& found = inference.of(original);
  for (std::size_t index = 0; index < graph.values.size(); ++index) {
    Value& value = graph.values[index];
    const ValueInfo& info = found[index].info;
    const bool says_nothing = info.type == DataType::undefined && !info.shape;
    if (says_nothing || value.info == info || value.constant) continue;
    value.info = info;
    value.value_info_message.clear();
  }
  rewrite_bodies(graph, [&](Graph& body, const Graph& from) {
    store(body, inference, from);
    return true;
  });
}

}  // namespace

const std::vector<KnownValue>& Inference::of(const Graph& graph) const {
  const auto found = graphs.find(&graph);
  if (found == graphs.end()) throw Error(ErrorCode::internal, "shapes of a graph were asked for that was not part of the inference");
  return found->second;
}

Inference infer_values(const Model& model, std::span<const Shape> input_shapes, OnFault on_fault) {
  check_input_shapes(model, input_shapes);
  Inference inference;
  Walker(model, inference, on_fault).walk_main(input_shapes);
  return inference;
}

std::vector<ValueInfo> infer_types(const Model& model, std::span<const Shape> input_shapes) {
  const Inference inference = infer_values(model, input_shapes);
  std::vector<ValueInfo> types;
  for (const KnownValue& value : inference.of(model.graph)) types.push_back(value.info);
  return types;
}

void infer_shapes(Model& model) { infer_shapes(model, {}); }

void infer_shapes(Model& model, std::span<const Shape> input_shapes) {
  const Model original = model;
  store(model.graph, infer_values(original, input_shapes), original.graph);
}

std::vector<Shape> single_sample_shapes(const Model& model) {
  std::vector<Shape> shapes;
  for (const ValueId id : model.graph.inputs) {
    const Value& value = model.graph[id];
    if (!value.info || !value.info->shape) throw_invalid(cat("the rank of input '", visible(value.name), "' is unknown"));
    shapes.emplace_back();
    for (const Dimension& dimension : *value.info->shape) shapes.back().push_back(dimension.known() ? dimension.size : 1);
  }
  return shapes;
}

}  // namespace titrate::engine
