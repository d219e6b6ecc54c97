// Conversion between element types, as Cast defines it.
#pragma once

#include "engine/graph/tensor.hpp"
#include "engine/ops/operator.hpp"

namespace titrate::engine::ops {

/// How a number between two powers of two becomes a float8e8m0.
enum class PowerRounding : std::uint8_t { up, down, nearest };

struct Conversion {
  bool saturate = true;                        ///< to float8: what is too large becomes the largest value, else infinity or NaN
  PowerRounding rounding = PowerRounding::up;  ///< to float8e8m0
};

/// Fills `target`, which has its type and shape, with the converted elements. Floats become integers by truncation; what an integer type
/// cannot hold wraps around, NaN becomes 0. Strings are read and written as decimal numbers.
void convert(const Tensor& source, Tensor& target, const Conversion& conversion = {});
[[nodiscard]] Tensor converted(const Tensor& source, DataType type, const Conversion& conversion = {});

/// A step for float32 that serves float16 and bfloat16 too: their inputs are widened before and outputs of float32 narrowed after.
[[nodiscard]] Step through_float32(Step step);

/// Prepare, wrapped in through_float32. Prepare must not read constants of floats.
template <Step (*Prepare)(const PrepareRequest&)>
Step in_float32(const PrepareRequest& request) {
  return through_float32(Prepare(request));
}

}  // namespace titrate::engine::ops
