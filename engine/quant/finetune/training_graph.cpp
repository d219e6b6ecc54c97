#include "engine/quant/finetune/training_graph.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base/text.hpp"
#include "engine/quant/finetune/gradients/gradient_rule.hpp"

namespace titrate::engine {
namespace {

bool tells_only_sizes(const Node& node) { return node.type == "Shape" || node.type == "Size"; }

// The model with the block's nodes only; ids stay.
Model block_model(const Model& whole, const Block& block, const std::unordered_map<ValueId, DataType>& input_types) {
  Model model = whole;
  Graph& graph = model.graph;
  graph.nodes.assign(whole.graph.nodes.begin() + static_cast<std::ptrdiff_t>(block.begin),
                     whole.graph.nodes.begin() + static_cast<std::ptrdiff_t>(block.end));
  graph.inputs = inputs_of(whole.graph, block);
  graph.outputs.clear();
  for (const ValueId id : graph.inputs) {
    if (!graph[id].info) graph[id].info = ValueInfo{.type = input_types.at(id), .shape = std::nullopt};
  }
  return model;
}

std::vector<ValueId> made_in(const Graph& graph, const Block& block) {
  std::vector<ValueId> made;
  for (std::size_t index = block.begin; index < block.end; ++index) {
    for (const ValueId id : graph.nodes[index].outputs) {
      if (id != ValueId::none) made.push_back(id);
    }
  }
  return made;
}

double root_mean_square(const Tensor& tensor) {
  double sum = 0;
  for (const float number : tensor.data<float>()) sum += static_cast<double>(number) * static_cast<double>(number);
  return std::sqrt(sum / static_cast<double>(std::max<std::int64_t>(1, tensor.elements())));
}

}  // namespace

std::vector<ValueId> inputs_of(const Graph& whole, const Block& block) {
  std::vector<ValueId> inputs;
  std::unordered_set<ValueId> known;
  const auto read = [&](ValueId id) {
    if (id == ValueId::none || whole[id].is_initializer() || !known.insert(id).second) return;
    inputs.push_back(id);
  };
  for (std::size_t index = block.begin; index < block.end; ++index) {
    const Node& node = whole.nodes[index];
    for (const ValueId id : node.inputs) read(id);
    for (const std::string& name : captured_names(node)) {
      if (const auto found = whole.find_value(name)) read(*found);
    }
    known.insert(node.outputs.begin(), node.outputs.end());
  }
  return inputs;
}

BlockProbe probe(const Model& whole, const Block& block, const std::vector<Tensor>& inputs, const CalibrationSamples& samples) {
  BlockProbe known;
  const std::vector<ValueId> ids = inputs_of(whole.graph, block);
  for (std::size_t index = 0; index < ids.size(); ++index) {
    known.shapes[ids[index]] = inputs[index].shape();
    known.input_types[ids[index]] = inputs[index].type();
  }
  for (std::size_t index = block.begin; index < block.end; ++index) {
    for (const ValueId id : whole.graph.nodes[index].inputs) {
      if (const Tensor* constant = whole.graph.constant(id)) known.shapes[id] = constant->shape();
    }
  }
  Model model = block_model(whole, block, known.input_types);
  const std::vector<ValueId> made = made_in(whole.graph, block);
  model.graph.outputs = made;
  remove_unused(model.graph);
  samples.run(
      model, 1, [&](std::int64_t) { return inputs; },
      [&](std::int64_t, const std::vector<Tensor>& outputs) {
        for (std::size_t index = 0; index < made.size(); ++index) {
          known.shapes[made[index]] = outputs[index].shape();
          if (outputs[index].type() == DataType::float32) known.magnitudes[made[index]] = root_mean_square(outputs[index]);
        }
      });
  return known;
}

GradientReach reach_of(const Graph& whole, const Block& block, const std::vector<ConstantPlace>& trained, const KnownShapes& shapes) {
  GradientReach reach;
  const Uses uses(whole);
  std::vector<ValueId> targets;
  for (const ConstantPlace& place : trained) reach.wanted.insert(whole.nodes[place.node].inputs[place.input]);
  const auto is_wanted = [&](ValueId id) { return reach.wanted.contains(id); };
  for (std::size_t index = block.begin; index < block.end; ++index) {
    const Node& node = whole.nodes[index];
    if (tells_only_sizes(node) || std::none_of(node.inputs.begin(), node.inputs.end(), is_wanted)) continue;
    const bool one_output = std::all_of(node.outputs.begin() + 1, node.outputs.end(),
                                        [&](ValueId id) { return id == ValueId::none || uses.readers(id).empty(); });
    const GradientRule* rule = gradient_rule_of(whole, shapes, node);
    if (rule != nullptr && rule->all_outputs) {
      reach.wanted.insert(node.outputs.begin(), node.outputs.end());
      continue;
    }
    if (rule != nullptr && one_output) {
      reach.wanted.insert(node.outputs[0]);
      continue;
    }
    if (std::ranges::find(reach.cut_at, node.type) == reach.cut_at.end()) reach.cut_at.push_back(node.type);
    for (const ValueId id : node.inputs) {
      if (is_wanted(id) && uses.producer(id) >= static_cast<int>(block.begin)) targets.push_back(id);
    }
  }
  for (const ValueId id : made_in(whole, block)) {
    const std::vector<int>& readers = uses.readers(id);
    const bool leaves = uses.is_output(id) || std::ranges::any_of(readers, [&](int each) { return each >= static_cast<int>(block.end); });
    if (is_wanted(id) && (leaves || std::ranges::find(targets, id) != targets.end())) reach.targets.push_back(id);
  }
  return reach;
}

namespace {

class TrainingGraphBuilder {
 public:
  TrainingGraphBuilder(const Model& whole, const Block& block, const BlockProbe& known, const GradientReach& reach)
      : reach_(reach), known_(known), nodes_(block.end - block.begin), first_(block.begin) {
    result_.model = block_model(whole, block, known.input_types);
  }

