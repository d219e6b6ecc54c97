// The graph of a model as plain values: copying is cloning, constants are shared. Names are unique; ids are positions and change across
// passes.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "engine/graph/tensor.hpp"

namespace titrate::engine {

/// A position in Graph::values. `none` stands for an optional input that is left out (the empty name of ONNX).
enum class ValueId : std::uint32_t { none = std::numeric_limits<std::uint32_t>::max() };

/// One size of a shape: known (>= 0), or -1 with or without a name.
struct Dimension {
  std::int64_t size = -1;
  std::string symbol;
  [[nodiscard]] bool known() const { return size >= 0; }
  friend bool operator==(const Dimension&, const Dimension&) = default;
};

/// What a file or inference says of a tensor value. No shape: unknown rank.
struct ValueInfo {
  DataType type = DataType::undefined;
  std::optional<std::vector<Dimension>> shape;
  friend bool operator==(const ValueInfo&, const ValueInfo&) = default;
};

struct Value {
  std::string name;
  std::optional<ValueInfo> info;           ///< none: unknown, or not a tensor
  std::shared_ptr<const Tensor> constant;  ///< an initializer
  bool also_input = false;                 ///< the initializer was listed among the graph inputs too (IR 3)
  std::string value_info_message;          ///< the ValueInfoProto as it was read, but the name; to be cleared when `info` is changed
  /// An initializer that a Tensor cannot hold, as it was read; then `constant` is null. A TensorProto of an unknown type (all but its
  /// name), or, if `sparse`, the whole SparseTensorProto.
  std::string opaque_initializer;
  bool sparse = false;
  std::string initializer_extra;  ///< fields of the initializer's TensorProto that a Tensor does not hold (doc_string, metadata, unknown)

  [[nodiscard]] bool is_initializer() const { return constant != nullptr || !opaque_initializer.empty(); }
};

struct Graph;
struct Attribute;

/// The bytes of an attribute that we keep but do not interpret: lists of tensors, sparse tensors, type protos, tensors of unknown types,
/// references to attributes of a function.
struct OpaqueAttribute {
  std::string message;  ///< the AttributeProto, all but its name
};

struct Attribute {
  using Content = std::variant<std::int64_t, float, std::string, Tensor, std::shared_ptr<const Graph>, std::vector<std::int64_t>,
                               std::vector<float>, std::vector<std::string>, std::vector<std::shared_ptr<const Graph>>, OpaqueAttribute>;
  std::string name;
  Content content;
  std::string extra;           ///< doc_string and unknown fields as they were read
  std::string tensor_extra{};  ///< of a tensor: name, doc_string, metadata and unknown fields of its TensorProto as they were read
};

struct Node {
  std::string name;    ///< never empty, unique in the graph: what the file left out is made up at reading (see name_nodes)
  std::string type;    ///< ONNX's op_type
  std::string domain;  ///< "" is ai.onnx
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::vector<Attribute> attributes;
  std::string extra;  ///< doc_string, overload, metadata and unknown fields as they were read

  [[nodiscard]] const Attribute* find(std::string_view attribute) const;
  /// Attribute access by kind; the default if it is absent; throws Error(invalid) naming the node if it is of another kind.
  [[nodiscard]] std::int64_t integer(std::string_view attribute, std::int64_t absent) const;
  [[nodiscard]] float number(std::string_view attribute, float absent) const;
  [[nodiscard]] std::string text(std::string_view attribute, std::string_view absent) const;
  [[nodiscard]] std::vector<std::int64_t> integers(std::string_view attribute, std::vector<std::int64_t> absent = {}) const;
  [[nodiscard]] std::vector<float> numbers(std::string_view attribute, std::vector<float> absent = {}) const;
  [[nodiscard]] const Tensor* tensor(std::string_view attribute) const;                ///< null if absent
  [[nodiscard]] std::shared_ptr<const Graph> graph(std::string_view attribute) const;  ///< null if absent
  void set(std::string_view attribute, Attribute::Content content);
  void remove(std::string_view attribute);

  [[nodiscard]] bool has_input(std::size_t index) const { return index < inputs.size() && inputs[index] != ValueId::none; }
  [[nodiscard]] bool has_output(std::size_t index) const { return index < outputs.size() && outputs[index] != ValueId::none; }
  /// "node 'conv1' (Conv)", for messages; the name is made visible.
  [[nodiscard]] std::string described() const;
};

/// A value that somebody looks at in a run without its being an output: calibration. Passes leave it there, but in whatever order its
/// numbers come cheapest, and under whatever name.
struct KeptValue {
  std::string name;  ///< as the one who asked for it calls it
  ValueId value;     ///< where its numbers are
  /// Of a value in blocks of channels, [N, blocks, H, W, lanes]: its channels; what is behind them is no part of it. 0: as it was.
  std::int64_t channels = 0;
};

struct Graph {
  std::string name;
  std::vector<Node> nodes;  ///< in an order in which every node comes after its producers (verify() holds it)
  std::vector<Value> values;
  std::vector<ValueId> inputs;  ///< what a caller feeds: initializers are not among them, even if the file lists them
  std::vector<ValueId> outputs;
  std::vector<KeptValue> kept;  ///< no part of a file
  std::vector<ValueId> outer;   ///< values of a sub-graph that an enclosing graph defines, found by name
  std::string extra;            ///< doc_string, quantization annotations, metadata and unknown fields as they were read

