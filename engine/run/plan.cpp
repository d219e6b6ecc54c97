// Prepares a graph for running: types are inferred, constants folded, every other node prepared, and the last reader of each value found.
#include <algorithm>

#include "engine/ops/words.hpp"
#include "engine/run/plan_parts.hpp"

namespace titrate::engine {
namespace {

class Planner {
 public:
  explicit Planner(const Model& model) : model_(model) {
    refuse_unsupported();
    parts_.graph = model.graph;
    parts_.constants.resize(model.graph.values.size());
    known_.resize(model.graph.values.size());
    for (std::size_t index = 0; index < model.graph.values.size(); ++index) learn_from_file(index);
  }

  Plan::Parts plan() {
    for (std::size_t index = 0; index < parts_.graph.nodes.size(); ++index) plan_node(index);
    find_last_readers();
    find_places();
    drop_unread_constants();
    return std::move(parts_);
  }

 private:
  void refuse_unsupported() const {
    const std::vector<std::string> unsupported = unsupported_operators(model_);
    if (unsupported.empty()) return;
    throw_invalid(cat("the model uses operators that titrate does not know: ", join(unsupported, ", ")), {},
                  "export the model with other operators, or ask for these to be added");
  }

  void learn_from_file(std::size_t index) {
    const Value& value = parts_.graph.values[index];
    if (value.constant) {
      parts_.constants[index] = *value.constant;
      learn_constant(index);
      return;
    }
    known_[index].present = true;
    if (!value.info) return;
    known_[index].type = value.info->type;
    if (!value.info->shape) return;
    Shape shape;
    for (const Dimension& dimension : *value.info->shape) shape.push_back(dimension.size);
    known_[index].shape = std::move(shape);
  }

  void learn_constant(std::size_t index) {
    const Tensor& tensor = parts_.constants[index];
    known_[index] = {.present = true, .type = tensor.type(), .shape = tensor.shape(), .value = &tensor};
  }

  void plan_node(std::size_t index) {
    const Node& node = parts_.graph.nodes[index];
    const std::int64_t opset = model_.opset(node.domain);
    const OperatorDefinition* row = find_operator(node.type, node.domain, opset);
    const std::vector<Operand> operands = operands_of(node, [&](ValueId id) { return known_[static_cast<std::size_t>(id)]; });
    const std::vector<OutputType> outputs = infer_outputs(*row, {.node = node, .opset = opset, .inputs = operands});
    PlannedStep planned{.node = index, .row = row, .opset = opset, .step = {}, .release = {}};
    try {
      planned.step = row->prepare({.node = node, .opset = opset, .inputs = operands});
    } catch (Error& error) {
      if (error.where().find(node.described()) == std::string::npos) error.in(node.described());
      throw;
    }
    if (foldable(*row, operands, outputs)) {
      fold(node, planned, operands, outputs);
      return;
    }
    for (std::size_t output = 0; output < node.outputs.size(); ++output) {
      if (!node.has_output(output)) continue;
      Operand& operand = known_[static_cast<std::size_t>(node.outputs[output])];
      operand = {.present = true, .type = outputs[output].type, .shape = outputs[output].shape, .value = nullptr};
    }
    parts_.steps.push_back(std::move(planned));
  }

  static bool foldable(const OperatorDefinition& row, const std::vector<Operand>& operands, const std::vector<OutputType>& outputs) {
    const auto constant = [](const Operand& operand) { return !operand.present || operand.value != nullptr; };
    if (!row.deterministic || !std::all_of(operands.begin(), operands.end(), constant)) return false;
    // A few bytes of constants may ask for any amount of memory (ConstantOfShape, Expand): what is large is left to the run.
    constexpr std::int64_t most = std::int64_t{1} << 30;
    return std::all_of(outputs.begin(), outputs.end(),
                       [](const OutputType& output) { return output.complete() && element_count(*output.shape) <= most; });
  }

  void fold(const Node& node, const PlannedStep& planned, const std::vector<Operand>& operands, const std::vector<OutputType>& outputs) {
    std::vector<const Tensor*> inputs;
    inputs.reserve(operands.size());
    for (const Operand& operand : operands) inputs.push_back(operand.value);
    std::vector<Tensor> results;
    if (planned.row->aliases_input) {
      results.push_back(inputs[0]->reshaped(*outputs[0].shape));
    } else {
      for (const OutputType& output : outputs) results.push_back(ops::room_for(output.type, *output.shape));
    }
    Scratch scratch;
    RunContext context{.inputs = inputs, .outputs = results, .scratch = scratch};
    if (!planned.row->aliases_input) planned.step(context);
    for (std::size_t output = 0; output < results.size(); ++output) {
      if (!node.has_output(output)) continue;
      const auto index = static_cast<std::size_t>(node.outputs[output]);
      parts_.constants[index] = results[output];
      learn_constant(index);
    }
  }

  void find_last_readers() {
    std::vector<bool> kept(parts_.graph.values.size(), false);
    for (const ValueId id : parts_.graph.outputs) kept[static_cast<std::size_t>(id)] = true;
    for (auto step = parts_.steps.rbegin(); step != parts_.steps.rend(); ++step) {
      const Node& node = parts_.graph.nodes[step->node];
      for (const std::vector<ValueId>& ids : {node.inputs, node.outputs}) {
        for (const ValueId id : ids) {
          if (id == ValueId::none || kept[static_cast<std::size_t>(id)]) continue;
          kept[static_cast<std::size_t>(id)] = true;
          step->release.push_back(id);
        }
      }
    }
  }

  // A value goes where the first step that joins it wants it.
  void find_places() {
    parts_.places.resize(parts_.graph.values.size());
    for (std::size_t index = 0; index < parts_.steps.size(); ++index) {
      if (!parts_.steps[index].row->joins_inputs) continue;
      const Node& node = parts_.graph.nodes[parts_.steps[index].node];
      for (std::size_t input = 0; input < node.inputs.size(); ++input) {
        if (node.inputs[input] == ValueId::none) continue;
        JoinedPlace& place = parts_.places[static_cast<std::size_t>(node.inputs[input])];
        if (place.step == JoinedPlace::nowhere) place = {.step = index, .input = input};
      }
    }
  }

  // Weights were packed and constants folded: what no step reads at run time is let go.
  void drop_unread_constants() {
    std::vector<bool> read(parts_.graph.values.size(), false);
    for (const PlannedStep& step : parts_.steps) {
      for (const ValueId id : parts_.graph.nodes[step.node].inputs) {
        if (id != ValueId::none) read[static_cast<std::size_t>(id)] = true;
      }
    }
    for (const ValueId id : parts_.graph.outputs) read[static_cast<std::size_t>(id)] = true;
    for (std::size_t index = 0; index < read.size(); ++index) {
      if (!read[index]) parts_.constants[index] = {};
      if (!read[index]) parts_.graph.values[index].constant.reset();
    }
  }

  const Model& model_;
  Plan::Parts parts_;
  std::vector<Operand> known_;
};

}  // namespace

Plan::Plan(const Model& model) : parts_(std::make_unique<const Parts>(Planner(model).plan())) {}
Plan::~Plan() = default;

const Graph& Plan::graph() const { return parts_->graph; }

}  // namespace titrate::engine
