// Elementwise float32 over contiguous memory. target may be one of the sources; other overlaps are not allowed.
#pragma once

#include <cstddef>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

struct ElementwiseKernels {
  void (*add)(const float* a, const float* b, float* target, std::size_t count) noexcept;
  void (*multiply)(const float* a, const float* b, float* target, std::size_t count) noexcept;
  /// target = source * factor + addend, rounded twice on every instruction set.
  void (*scale_and_shift)(const float* source, float factor, float addend, float* target, std::size_t count) noexcept;
  /// target = min(max(source, low), high); NaN stays NaN.
  void (*clamp)(const float* source, float low, float high, float* target, std::size_t count) noexcept;
};

/// Null where the build has no such instruction set.
extern const ElementwiseKernels* const elementwise_scalar;
extern const ElementwiseKernels* const elementwise_avx2;
extern const ElementwiseKernels* const elementwise_avx512;

[[nodiscard]] const ElementwiseKernels& elementwise_kernels(Isa isa);

}  // namespace titrate::kernels
