// The graph while values get twins in blocks of channels.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/passes/channel_blocks/regions.hpp"

namespace titrate::engine::blocks {

/// Names of nodes.
using NodeNames = std::unordered_set<std::string>;

/// Visits the nodes in order and builds the new list. Each value exists at most once in blocks and once in planes ([N, C, H, W], as the
/// graph has it): it is reordered where the first node asks for the other form.
class Blocks {
 public:
  /// `types`: of graph.values, as far as they are known. `in_planes`: convolutions that are not to move.
  Blocks(Graph& graph, std::vector<ValueInfo> types, const NodeNames& in_planes);

  [[nodiscard]] std::int64_t lanes() const { return lanes_; }
  [[nodiscard]] const Tensor* constant(ValueId id) const { return graph_.constant(id); }
  [[nodiscard]] const ValueInfo& type(ValueId id) const { return types_[static_cast<std::size_t>(id)]; }
  [[nodiscard]] const std::string& name(ValueId id) const { return graph_[id].name; }
  [[nodiscard]] bool may_move(const Node& convolution) const { return !in_planes_.contains(convolution.name); }
  /// [N, C, H, W], -1 where a size is unknown; nothing unless the value is computed, float32, and has four axes and a known C.
  [[nodiscard]] std::optional<Shape> planes_shape(ValueId id) const;
  /// A node makes it in blocks, so that whoever wants planes has to reorder it.
  [[nodiscard]] bool made_in_blocks(ValueId id) const { return made_.contains(id); }
  /// Reading it in blocks costs nothing.
  [[nodiscard]] bool has_blocks(ValueId id) const { return made_.contains(id) || turned_.contains(id); }

  /// The value in blocks, reordered if nobody made it so.
  ValueId in_blocks(ValueId id);
  /// The value as the graph has it.
  ValueId in_planes(ValueId id);
  /// A constant that broadcasts to [N, channels, H, W], brought to broadcast to the same in blocks; none if it does not.
  ValueId constant_in_blocks(ValueId id, std::int64_t channels);
  ValueId add_constant(const std::string& name, Tensor tensor);
  /// A new value: `id` in blocks.
  ValueId make(ValueId id);
  /// `id` is `same`, which a node made in blocks.
  void make_same(ValueId id, ValueId same);
  /// A node in blocks for `original`: it joins the region of its values. `products` of a convolution.
  void add_moved(Node node, const Node& original, double products = 0);
  void add(Node node) { nodes_.push_back(std::move(node)); }

  /// The graph gets the new nodes; its outputs exist as they did, kept values in one of both forms.
  void finish();
  /// The convolutions in regions that do not pay.
  [[nodiscard]] NodeNames not_worth_it() const;

 private:
  [[nodiscard]] bool is_only_a_shape(ValueId id) const;
  void keep(KeptValue& kept);
  void reorder(std::string type, ValueId id, ValueId from, ValueId to);

  Graph& graph_;
  std::vector<ValueInfo> types_;
  const NodeNames& in_planes_;
  std::int64_t lanes_;
  NameSource names_;
  std::vector<Node> nodes_;
  std::unordered_map<ValueId, ValueId> made_;    // in blocks by a node
  std::unordered_map<ValueId, ValueId> turned_;  // reordered, into blocks
  std::unordered_set<ValueId> restored_;         // those of made_ that were reordered back
  Regions regions_;
  std::vector<std::pair<std::string, ValueId>> convolutions_;  // that moved, and their outputs
};

}  // namespace titrate::engine::blocks
