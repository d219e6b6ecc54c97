// What the bfloat16 instructions compute, as Intel's manual (volume 2, VDPBF16PS and TDPBF16PS) says it: float32 with one rounding to
// nearest even a step, subnormal numbers taken as zero and given as zero (DAZ and FTZ), MXCSR left aside.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

namespace titrate::kernels {
namespace {

[[maybe_unused]] inline float flushed(float number) {
  return std::fabs(number) < std::numeric_limits<float>::min() ? std::copysign(0.0F, number) : number;
}

/// The numbers of a pair, even (0) or odd (1).
[[maybe_unused]] inline float number_of(std::uint32_t pair, int which) {
  const std::uint32_t bits = which == 0 ? pair << 16 : pair & 0xffff0000U;
  float number;
  std::memcpy(&number, &bits, sizeof(number));
  return flushed(number);
}

[[maybe_unused]] inline float flushed_multiply_add(float a, float b, float sum) { return flushed(std::fma(a, b, flushed(sum))); }

/// VDPBF16PS, one lane: first the odd numbers.
[[maybe_unused]] inline float flushed_dot(float sum, std::uint32_t a, std::uint32_t b) {
  return flushed_multiply_add(number_of(a, 0), number_of(b, 0), flushed_multiply_add(number_of(a, 1), number_of(b, 1), sum));
}

/// TDPBF16PS, one row of sums: the even and the odd products are summed apart.
struct FlushedTileRow {
  float sums[16];

  /// `a`: a row of pairs; `b`: `pairs` rows of 64 bytes with a pair for each of `columns` columns.
  void add(const std::uint8_t* a, const std::uint8_t* b, std::size_t pairs, std::size_t columns) {
    for (std::size_t n = 0; n < columns; ++n) {
      float parts[2] = {0, 0};
      for (std::size_t k = 0; k < pairs; ++k) {
        std::uint32_t left;
        std::uint32_t right;
        std::memcpy(&left, a + 4 * k, sizeof(left));
        std::memcpy(&right, b + 64 * k + 4 * n, sizeof(right));
        for (int which = 0; which < 2; ++which)
          parts[which] = flushed_multiply_add(number_of(left, which), number_of(right, which), parts[which]);
      }
      sums[n] = flushed(flushed(sums[n]) + flushed(parts[0] + parts[1]));
    }
  }
};

}  // namespace
}  // namespace titrate::kernels
