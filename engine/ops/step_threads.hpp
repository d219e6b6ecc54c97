// How many threads a step of a run may use.
#pragma once

#include <cstdint>
#include <span>

#include "engine/graph/tensor.hpp"
#include "engine/kernels/threads.hpp"

namespace titrate::engine::ops {

/// Numbers that pay for being handed to a thread where a few instructions are spent on each.
inline constexpr std::int64_t shared_piece = 16384;

/// As long as the object lives, loops use one thread if inputs (null: left out) and outputs take few bytes: what reads and writes so little
/// is done before another thread has heard of it.
[[nodiscard]] kernels::OneThread threads_for(std::span<const Tensor* const> inputs, std::span<const Tensor> outputs);

}  // namespace titrate::engine::ops