  [[nodiscard]] const Value& operator[](ValueId id) const { return values[static_cast<std::size_t>(id)]; }
  [[nodiscard]] Value& operator[](ValueId id) { return values[static_cast<std::size_t>(id)]; }

  /// The constant of an input, or null if it is absent, computed, or fed.
  [[nodiscard]] const Tensor* constant(ValueId id) const;
  [[nodiscard]] const Tensor* constant_input(const Node& node, std::size_t index) const;

  /// Adds a value; the name must be new (see unique_name).
  ValueId add_value(std::string name, std::optional<ValueInfo> info = std::nullopt);
  ValueId add_constant(std::string name, Tensor tensor);
  [[nodiscard]] std::optional<ValueId> find_value(std::string_view name) const;  ///< linear: build an index for many look-ups
  [[nodiscard]] const Node* find_node(std::string_view name) const;
};

/// Keeps the values of these names, as far as the graph has them.
void keep_values(Graph& graph, const std::set<std::string>& names);

/// New names in a graph: `wanted`, or `wanted_2`, `wanted_3` ... Names in sub-graphs count as taken. Remembers what it handed out.
class NameSource {
 public:
  explicit NameSource(const Graph& graph);
  [[nodiscard]] std::string value(const std::string& wanted);
  [[nodiscard]] std::string node(const std::string& wanted);

 private:
  void add(const Graph& graph);

  std::unordered_map<std::string, int> values_;
  std::unordered_map<std::string, int> nodes_;
};

/// For each value the index of the node that makes it (-1: none), and the indices of the nodes that read it, in order, once for each
/// reading input.
struct Uses {
  explicit Uses(const Graph& graph);
  [[nodiscard]] int producer(ValueId id) const { return id == ValueId::none ? -1 : producers[static_cast<std::size_t>(id)]; }
  [[nodiscard]] const std::vector<int>& readers(ValueId id) const { return consumers[static_cast<std::size_t>(id)]; }
  /// It leaves the graph: an output or a kept value.
  [[nodiscard]] bool is_output(ValueId id) const { return outputs[static_cast<std::size_t>(id)]; }

  std::vector<int> producers;
  std::vector<std::vector<int>> consumers;  ///< a node whose sub-graphs capture the value by name reads it too
  std::vector<bool> outputs;                ///< kept values too
};

struct OpsetImport {
  std::string domain;  ///< "" is ai.onnx
  std::int64_t version = 0;
  std::string extra{};  ///< unknown fields as they were read
};

struct Model {
  Graph graph;
  std::int64_t ir_version = 0;
  std::vector<OpsetImport> opsets;
  std::string producer_name;
  std::string producer_version;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::string extra;                  ///< domain, model_version, doc_string, functions, training info and unknown fields as they were read
  std::vector<std::string> warnings;  ///< what was odd about the file but could be read

  /// The version of a domain that the model imports; 0 if it does not.
  [[nodiscard]] std::int64_t opset(std::string_view domain = "") const;
  void set_opset(std::string_view domain, std::int64_t version);
};

/// Gives every node without a name one that depends on its type and its first output only: "Conv:out_name"; repeated names get "_2", "_3".
/// Sub-graphs are named too. Names that are fine stay.
void name_nodes(Graph& graph);

/// Brings the nodes into an order in which producers come first; keeps the given order where it can. Returns whether any had to move.
/// Throws Error(invalid) naming a cycle.
bool sort_nodes(Graph& graph);

/// Removes nodes whose outputs nobody uses, and values that nobody names any more. Ids change. Graph inputs, outputs and kept values stay.
void remove_unused(Graph& graph);

/// The names that sub-graphs of a node take from the graph around them.
[[nodiscard]] std::vector<std::string> captured_names(const Node& node);

/// Every initializer and Constant-node tensor of the graph and its sub-graphs.
void for_each_constant(const Graph& graph, const std::function<void(const std::string& name, const Tensor&)>& visit);

/// Everything a graph must fulfil: ids in range, every value has one source, no cycle, outputs exist, names unique. Throws Error(invalid).
void verify(const Graph& graph);

}  // namespace titrate::engine
