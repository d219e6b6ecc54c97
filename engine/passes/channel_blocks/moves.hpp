// How each operator runs in blocks of channels: one row each.
#pragma once

#include <span>
#include <string_view>

#include "engine/passes/channel_blocks/blocks.hpp"

namespace titrate::engine::blocks {

struct Row {
  std::string_view type;
  std::string_view domain;
  /// Adds the node in blocks and returns true; returns false if it is to stay as it is, and leaves everything untouched.
  bool (*move)(Blocks& blocks, const Node& node);
};

/// Null: the operator reads and writes values as the graph has them.
[[nodiscard]] const Row* find_row(const Node& node);

[[nodiscard]] bool is_convolution(const Node& node);

}  // namespace titrate::engine::blocks
