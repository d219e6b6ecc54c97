// Functions of one 8-bit code as a table of all 256: what an elementwise operator with a scale for its input and one for its output is.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "engine/ops/linear_code.hpp"

namespace titrate::engine::ops {

/// Indexed by the code's byte.
using CodeTable = std::array<std::uint8_t, 256>;

/// table[code] = quantize(function(dequantize(code))): the number is scale * (code - zero_point) in float32, the way back a true division,
/// rounded half to even. `type` is uint8 or int8, for both sides.
[[nodiscard]] CodeTable code_table(DataType type, const LinearCode& from, const LinearCode& to,
                                   const std::function<float(float)>& function);

/// target = table[source], element by element, in parallel.
void translate(const CodeTable& table, const Tensor& source, Tensor& target);

}  // namespace titrate::engine::ops
