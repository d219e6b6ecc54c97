// Activations over contiguous float32: what operators run, and what ends a convolution or a product while its tile is in the cache.
#pragma once

#include <cstddef>
#include <limits>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

enum class ActivationKind {
  identity,
  clamp,         ///< min(max(x, first), second): Relu, Clip
  leaky_relu,    ///< x < 0 ? first * x : x
  hard_sigmoid,  ///< min(max(first * x + second, 0), 1), rounded twice
};

/// A function of one number. NaN stays NaN.
struct Activation {
  ActivationKind kind = ActivationKind::identity;
  float first = 0;
  float second = 0;

  [[nodiscard]] bool is_identity() const { return kind == ActivationKind::identity; }
  [[nodiscard]] static Activation relu() { return {ActivationKind::clamp, 0, std::numeric_limits<float>::infinity()}; }
};

/// target[i] = activation(source[i]); target may be source. Bits do not depend on where in the array an element stands.
using ActivationKernel = void (*)(const Activation& activation, const float* source, float* target, std::size_t count) noexcept;

/// Null where the build has no such instruction set.
extern const ActivationKernel activation_scalar;
extern const ActivationKernel activation_avx2;
extern const ActivationKernel activation_avx512;

[[nodiscard]] ActivationKernel activation_kernel(Isa isa);

}  // namespace titrate::kernels
