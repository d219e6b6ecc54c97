// The fast way of com.microsoft's QLinearConv where every channel has one filter of its own.
#pragma once

#include <optional>

#include "engine/ops/operator.hpp"

namespace titrate::engine::ops {

/// A step for a QLinearConv of either domain, or nothing where this way does not serve it: it wants channels_last, group = channels =
/// filters, and weights, scales, zero points and bias that are constant.
[[nodiscard]] std::optional<Step> prepare_q_linear_depthwise(const PrepareRequest& request);

}  // namespace titrate::engine::ops
