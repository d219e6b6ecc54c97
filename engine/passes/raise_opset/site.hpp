// One node that is being raised: what its rewriting may read, and what it may add.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/passes/infer_shapes.hpp"

namespace titrate::engine::raise {

/// What is shared by the nodes of one graph.
struct Surroundings {
  Graph& graph;
  const std::vector<KnownValue>& known;  ///< of the values that the graph had before
  const std::vector<bool>& read;         ///< values that a node, a sub-graph or the outside reads
  NameSource& names;
  int target;
};

/// A node and the nodes that its new form needs before and behind it. Rewritings run in the order of versions, each on the form that the
/// one before left. Added nodes must be valid in every version from the rewriting's to the target.
class Site {
 public:
  Site(Surroundings& surroundings, Node& node, int version) : surroundings_(surroundings), node_(node), version_(version) {}

  [[nodiscard]] Node& node() { return node_; }
  [[nodiscard]] int version() const { return version_; }  ///< the version whose form is to be made
  [[nodiscard]] int target() const { return surroundings_.target; }
  void set_version(int version) { version_ = version; }

  [[nodiscard]] DataType type(std::size_t input) const;
  [[nodiscard]] std::optional<std::size_t> rank(std::size_t input) const;
  /// Sizes with -1 for the unknown ones; nothing if the rank is unknown.
  [[nodiscard]] std::optional<Shape> shape(std::size_t input) const;
  /// The elements of an input, if they are constant or follow from shapes.
  [[nodiscard]] const Tensor* value(std::size_t input) const;
  /// Whether anybody reads the output.
  [[nodiscard]] bool reads_output(std::size_t output) const;
  /// The type of an input; refuses if it is unknown.
  [[nodiscard]] DataType need_type(std::size_t input) const;
  [[nodiscard]] std::size_t need_rank(std::size_t input) const;

  /// A constant named after the node: "<node>_<role>".
  ValueId constant(std::string_view role, Tensor tensor);
  /// int64 numbers in one dimension.
  ValueId constant(std::string_view role, const std::vector<std::int64_t>& numbers);
  /// One number in the given float type (float16, bfloat16, float32, float64) with the given shape; refuses other types.
  ValueId number(std::string_view role, DataType type, double number, Shape shape = {});
  /// A value that a new node makes.
  ValueId value_named(std::string_view role);

  /// Puts a node before this one; returns its only output, named "<node>_<role>".
  ValueId before(std::string_view type, std::string_view role, std::vector<ValueId> inputs, std::vector<Attribute> attributes = {});
  /// Lets a new node make the given output of this node out of a new value, which becomes this node's output and the new node's first
  /// input.
  void behind(std::string_view type, std::string_view role, std::size_t output, std::vector<ValueId> more_inputs = {},
              std::vector<Attribute> attributes = {});

  /// Sets an input, with left-out ones before it.
  void set_input(std::size_t index, ValueId id);
  /// Removes left-out inputs from the end.
  void trim_inputs();

  [[noreturn]] void refuse(const std::string& why) const;

  std::vector<Node> nodes_before;
  std::vector<Node> nodes_behind;

 private:
  [[nodiscard]] const KnownValue* known(std::size_t input) const;
  Node make(std::string_view type, std::string_view role, std::vector<ValueId> inputs, std::vector<Attribute> attributes);

  Surroundings& surroundings_;
  Node& node_;
  int version_;
};

[[nodiscard]] inline Attribute attribute(std::string_view name, Attribute::Content content) {
  return {.name = std::string(name), .content = std::move(content), .extra = {}};
}

}  // namespace titrate::engine::raise
