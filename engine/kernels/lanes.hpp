// W floats in one register through GCC's vector extension: an algorithm is written once and compiled for each instruction set. For the
// files of an instruction set only: everything here has internal linkage, so that no copy built for one set can be linked into another.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace titrate::kernels {
namespace {

template <int W>
struct Lanes {
  typedef float Float __attribute__((vector_size(4 * W)));
  typedef std::int32_t Int __attribute__((vector_size(4 * W)));
};
template <int W>
using FloatLanes = typename Lanes<W>::Float;
template <int W>
using IntLanes = typename Lanes<W>::Int;

template <int W>
[[gnu::always_inline]] inline FloatLanes<W> load(const float* source) {
  FloatLanes<W> lanes;
  __builtin_memcpy(&lanes, source, sizeof(lanes));
  return lanes;
}

template <int W>
[[gnu::always_inline]] inline void store(float* target, FloatLanes<W> lanes) {
  __builtin_memcpy(target, &lanes, sizeof(lanes));
}

template <int W>
[[gnu::always_inline]] inline FloatLanes<W> broadcast(float value) {
  return value - FloatLanes<W>{};  // minus zero keeps the sign of -0, plus would not
}

/// The same from memory. By intrinsics: left alone, the compiler loads neighbouring numbers together and shuffles them apart, which is
/// slower.
template <int W>
[[gnu::always_inline]] inline FloatLanes<W> broadcast_from(const float* source) {
#if defined(__AVX2__)
  if constexpr (W == 8) return _mm256_broadcast_ss(source);
#endif
  return broadcast<W>(*source);
}

template <int W>
[[gnu::always_inline]] inline IntLanes<W> bits_of(FloatLanes<W> lanes) {
  IntLanes<W> bits;
  __builtin_memcpy(&bits, &lanes, sizeof(bits));
  return bits;
}

/// a * b + c: with one rounding where the instruction set has it, else with two. The build allows no contraction by itself.
template <int W>
[[gnu::always_inline]] inline FloatLanes<W> multiply_add(FloatLanes<W> a, FloatLanes<W> b, FloatLanes<W> c) {
#if defined(__AVX512F__)
  if constexpr (W == 16) return _mm512_fmadd_ps(a, b, c);
#endif
#if defined(__FMA__)
  if constexpr (W == 8) return _mm256_fmadd_ps(a, b, c);
#endif
  return a * b + c;
}

}  // namespace
}  // namespace titrate::kernels
