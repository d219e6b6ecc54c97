// Softmax of float32: of one row of neighbours, or of columns side by side.
#pragma once

#include <cstddef>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// target[i] = e^(source[i] - m) / sum over j of e^(source[j] - m), m the largest source; count > 0; target may be source. The sum runs in
/// sixteen parts (element i belongs to part i mod 16) that are added in pairs: the same on every instruction set.
using SoftmaxKernel = void (*)(const float* source, float* target, std::size_t count) noexcept;

/// target[i] = (source[i] - m) - log(that sum).
using LogSoftmaxKernel = void (*)(const float* source, float* target, std::size_t count) noexcept;
/// The same for the `columns` columns of a matrix [size, columns]; `logarithm` asks for the second. Here each sum runs in order.
using ColumnSoftmaxKernel = void (*)(const float* source, float* target, std::size_t size, std::size_t columns, bool logarithm) noexcept;

struct SoftmaxKernels {
  SoftmaxKernel row;
  LogSoftmaxKernel log_row;
  ColumnSoftmaxKernel columns;
};

/// Null where the build has no such instruction set.
extern const SoftmaxKernels* const softmax_scalar;
extern const SoftmaxKernels* const softmax_avx2;
extern const SoftmaxKernels* const softmax_avx512;

[[nodiscard]] const SoftmaxKernels& softmax_kernels(Isa isa);
[[nodiscard]] inline SoftmaxKernel softmax_kernel(Isa isa) { return softmax_kernels(isa).row; }

}  // namespace titrate::kernels
