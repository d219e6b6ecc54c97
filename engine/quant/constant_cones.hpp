// Constants that a graph computes: dequantized weights behind DequantizeLinear, Transpose, Reshape.
#pragma once

#include <map>
#include <optional>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

class ConstantCones {
 public:
  explicit ConstantCones(const Model& model) : model_(model), uses_(model.graph) {}

  /// The value's tensor if it depends on constants alone, else null. Computed when first asked for. Operators that blow a few bytes up
  /// (ConstantOfShape) count as unknown.
  [[nodiscard]] const Tensor* find(ValueId id);
  /// The codes of the first DequantizeLinear among the nodes that make the value, or null.
  [[nodiscard]] const Tensor* codes(ValueId id) const;

 private:
  [[nodiscard]] std::optional<Tensor> computed(ValueId id);

  const Model& model_;
  Uses uses_;
  std::map<ValueId, std::optional<Tensor>> known_;
};

}  // namespace titrate::engine