  TrainingGraph build(const std::vector<ConstantPlace>& trained, const std::vector<double>& weights) {
    // Targets get ids before the builder takes the names.
    std::vector<ValueId> wanted_values;
    for (const ValueId id : reach_.targets) {
      wanted_values.push_back(graph().add_value(cat("finetune_target_", std::to_string(graph().values.size())),
                                                ValueInfo{.type = DataType::float32, .shape = std::nullopt}));
      graph().inputs.push_back(wanted_values.back());
      static_cast<void>(id);
    }
    GradientBuilder gradients(graph(), known_.shapes, reach_.wanted);
    graph().outputs = {loss(gradients, wanted_values, weights)};
    propagate(gradients);
    std::vector<std::string> names;
    for (const ConstantPlace& place : trained) {
      const ValueId constant = graph().nodes[place.node - first_].inputs[place.input];
      const ValueId gradient = gradients.gradient_of(constant);
      if (gradient == ValueId::none) continue;
      result_.trained.push_back(place);
      names.push_back(graph()[constant].name);
      graph().outputs.push_back(gradients.shaped_like(gradient, constant));
    }
    remove_unused(graph());
    for (const std::string& name : names) result_.constants.push_back(*graph().find_value(name));
    return std::move(result_);
  }

 private:
  Graph& graph() { return result_.model.graph; }

  // The sum, and the seeds of the gradients.
  ValueId loss(GradientBuilder& gradients, const std::vector<ValueId>& wanted_values, const std::vector<double>& weights) {
    ValueId total = ValueId::none;
    for (std::size_t index = 0; index < wanted_values.size(); ++index) {
      const ValueId target = reach_.targets[index];
      const ValueId difference = gradients.node("Sub", {target, wanted_values[index]});
      std::vector<std::int64_t> axes(known_.shapes.at(target).size());
      std::iota(axes.begin(), axes.end(), 0);
      ValueId square = gradients.product(difference, difference);
      if (!axes.empty()) square = gradients.sum(square, axes, false);
      const ValueId weighted = gradients.scaled(square, static_cast<float>(weights[index]));
      total = total == ValueId::none ? weighted : gradients.node("Add", {total, weighted});
      gradients.add(target, gradients.scaled(difference, static_cast<float>(2 * weights[index])));
    }
    return total;
  }

  void propagate(GradientBuilder& gradients) {
    for (std::size_t index = nodes_; index-- > 0;) {
      const Node node = graph().nodes[index];
      const auto has_gradient = [&](ValueId id) { return reach_.wanted.contains(id) && gradients.gradient_of(id) != ValueId::none; };
      if (std::ranges::none_of(node.outputs, has_gradient)) continue;
      gradient_rule_of(graph(), known_.shapes, node)->add(gradients, node, gradients.gradient_of(node.outputs[0]));
    }
  }

  const GradientReach& reach_;
  const BlockProbe& known_;
  std::size_t nodes_;
  std::size_t first_;
  TrainingGraph result_;
};

}  // namespace

TrainingGraph build_training_graph(const Model& whole, const Block& block, const std::vector<ConstantPlace>& trained,
                                   const BlockProbe& known, const GradientReach& reach, const std::vector<double>& weights) {
  return TrainingGraphBuilder(whole, block, known, reach).build(trained, weights);
}

TrainingGraph without_gradients(const TrainingGraph& training) {
  TrainingGraph forward = training;
  Graph& graph = forward.model.graph;
  std::vector<std::string> names;
  for (const ValueId id : training.constants) names.push_back(graph[id].name);
  graph.outputs.resize(1);
  remove_unused(graph);
  for (std::size_t index = 0; index < names.size(); ++index) forward.constants[index] = *graph.find_value(names[index]);
  return forward;
}

}  // namespace titrate::engine
