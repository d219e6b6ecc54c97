// Operators whose float16 and bfloat16 forms compute in float32: inputs are widened, outputs rounded once.
#pragma once

#include "engine/ops/operator.hpp"

namespace titrate::engine::ops {

/// Every float16 or bfloat16 element as float32; other types come back as they are (bytes shared).
[[nodiscard]] Tensor widen(const Tensor& tensor);
/// float32 elements rounded half to even into `target`, which has as many float16 or bfloat16 elements.
void narrow(const Tensor& tensor, Tensor& target);

/// The step that `prepare` makes for float32, for a node whose float inputs and outputs are float16 or bfloat16. Other types pass through.
[[nodiscard]] Step prepare_widened(const PrepareRequest& request, Step (*prepare)(const PrepareRequest&));

}  // namespace titrate::engine::ops
