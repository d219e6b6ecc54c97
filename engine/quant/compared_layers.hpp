// The layers of a quantized model beside those of the float model that it was made from: which node is which, what of it is quantized, and
// what it was. Values are matched by name: quantizers, this one and others', keep the names of the float model.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// An activation that a node reads through QuantizeLinear and DequantizeLinear.
struct QuantizedRead {
  std::size_t input = 0;                ///< of the node
  ValueId source = ValueId::none;       ///< before QuantizeLinear
  ValueId dequantized = ValueId::none;  ///< behind DequantizeLinear
  DataType type = DataType::undefined;  ///< of the codes
  float low = 0;                        ///< least and greatest number that has a code: what is outside is clipped
  float high = 0;
};

/// Constant numbers that a node reads.
struct StoredParameter {
  std::size_t input = 0;                ///< of the node
  DataType type = DataType::undefined;  ///< of the codes; float32: stored as floats, but not those of the float model
  int bits = 0;                         ///< that the codes in use take: 3-bit codes may be stored as int4
  Tensor codes;                         ///< as they are stored; none: float32
  Tensor numbers;                       ///< float32: what the quantized model computes with
  Tensor wanted;                        ///< float32, the same shape: the float model's; none: not found
};

/// A node of the quantized model that reads quantized numbers, with its counterpart.
struct ComparedLayer {
  std::string name;
  std::string type;
  std::size_t node = 0;            ///< in the quantized graph
  ValueId output = ValueId::none;  ///< in the quantized graph
  std::string float_output{};      ///< the float graph's value that it stands for
  bool separable = true;           ///< false: it computes on codes, so that weights and activations cannot be told apart
  std::vector<QuantizedRead> activations{};
  std::optional<StoredParameter> weights{};
  std::optional<StoredParameter> bias{};

  /// Whether each part can be put back to float on its own.
  [[nodiscard]] bool has_effects() const { return separable && (!weights || weights->wanted.exists()); }
};

struct UnmatchedNode {
  std::string name;
  std::string type;
  std::string reason;
};

struct LayerMatch {
  std::vector<ComparedLayer> layers;  ///< in the order of the quantized graph
  std::vector<UnmatchedNode> unmatched;
  std::map<ValueId, std::string> float_values;  ///< by value of the quantized graph the float graph's value that it stands for
  std::map<ValueId, ValueId> sources;           ///< by value behind DequantizeLinear the value before QuantizeLinear
};

/// Operators that only move numbers (Reshape, MaxPool ...) are no layers: what they read rounded is rounded alike behind them.
[[nodiscard]] LayerMatch match_layers(const Model& reference, const Model& quantized);

}  // namespace titrate::engine
