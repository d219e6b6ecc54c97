// The graph while values get twins with the channels last.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine::layout {

/// Where axis `axis` of N, C, spatial ... stands in N, spatial ..., C, for `rank` axes.
[[nodiscard]] std::size_t moved_axis(std::size_t axis, std::size_t rank);
/// The perm of a Transpose to channels last, and back.
[[nodiscard]] std::vector<std::int64_t> to_channels_last(std::size_t rank);
[[nodiscard]] std::vector<std::int64_t> to_channels_first(std::size_t rank);

/// Visits the nodes in order and builds the new list. A value that only exists channels last is turned back where the first node asks for
/// it; a pair of Transposes that undo each other never comes to be.
class Layout {
 public:
  /// `types`: of graph.values, as far as they are known.
  Layout(Graph& graph, std::vector<ValueInfo> types);

  [[nodiscard]] const Graph& graph() const { return graph_; }
  [[nodiscard]] const Tensor* constant(ValueId id) const { return graph_.constant(id); }
  [[nodiscard]] std::optional<std::size_t> rank(ValueId id) const;
  /// A node made it channels last: reading it so costs nothing.
  [[nodiscard]] bool has_twin(ValueId id) const { return twins_.contains(id); }

  /// The value channels last, turned by a Transpose if nobody made it so. A constant is turned here.
  ValueId channels_last(ValueId id, std::size_t rank);
  /// The value as the graph has it.
  ValueId channels_first(ValueId id);
  /// A new value that stands for `id` channels last.
  ValueId make_twin(ValueId id, std::size_t rank);
  ValueId add_constant(const std::string& name, Tensor tensor);
  /// `id` channels last is the value `twin`, which is there already.
  void set_twin(ValueId id, ValueId twin, std::size_t rank);
  /// `id` is the value `same`.
  void set_alias(ValueId id, ValueId same) { aliases_[id] = same; }
  void add(Node node) { nodes_.push_back(std::move(node)); }

  /// The graph gets the new nodes; its outputs exist as they did.
  void finish();

 private:
  struct Twin {
    ValueId value = ValueId::none;
    std::size_t rank = 0;
  };
  ValueId transpose(ValueId from, ValueId to, const std::vector<std::int64_t>& order);
  [[nodiscard]] ValueId current(ValueId id) const;

  Graph& graph_;
  std::vector<ValueInfo> types_;
  NameSource names_;
  std::vector<Node> nodes_;
  std::unordered_map<ValueId, Twin> twins_;        // made channels last by a node
  std::unordered_map<ValueId, ValueId> turned_;    // turned by a Transpose, to channels last
  std::unordered_map<ValueId, ValueId> restored_;  // those of twins_ that were turned back
  std::unordered_map<ValueId, ValueId> aliases_;
};

}  // namespace titrate::engine::layout
