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

/// Ends a step of a sum: what made `lanes` is done here, in a register. Left alone GCC multiplies everything first, runs out of registers
/// for the products and spills sums. A value wider than this target's registers lies in several and is left alone.
template <class Register>
[[gnu::always_inline]] inline void settle([[maybe_unused]] Register& lanes) {
#if defined(__SSE2__)
  if constexpr (sizeof(Register) <= __BIGGEST_ALIGNMENT__) asm("" : "+v"(lanes));
#endif
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

/// The bound where x is below it, else x: NaN and the sign of a zero stay. By an intrinsic: the compiler makes a comparison and a choice.
template <int W>
[[gnu::always_inline]] inline FloatLanes<W> at_least(FloatLanes<W> x, FloatLanes<W> bound) {
#if defined(__AVX2__)
  if constexpr (W == 8) return _mm256_max_ps(bound, x);
#endif
  return x < bound ? bound : x;
}

/// The bound where x is above it, else x.
template <int W>
[[gnu::always_inline]] inline FloatLanes<W> at_most(FloatLanes<W> x, FloatLanes<W> bound) {
#if defined(__AVX2__)
  if constexpr (W == 8) return _mm256_min_ps(bound, x);
#endif
  return x > bound ? bound : x;
}

/// Every other lane of 2 * W neighbours: the even ones, or from the second on.
template <int W, int first>
[[gnu::always_inline]] inline FloatLanes<W> every_other(FloatLanes<W> low, FloatLanes<W> high) {
  static_assert(W == 4 || W == 8 || W == 16);
  if constexpr (W == 4) {
    return __builtin_shuffle(low, high, IntLanes<4>{first, first + 2, first + 4, first + 6});
  } else if constexpr (W == 8) {
    return __builtin_shuffle(low, high, IntLanes<8>{first, first + 2, first + 4, first + 6, first + 8, first + 10, first + 12, first + 14});
  } else {
    return __builtin_shuffle(low, high,
                             IntLanes<16>{first, first + 2, first + 4, first + 6, first + 8, first + 10, first + 12, first + 14, first + 16,
                                          first + 18, first + 20, first + 22, first + 24, first + 26, first + 28, first + 30});
  }
}

/// Two registers as neighbours in turn, first lanes in front: the other way round than every_other; the lower or the upper half of them.
template <int W, bool upper>
[[gnu::always_inline]] inline FloatLanes<W> in_turn(FloatLanes<W> even, FloatLanes<W> odd) {
  static_assert(W == 4 || W == 8 || W == 16);
  constexpr int at = upper ? W / 2 : 0;
  if constexpr (W == 4) {
    return __builtin_shuffle(even, odd, IntLanes<4>{at, at + W, at + 1, at + W + 1});
  } else if constexpr (W == 8) {
    return __builtin_shuffle(even, odd, IntLanes<8>{at, at + W, at + 1, at + W + 1, at + 2, at + W + 2, at + 3, at + W + 3});
  } else {
    return __builtin_shuffle(even, odd,
                             IntLanes<16>{at, at + W, at + 1, at + W + 1, at + 2, at + W + 2, at + 3, at + W + 3, at + 4, at + W + 4,
                                          at + 5, at + W + 5, at + 6, at + W + 6, at + 7, at + W + 7});
  }
}

/// Copies `count` floats in whole registers, the last one over a part of what is copied already. Source and target do not overlap.
template <int W>
[[gnu::always_inline]] inline void copy_floats(const float* source, float* target, std::size_t count) {
  if (count >= W) {
    for (std::size_t done = 0; done + W < count; done += W) store<W>(target + done, load<W>(source + done));
    store<W>(target + count - W, load<W>(source + count - W));
  } else if (W > 4 && count >= 4) {
    copy_floats<4>(source, target, count);
  } else {
    for (std::size_t i = 0; i < count; ++i) target[i] = source[i];
  }
}

/// The even ones of `count` floats to `even`, the others to `odd`.
template <int W>
[[gnu::always_inline]] inline void split_floats(const float* source, float* even, float* odd, std::size_t count) {
  std::size_t done = 0;
  for (; done + 2 * W <= count; done += 2 * W) {
    const FloatLanes<W> low = load<W>(source + done);
    const FloatLanes<W> high = load<W>(source + done + W);
    store<W>(even + done / 2, every_other<W, 0>(low, high));
    store<W>(odd + done / 2, every_other<W, 1>(low, high));
  }
  if constexpr (W > 4) {
    if (done < count) split_floats<W / 2>(source + done, even + done / 2, odd + done / 2, count - done);
  } else {
    for (; done + 1 < count; done += 2) {
      even[done / 2] = source[done];
      odd[done / 2] = source[done + 1];
    }
    if (done < count) even[done / 2] = source[done];
  }
}

}  // namespace
}  // namespace titrate::kernels
