// QDQ patterns become operators that compute on integers (QLinearConv, QGemm, QLinearAdd ...), by the rules of ONNX Runtime, and products
// behind Casts to bfloat16 operators that compute in it, where the processor does; what does not is told in words. For running only: what
// is exported stays as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// How one node of the model as it was read runs.
struct LoweredNode {
  std::string name;
  std::string type;
  bool integer = false;
  std::string reason;  ///< which rule failed; of an integer node a remark, or ""
  /// Of one sample; 0 for a node that only adds, compares or moves; none: its shapes are unknown.
  std::optional<std::int64_t> multiply_accumulates;
  /// Its weights allow sums that saturate on processors without VNNI (saturate_products.hpp).
  bool can_saturate = false;
  bool bfloat16 = false;  ///< it multiplies bfloat16 numbers; not an integer node
};

struct LoweringReport {
  /// In graph order: every node that multiplies and accumulates (Conv, MatMul, Gemm ...), and those between quantizers.
  std::vector<LoweredNode> nodes;
  std::size_t rewrites = 0;  ///< nodes that became others

  /// The share of the known multiply-accumulates that run on integers; none where there are none.
  [[nodiscard]] std::optional<double> integer_coverage() const;
  /// The same for those that run on bfloat16 numbers.
  [[nodiscard]] std::optional<double> bfloat16_coverage() const;
};

/// Rewrites the main graph; nodes inside the bodies of control flow stay and are reported as float. A node that is lowered keeps its name.
/// Imports com.microsoft where the new operators need it. Multiply-accumulates are counted for inputs of the shapes `sample_shapes` (in the
/// order of graph.inputs, all sizes known); without them sizes that the model leaves open count as 1. Throws Error(invalid) for a graph
/// that verify() refuses.
LoweringReport lower(Model& model, std::span<const Shape> sample_shapes = {});

}  // namespace titrate::engine
