// Types and shapes of every value of a model, without running it.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// What is known of a value before a run. A small tensor (a shape, an axis, a scale) is followed element by element through the nodes that
/// compute it; an element that depends on an unknown size is unknown, the others are not.
struct KnownValue {
  ValueInfo info;                          ///< type undefined, no shape, size -1: unknown
  std::shared_ptr<const Tensor> elements;  ///< a constant, or small and computed; null: unknown
  std::vector<bool> known;                 ///< which elements are known; empty: all of them

  /// The elements if all of them are known, else null.
  [[nodiscard]] const Tensor* value() const { return known.empty() ? elements.get() : nullptr; }
};

/// What is known of the values of a model's graph and of all its sub-graphs, by ValueId. Holds while the model is neither changed nor gone.
struct Inference {
  std::unordered_map<const Graph*, std::vector<KnownValue>> graphs;
  [[nodiscard]] const std::vector<KnownValue>& of(const Graph& graph) const;
};

/// What to do where a node is wrong or asks for what its row does not do.
enum class OnFault {
  refuse,         ///< throw
  leave_unknown,  ///< go on with what the file says of its outputs: for rewritings that may well make the node right
};

/// Walks the nodes in order with their rows' infer() and merges what comes out with what the file says. Outputs of an operator without a
/// row have what the file says. `input_shapes`, if given, are the shapes of graph.inputs in their order, all sizes known. Throws
/// Error(invalid) naming the node where the two contradict each other, and where a node is wrong.
[[nodiscard]] Inference infer_values(const Model& model, std::span<const Shape> input_shapes = {}, OnFault on_fault = OnFault::refuse);

/// The types and shapes of graph.values.
[[nodiscard]] std::vector<ValueInfo> infer_types(const Model& model, std::span<const Shape> input_shapes = {});

/// Writes what was found into Value::info of the graph and its sub-graphs.
void infer_shapes(Model& model);
/// The same with concrete input shapes; the inputs take them too.
void infer_shapes(Model& model, std::span<const Shape> input_shapes);

/// The declared input shapes with every unknown size set to 1: a batch of one. Throws Error(invalid) for an input of unknown rank.
[[nodiscard]] std::vector<Shape> single_sample_shapes(const Model& model);

}  // namespace titrate::engine
