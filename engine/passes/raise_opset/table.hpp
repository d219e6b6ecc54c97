// The operators of ai.onnx whose form changed between opset 7 and 25, each change with the function that makes it; and those that were
// checked and only took more types. Source: onnx/onnx docs/Changelog.md, every version of every operator from 8 to 25.
#pragma once

#include <span>
#include <string_view>

#include "engine/passes/raise_opset/site.hpp"

namespace titrate::engine::raise {

struct Change {
  std::string_view type;
  int version;             ///< the opset whose form the function makes
  void (*rewrite)(Site&);  ///< may change the node's type: later versions are then looked up under the new one
};

using Changes = std::span<const Change>;

/// The groups, one file each.
Changes attributes_to_inputs();  ///< Clip, Pad, Slice, TopK, Split, Dropout, DFT
Changes axes_to_inputs();        ///< Squeeze, Unsqueeze, the reductions
Changes normalizations();        ///< BatchNormalization, GroupNormalization
Changes resizings();             ///< Upsample, Resize
Changes softmaxes();             ///< Softmax, LogSoftmax, Hardmax
Changes renamings();             ///< operators and attribute values under another name or with another default

/// The change of an operator at a version, or null.
[[nodiscard]] const Change* find_change(std::string_view type, int version);
/// Whether the operator is in the table of changes or among those that were checked and need none.
[[nodiscard]] bool is_listed(std::string_view type);
/// Every change, for tests.
[[nodiscard]] std::span<const Change> changes();

}  // namespace titrate::engine::raise
