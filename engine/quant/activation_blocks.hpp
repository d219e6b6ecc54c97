// An activation that is rounded in blocks along the dimension over which its node sums, with scales that are found in each run.
#pragma once

#include <optional>
#include <string>

#include "engine/quant/graph_rewriter.hpp"

namespace titrate::engine {

/// Why the input of a Conv, Gemm or MatMul cannot be cut into blocks, or nothing.
[[nodiscard]] std::optional<std::string> block_refusal(const Graph& graph, const Node& node);

/// The input of a node as blocks and back: along the last dimension, for Conv along the channels. What does not fill a block is padded with
/// zeros.
class ActivationBlocks {
 public:
  /// Adds the nodes that cut the input; `name` begins their names. The node has no block_refusal().
  ActivationBlocks(GraphRewriter& rewriter, const Node& node, std::int64_t block, std::string name);

  /// [..., blocks, block, ...]
  [[nodiscard]] ValueId blocks() const { return blocks_; }
  /// The largest magnitude of each block: [..., blocks, 1, ...].
  [[nodiscard]] ValueId largest_magnitudes();
  /// QuantizeLinear to the type and DequantizeLinear, with scales shaped as largest_magnitudes().
  [[nodiscard]] ValueId round(ValueId blocks, ValueId scales, DataType type);
  /// Blocks in the shape of the input.
  [[nodiscard]] ValueId join(ValueId blocks);

 private:
  [[nodiscard]] ValueId integers(const std::string& suffix, const std::vector<std::int64_t>& numbers);

  GraphRewriter& rewriter_;
  std::string name_;
  std::int64_t axis_;  // that is cut
  std::int64_t size_;  // of it
  std::int64_t block_;
  ValueId whole_;  // the input, padded
  ValueId blocks_;
};

}  // namespace titrate::engine
