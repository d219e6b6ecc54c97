// y = scale[c] * x + shift[c] for each channel c: what a batch normalization, or an addition or a multiplication of constants, does.
#pragma once

#include <optional>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

struct ChannelAffine {
  std::vector<double> scale;
  std::vector<double> shift;
};

/// Where the channels are in what a layer puts out.
struct ChannelLayout {
  std::int64_t channels = 0;
  std::size_t rank = 0;        ///< of the output; 0: unknown, and channels are the last axis
  std::size_t from_right = 0;  ///< axes behind the channel axis
};

/// What a node does to `data` if it is such an operation with constants (BatchNormalization in inference, Mul, Div, Add, Sub): nothing if
/// it is another one, does not keep the layout, or if a number is not finite.
[[nodiscard]] std::optional<ChannelAffine> channel_affine(const Graph& graph, const Node& node, ValueId data, const ChannelLayout& layout);

/// A constant as one number for each channel, where it broadcasts to the layout without changing it.
[[nodiscard]] std::optional<std::vector<double>> channel_numbers(const Tensor& tensor, const ChannelLayout& layout);

}  // namespace titrate::engine
