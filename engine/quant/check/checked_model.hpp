// A model as the rules of a check see it: its quantizers read, its layers with their weights, and how it would be lowered.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/passes/lower.hpp"
#include "engine/passes/lower/quantizer.hpp"
#include "engine/quant/targets/target.hpp"

namespace titrate::engine {

/// A Conv, ConvTranspose, Gemm or MatMul whose weights are constant codes behind a DequantizeLinear.
struct QuantizedLayer {
  const Node* node = nullptr;
  std::optional<lowering::Quantizer> input;  ///< of its activations; none: they are float, or their parameters are not constant
  lowering::Quantizer weights;
  const Tensor* codes = nullptr;
  std::int64_t channel_axis = 0;  ///< of the output channels in the weights

  [[nodiscard]] std::int64_t channels() const { return codes->shape()[static_cast<std::size_t>(channel_axis)]; }
  /// The channel of the n-th code.
  [[nodiscard]] std::int64_t channel_of(std::int64_t index) const;
  /// Where the weight scales run; none: one for all.
  [[nodiscard]] std::optional<std::int64_t> scale_axis() const;
};

class CheckedModel {
 public:
  /// Constant nodes become initializers, and what is constant is computed, as runtimes do.
  CheckedModel(const Model& model, const Target& target);

  [[nodiscard]] const Graph& graph() const { return model_.graph; }
  [[nodiscard]] const Uses& uses() const { return uses_; }
  [[nodiscard]] const Target& target() const { return target_; }

  [[nodiscard]] const std::vector<QuantizedLayer>& layers() const { return layers_; }
  /// Null: the node is none.
  [[nodiscard]] const QuantizedLayer* layer_of(const Node& node) const;

  /// Null: a graph input or a constant.
  [[nodiscard]] const Node* producer(ValueId value) const;
  /// The node that alone reads a value; null: several do, none, or it is an output of the model.
  [[nodiscard]] const Node* only_reader(ValueId value) const;

  /// The DequantizeLinear in front of an input, if there is one with constant parameters.
  [[nodiscard]] std::optional<lowering::Quantizer> dequantized(const Node& node, std::size_t input) const;
  /// It dequantizes activations, not constants.
  [[nodiscard]] bool reads_quantized_activation(const Node& node, std::size_t input) const;
  /// The QuantizeLinear that alone reads a value; null: there is none.
  [[nodiscard]] const Node* quantize_behind(ValueId value) const;
  [[nodiscard]] std::optional<lowering::Quantizer> quantized(const Node& quantize) const;

  /// As the lowering pass sees the model; computed when it is first asked for.
  [[nodiscard]] const LoweringReport& lowering_report();
  [[nodiscard]] const Graph& lowered_graph();

 private:
  void collect_layers();
  void lower_once();
  [[nodiscard]] DataType type_of_codes(const Node& dequantize) const;

  Model model_;
  const Target& target_;
  Uses uses_;
  std::vector<QuantizedLayer> layers_;  // in the order of their nodes
  std::optional<LoweringReport> report_;
  Model lowered_;
};

}  // namespace titrate::engine
