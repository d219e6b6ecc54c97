// Appends to a graph the nodes that compute gradients of what it computes, by reverse differentiation: the runtime that runs the model runs
// its gradients too.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/quant/graph_rewriter.hpp"

namespace titrate::engine {

/// The shapes that values have for one sample. Others may be longer, but have the same ranks, and ones in the same places.
using KnownShapes = std::unordered_map<ValueId, Shape>;

class GradientBuilder {
 public:
  /// `wanted`: the values whose gradients are asked for or lead there.
  GradientBuilder(Graph& graph, const KnownShapes& shapes, const std::unordered_set<ValueId>& wanted)
      : graph_(graph), names_(graph), shapes_(shapes), wanted_(wanted) {}

  [[nodiscard]] bool wanted(ValueId value) const { return wanted_.contains(value); }
  [[nodiscard]] const Shape& shape(ValueId value) const { return shapes_.at(value); }
  [[nodiscard]] const Graph& graph() const { return graph_; }

  /// One more term of a value's gradient; of a value that is not wanted it is dropped.
  void add(ValueId value, ValueId gradient);
  /// The sum of all terms so far, of the value's shape; none: there are no terms.
  [[nodiscard]] ValueId gradient_of(ValueId value) const;

  /// A new node; its output.
  ValueId node(const std::string& type, std::vector<ValueId> inputs, std::vector<Attribute> attributes = {});
  /// A new node with several outputs.
  std::vector<ValueId> outputs(const std::string& type, std::vector<ValueId> inputs, std::size_t count,
                               std::vector<Attribute> attributes = {});
  ValueId number(float value) { return constant(Tensor::scalar(value)); }
  ValueId integers(const std::vector<std::int64_t>& values);
  ValueId constant(Tensor tensor);

  ValueId product(ValueId left, ValueId right) { return node("Mul", {left, right}); }
  ValueId scaled(ValueId value, float factor) { return product(value, number(factor)); }
  /// Sums over axes.
  ValueId sum(ValueId value, const std::vector<std::int64_t>& axes, bool keep);
  /// In the shape of another value of as many elements.
  ValueId shaped_like(ValueId value, ValueId like) { return node("Reshape", {value, node("Shape", {like})}); }
  /// Rows and columns exchanged; `value` has `rank` axes.
  ValueId transposed(ValueId value, std::size_t rank);
  /// A gradient of the shape `from` summed over the axes along which `like` was broadcast to it.
  ValueId summed_to(ValueId gradient, const Shape& from, ValueId like);

 private:
  Graph& graph_;
  NameSource names_;
  const KnownShapes& shapes_;
  const std::unordered_set<ValueId>& wanted_;
  std::unordered_map<ValueId, ValueId> gradients_;
};

}  // namespace titrate::engine
