// What ends a convolution or a product: an addend and an activation, applied to runs of outputs while they are in the cache.
#pragma once

#include "engine/kernels/activation/activation.hpp"
#include "engine/kernels/elementwise/elementwise.hpp"

namespace titrate::kernels {

struct Epilogue {
  Activation activation;
  ActivationKernel activate = nullptr;  ///< needed unless the activation is the identity
  const float* addend = nullptr;        ///< as many floats as there are outputs, or null
  void (*add)(const float* a, const float* b, float* target, std::size_t count) noexcept = nullptr;  ///< needed with an addend

  Epilogue() = default;
  Epilogue(Isa isa, const Activation& function, const float* added)
      : activation(function), activate(activation_kernel(isa)), addend(added), add(elementwise_kernels(isa).add) {}

  [[nodiscard]] bool is_identity() const { return activation.is_identity() && addend == nullptr; }
  /// outputs[first, first + count) are sums: adds to them what belongs there, and activates.
  void finish(float* outputs, std::size_t first, std::size_t count) const {
    float* run = outputs + first;
    if (addend != nullptr) add(run, addend + first, run, count);
    if (!activation.is_identity()) activate(activation, run, run, count);
  }
};

}  // namespace titrate::kernels
