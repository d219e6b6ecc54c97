// How each operator runs channels last: one row each.
#pragma once

#include <span>
#include <string_view>

#include "engine/passes/channels_last/layout.hpp"

namespace titrate::engine::layout {

struct Row {
  std::string_view type;
  std::string_view domain;
  /// Adds the node channels last and returns true; returns false if it is to stay as it is, and leaves everything untouched.
  bool (*move)(Layout& layout, const Node& node);
};

/// Null: the operator reads and writes values as the graph has them.
[[nodiscard]] const Row* find_row(const Node& node);

}  // namespace titrate::engine::layout
