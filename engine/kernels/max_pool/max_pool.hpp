// MaxPool of one float32 plane with stride 1 or 2.
#pragma once

#include <cstddef>

#include "engine/base/cpu.hpp"

namespace titrate::kernels {

/// A channel of an image under a window of [taps_down, taps_across], `stride_down` and S apart; S is fixed by the function that is called.
struct MaxPoolPlane {
  const float* image;  ///< [rows, columns]
  std::size_t rows;
  std::size_t columns;
  std::size_t pad_top;  ///< what is behind follows from the outputs' sizes
  std::size_t pad_left;
  std::size_t taps_down;
  std::size_t taps_across;
  std::size_t stride_down;
  float* outputs;  ///< [output_rows, output_columns]
  std::size_t output_rows;
  std::size_t output_columns;
  float* rows_kept;  ///< max_pool_rows_size() floats that hold minus infinity, or what another plane of the same sizes left there
};

/// Each output is the largest number of its window that is inside the image; minus infinity without one. NaN is passed over.
using MaxPoolRun = void (*)(const MaxPoolPlane&) noexcept;

/// Columns of one parity that the outputs' windows reach.
[[nodiscard, gnu::always_inline]] inline std::size_t max_pool_part(std::size_t output_columns, std::size_t taps_across,
                                                                   std::size_t stride) {
  return output_columns + (taps_across - 1) / stride;
}
/// In floats, with what whole registers read behind the last column: one row of the image, combined.
[[nodiscard, gnu::always_inline]] inline std::size_t max_pool_row_size(std::size_t output_columns, std::size_t taps_across,
                                                                       std::size_t stride) {
  return (max_pool_part(output_columns, taps_across, stride) * stride + 32 + 15) / 16 * 16;
}

/// Two of them in turn: one is read while the next is written.
[[nodiscard, gnu::always_inline]] inline std::size_t max_pool_rows_size(std::size_t output_columns, std::size_t taps_across,
                                                                        std::size_t stride) {
  return 2 * max_pool_row_size(output_columns, taps_across, stride);
}

struct MaxPoolKernels {
  MaxPoolRun planes[2];  ///< [S - 1]
};

/// Null where the build has no such instruction set.
extern const MaxPoolKernels* const max_pool_scalar;
extern const MaxPoolKernels* const max_pool_avx2;
extern const MaxPoolKernels* const max_pool_avx512;

[[nodiscard]] const MaxPoolKernels& max_pool_kernels(Isa isa);

}  // namespace titrate::kernels
