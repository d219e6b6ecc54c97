// A scheme brought into what a target takes at one node.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/config/config.hpp"
#include "engine/quant/targets/target.hpp"

namespace titrate::engine {

struct FittedScheme {
  Scheme scheme;
  std::string remark;                    ///< what was changed, or ""
  std::optional<std::string> refusal{};  ///< why the target cannot run any form of it
};

/// Types, symmetry and granularity give way to the target's; a kind of arithmetic that it does not have, and bits that it cannot store, are
/// refused. `type` is the node's operator, `behind` the operator that alone reads its output, or "".
[[nodiscard]] FittedScheme fit_scheme(const Target& target, std::string_view type, std::string_view behind, const Scheme& wanted);

}  // namespace titrate::engine
