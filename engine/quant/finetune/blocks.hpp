// Parts of a graph that are trained at once.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// The nodes [begin, end), in graph order, and those of them that are trained layers.
struct Block {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::vector<std::size_t> layers;
};

/// Cuts a graph where at most one value crosses that depends on a layer before (so a residual branch is not torn), into blocks of at least
/// `least_layers` layers each; the nodes behind a layer that are no layers belong to its block. Where more than 16 layers lie between two
/// such places, they are cut after every eighth.
[[nodiscard]] std::vector<Block> split_into_blocks(const Graph& graph, const std::function<bool(std::size_t node)>& is_layer,
                                                   std::size_t least_layers);

}  // namespace titrate::engine
