// What ONNX Runtime computes on x86 processors without VNNI: sums of two products of unsigned and signed 8-bit codes saturate in 16 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// What 16 bits hold.
inline constexpr std::int32_t largest_16_bit_sum = 32767;

/// Where the weights of one output channel lie.
enum class WeightOrder : std::uint8_t {
  convolution,       ///< [M, C/g, k ...]: a runtime gathers the channels of a pixel together
  channel_a_row,     ///< [N, K]
  channel_a_column,  ///< [K, N]
};
/// 255 times the larger of the sums of positive and of negative int8 weights of a pair, over all pairs of neighbours along K.
[[nodiscard]] std::int32_t largest_pair_sum(const Tensor& weights, WeightOrder order);

/// One channel in and one out in each group; with more of either ONNX Runtime multiplies matrices. `weights`: [M, C/g, k ...].
[[nodiscard]] bool is_depthwise(const Shape& weights, std::int64_t groups);

/// The largest sum of two neighbouring products that a node of a lowered graph can meet, over all activations: 255 times the larger of the
/// sums of positive and of negative weights of a pair. Nothing for a node without constant int8 weights, and for depthwise convolutions,
/// which ONNX Runtime computes in 32 bits: they do not saturate.
[[nodiscard]] std::optional<std::int32_t> largest_pair_sum(const Graph& graph, const Node& node);
/// More than 16 bits hold, in a node that can be computed so: not channels last.
[[nodiscard]] bool can_saturate(const Graph& graph, const Node& node);

/// After lower(), before channels_last(): every node that can saturate computes as such a processor does. Slow; for evaluating what a model
/// gives there. Returns the number of nodes.
std::size_t saturate_products(Model& model);

/// A lowered model in which every node that can saturate stands beside its saturating form, both reading the exact values.
struct SaturationProbe {
  struct Pair {
    std::string node;
    std::size_t exact = 0;      ///< index among the outputs of the model
    std::size_t saturated = 0;  ///< the same
  };
  Model model;
  std::vector<Pair> pairs;
};
/// Of a model after lower(), before channels_last().
[[nodiscard]] SaturationProbe probe_saturation(Model lowered);

}  // namespace titrate::engine
