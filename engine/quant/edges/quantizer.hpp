// A Quantizer says for the edges of a graph how they are quantized. Several compose: each sees what those before it said.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/quant/edges/specs.hpp"

namespace titrate {

namespace engine {
struct Graph;
}

/// A value as a node reads or makes it.
struct ValueDescription {
  std::string name;                 ///< "" : an optional input that is left out
  bool constant = false;            ///< weights, biases, tables
  bool has_shape = false;           ///< false: its rank is not known
  std::vector<std::int64_t> shape;  ///< -1: a size that is not known
};

struct NodeDescription {
  std::string name;
  std::string type;  ///< ONNX's operator, such as "Conv"
  std::vector<ValueDescription> inputs;
  std::vector<ValueDescription> outputs;

  [[nodiscard]] bool has_constant(std::size_t input) const { return input < inputs.size() && inputs[input].constant; }
};

/// The graph that is quantized: the model's own, with constants and batch normalizations folded. Nodes keep their names.
class GraphDescription {
 public:
  explicit GraphDescription(const engine::Graph& graph);

  [[nodiscard]] const std::vector<NodeDescription>& nodes() const { return nodes_; }  ///< each behind those whose outputs it reads
  /// Null: there is none of that name.
  [[nodiscard]] const NodeDescription* find(std::string_view node) const;
  [[nodiscard]] const engine::Graph& graph() const { return *graph_; }

 private:
  const engine::Graph* graph_;
  std::vector<NodeDescription> nodes_;
};

struct Annotation {
  EdgeSpec spec;
  std::string by;  ///< the quantizer's name
};

/// What was said so far.
class Annotations {
 public:
  /// Throws Error (code usage) naming both quantizers if the edge has an annotation.
  void annotate(const Edge& edge, EdgeSpec spec);
  /// Whatever was said before gives way.
  void overwrite(const Edge& edge, EdgeSpec spec);
  /// Every edge of a node without an annotation stays float. Quantizers that come later leave the node alone.
  void leave_float(const NodeDescription& node);

  /// Null: nobody annotated it.
  [[nodiscard]] const Annotation* find(const Edge& edge) const;
  /// Whether a quantizer before the present one annotated an edge of the node.
  [[nodiscard]] bool taken_before(std::string_view node) const;
  [[nodiscard]] const std::map<Edge, Annotation>& all() const { return all_; }

  /// Who annotates from here on.
  void begin(const std::string& quantizer);

 private:
  std::map<Edge, Annotation> all_;
  std::map<std::string, int, std::less<>> first_turn_;  // node -> the turn in which it was annotated first
  std::string quantizer_;
  int turn_ = 0;
};

/// Annotates edges. An annotation at an output holds for every reader of the value; one at an input for that node alone, and comes before
/// that of the output. A constant that is annotated is stored as codes. An edge without annotation stays float.
class Quantizer {
 public:
  virtual ~Quantizer() = default;
  /// For messages and records.
  [[nodiscard]] virtual std::string name() const = 0;
  virtual void annotate(const GraphDescription& graph, Annotations& annotations) const = 0;
};

}  // namespace titrate
