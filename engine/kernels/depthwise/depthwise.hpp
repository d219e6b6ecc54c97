// The float32 depthwise kernel: neighbouring outputs of one channel from a few taps.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// outputs[j] = start + sum over t of weights[t] * image[offsets[t] + j] for 0 <= j < count, summed in the order of t. May read 16 floats
/// behind the last one it needs.
using DepthwiseKernel = void (*)(const float* image, const std::int32_t* offsets, const float* weights, std::size_t taps, float start,
                                 float* outputs, std::size_t count) noexcept;

/// Null where the build has no such instruction set.
extern const DepthwiseKernel depthwise_scalar;
extern const DepthwiseKernel depthwise_avx2;
extern const DepthwiseKernel depthwise_avx512;

[[nodiscard]] DepthwiseKernel depthwise_kernel(Isa isa);

}  // namespace titrate::kernels
