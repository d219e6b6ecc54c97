// Mean and variance of neighbouring float32, and what normalization makes of them.
#pragma once

#include <cstddef>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

struct Moments {
  double mean;
  double variance;  ///< of the population
};

struct NormalizationKernels {
  /// Sums run in double, in sixteen parts (element i belongs to part i mod 16) that are added in pairs: the same on every instruction set.
  Moments (*moments)(const float* source, std::size_t count) noexcept;
  /// target[i] = (source[i] - mean) * factor + addend, each step rounded. Unlike source * factor + constant it does not cancel where the
  /// deviation is small beside the mean.
  void (*normalize)(const float* source, float mean, float factor, float addend, float* target, std::size_t count) noexcept;
  /// target[i] = (source[i] - mean) * factor * scale[i] + bias[i], each step rounded.
  void (*normalize_each)(const float* source, float mean, float factor, const float* scale, const float* bias, float* target,
                         std::size_t count) noexcept;
};

/// Null where the build has no such instruction set.
extern const NormalizationKernels* const normalization_scalar;
extern const NormalizationKernels* const normalization_avx2;
extern const NormalizationKernels* const normalization_avx512;

[[nodiscard]] const NormalizationKernels& normalization_kernels(Isa isa);

}  // namespace titrate::kernels
