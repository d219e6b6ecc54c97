// The graph while its patterns are replaced: what the rules see of it, and what they leave.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/passes/lower/quantizer.hpp"

namespace titrate::engine::lowering {

/// The domain of ONNX Runtime's own operators.
inline constexpr std::string_view microsoft = "com.microsoft";

class Lowering {
 public:
  /// `types`: of graph.values, as far as they are known.
  Lowering(Model& model, std::vector<ValueInfo> types);

  /// As it was before the first rule: rules add nodes and values, those that are there stay.
  [[nodiscard]] const Graph& graph() const { return model_.graph; }
  [[nodiscard]] const Uses& uses() const { return uses_; }
  [[nodiscard]] std::int64_t opset() const { return model_.opset(); }
  [[nodiscard]] std::optional<std::size_t> rank(ValueId id) const;
  [[nodiscard]] DataType type(ValueId id) const;

  /// The DequantizeLinear in front of an input, whatever its type and grain.
  [[nodiscard]] Checked<Quantizer> dequantized(const Node& node, std::size_t input) const;
  /// The same for an activation: 8 bits, one scale.
  [[nodiscard]] Checked<Quantizer> activation(const Node& node, std::size_t input) const;
  /// The only reader of a value, if it is a QuantizeLinear: its index.
  [[nodiscard]] Checked<std::size_t> quantize_behind(ValueId value) const;
  /// The same read, with 8 bits and one scale.
  [[nodiscard]] Checked<Quantizer> result(ValueId value) const;

  /// The input of an operator that takes scale and zero point as single numbers: a zero point that is left out becomes a constant 0.
  [[nodiscard]] ValueId scale_input(const Quantizer& quantizer);
  [[nodiscard]] ValueId zero_point_input(const Quantizer& quantizer);

  ValueId add_constant(const std::string& name, Tensor tensor);
  ValueId add_value(const std::string& name, ValueInfo info);

  /// Puts `replacement`, with its name, in the place of a node, and takes out the QuantizeLinear whose output it makes, if it makes one.
  void replace(std::size_t node, Node replacement);
  /// A node that becomes part of another one's replacement.
  void absorb(std::size_t node, const std::string& remark);
  void add_node(Node node);

  [[nodiscard]] bool is_gone(std::size_t node) const { return gone_[node]; }
  /// By node: it became another or part of another; with what there is to say.
  [[nodiscard]] bool is_settled(std::size_t node) const { return settled_[node]; }
  [[nodiscard]] const std::string& remark(std::size_t node) const { return remarks_[node]; }

  /// Takes out what was replaced and puts in what was added; nobody may use this object afterwards. Returns the number of replacements.
  std::size_t finish();

 private:
  Model& model_;
  std::vector<ValueInfo> types_;
  Uses uses_;
  NameSource names_;
  std::vector<bool> gone_;
  std::vector<bool> settled_;
  std::vector<std::string> remarks_;
  std::vector<Node> added_;
  std::size_t replaced_ = 0;
};

/// Nodes and values as messages name them.
[[nodiscard]] std::string quoted(const Node& node);
[[nodiscard]] std::string quoted(const Graph& graph, ValueId id);

}  // namespace titrate::engine::lowering
