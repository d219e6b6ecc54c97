// Lowered and emulated values of one model, compared code by code.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/cpu.hpp"
#include "engine/passes/lower.hpp"
#include "engine/passes/running.hpp"
#include "engine/passes/saturate_products.hpp"
#include "engine/run/executor.hpp"

namespace titrate::engine {

/// How far apart two lists of codes are.
struct Agreement {
  std::int64_t codes = 0;
  std::int64_t different = 0;
  std::int64_t largest = 0;  ///< in quanta

  void add(std::int64_t distance) {
    ++codes;
    different += distance != 0 ? 1 : 0;
    largest = std::max(largest, distance);
  }
  void add(const Agreement& other) {
    codes += other.codes;
    different += other.different;
    largest = std::max(largest, other.largest);
  }
  [[nodiscard]] double share_equal() const { return codes == 0 ? 1 : 1 - static_cast<double>(different) / static_cast<double>(codes); }
};

/// Of integer tensors in codes; of float tensors in multiples of `quantum`.
inline Agreement compared(const Tensor& a, const Tensor& b, double quantum = 1) {
  const std::vector<double> left = to_doubles(a);
  const std::vector<double> right = to_doubles(b);
  Agreement result;
  if (a.shape() != b.shape() || a.type() != b.type()) return {.codes = 1, .different = 1, .largest = 1'000'000};
  for (std::size_t index = 0; index < left.size(); ++index)
    result.add(static_cast<std::int64_t>(std::llround(std::abs(left[index] - right[index]) / quantum)));
  return result;
}

inline std::vector<Tensor> run_model(const Model& model, const std::vector<Tensor>& inputs) {
  return Executor(std::make_shared<const Plan>(model)).run(inputs);
}

inline Model prepared_for_running(Model model) {
  (void)prepare_for_running(model);
  return model;
}

/// What ONNX Runtime computes on this machine.
inline Model as_onnxruntime_here(Model model) {
  if (machine_has(Isa::vnni) || !machine_has(Isa::avx2)) return prepared_for_running(std::move(model));
  (void)lower(model);
  (void)saturate_products(model);
  return model;
}

/// Every value that a run computes, by name.
inline std::map<std::string, Tensor> values_of(const Model& model, const std::vector<Tensor>& inputs) {
  std::map<std::string, Tensor> values;
  const auto plan = std::make_shared<const Plan>(model);
  for (std::size_t index = 0; index < inputs.size(); ++index) values[plan->graph()[plan->graph().inputs[index]].name] = inputs[index];
  const auto keep = [&](ValueId id, const Tensor& tensor) {
    Tensor copy = Tensor::uninitialized(tensor.type(), tensor.shape());
    std::copy(tensor.bytes().begin(), tensor.bytes().end(), copy.mutable_bytes().begin());
    values[plan->graph()[id].name] = copy;
  };
  (void)Executor(plan).run(inputs, keep);
  return values;
}

/// One node as a model that takes its computed inputs; nothing where the emulation does not know them or its output.
struct NodeRun {
  Model model;
  std::vector<Tensor> inputs;
  Tensor wanted;
};
inline std::optional<NodeRun> alone(const Model& lowered, const Node& original, const std::map<std::string, Tensor>& values) {
  NodeRun run{.model = {}, .inputs = {}, .wanted = {}};
  run.model.ir_version = lowered.ir_version;
  run.model.opsets = lowered.opsets;
  Graph& graph = run.model.graph;
  Node node = original;
  for (ValueId& input : node.inputs) {
    if (input == ValueId::none) continue;
    const Value& value = lowered.graph[input];
    if (value.constant) {
      input = graph.add_constant(value.name + "_" + std::to_string(graph.values.size()), *value.constant);
      continue;
    }
    const auto known = values.find(value.name);
    if (known == values.end()) return std::nullopt;
    run.inputs.push_back(known->second);
    input = graph.add_value(value.name + "_" + std::to_string(graph.values.size()), ValueInfo{.type = known->second.type(), .shape = {}});
    graph.inputs.push_back(input);
  }
  if (node.outputs.size() != 1) return std::nullopt;
  const auto wanted = values.find(lowered.graph[node.outputs[0]].name);
  if (wanted == values.end()) return std::nullopt;
  run.wanted = wanted->second;
  node.outputs[0] = graph.add_value("own_output");
  graph.outputs.push_back(node.outputs[0]);
  graph.nodes.push_back(std::move(node));
  return run;
}

/// Each lowered node that gives 8-bit codes, alone on the values of the emulated run, against what the emulated run has there.
struct NodeAgreement {
  Agreement codes;
  int compared = 0;
  int left_out = 0;  ///< their inputs or outputs are not values of the emulated run
  std::map<std::string, Agreement> by_type;
};
inline NodeAgreement node_by_node(const Model& model, const std::vector<Tensor>& inputs) {
  Model lowered = model;
  (void)lower(lowered);
  const std::map<std::string, Tensor> values = values_of(model, inputs);
  NodeAgreement result;
  for (const Node& node : lowered.graph.nodes) {
    if (node.type == "QuantizeLinear" || node.type == "DequantizeLinear") continue;
    const std::optional<NodeRun> run = alone(lowered, node, values);
    const bool codes = run && (run->wanted.type() == DataType::uint8 || run->wanted.type() == DataType::int8);
    if (!codes) {
      ++result.left_out;
      continue;
    }
    const Agreement own = compared(run->wanted, run_model(run->model, run->inputs).at(0));
    ++result.compared;
    result.codes.add(own);
    result.by_type[node.type].add(own);
  }
  return result;
}

}  // namespace titrate::engine
