// Softmax of one row of neighbouring float32.
#pragma once

#include <cstddef>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// target[i] = e^(source[i] - m) / sum over j of e^(source[j] - m), m the largest source; count > 0; target may be source. The sum runs in
/// sixteen parts (element i belongs to part i mod 16) that are added in pairs: the same on every instruction set.
using SoftmaxKernel = void (*)(const float* source, float* target, std::size_t count) noexcept;

/// Null where the build has no such instruction set.
extern const SoftmaxKernel softmax_scalar;
extern const SoftmaxKernel softmax_avx2;
extern const SoftmaxKernel softmax_avx512;

[[nodiscard]] SoftmaxKernel softmax_kernel(Isa isa);

}  // namespace titrate::kernels
