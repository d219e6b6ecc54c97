// exp, sigmoid, tanh and erf on registers. Polynomials are Chebyshev interpolations on the given range, turned into powers; every step is
// an addition, a product or a fused one, so AVX2 and AVX-512 give equal bits. Errors (tests/engine/kernels/activation_test.cpp sweeps
// them against double): exp, sigmoid, tanh and erf at most 2e-7 of the result, or 2e-38. For the files of an instruction set only.
#pragma once

#include "engine/kernels/lanes.hpp"

namespace titrate::kernels {
namespace {

template <int W, int N>
[[gnu::always_inline]] inline FloatLanes<W> polynomial(FloatLanes<W> x, const float (&coefficients)[N]) {
  FloatLanes<W> sum = broadcast<W>(coefficients[N - 1]);
#pragma GCC unroll 16
  for (int power = N - 2; power >= 0; --power) sum = multiply_add<W>(sum, x, broadcast<W>(coefficients[power]));
  return sum;
}

// 2^n for n in [-127, 128]; -127 gives 0, 128 infinity. Only the lowest bits of n count.
template <int W>
[[gnu::always_inline]] inline FloatLanes<W> power_of_two(IntLanes<W> n) {
  const IntLanes<W> bits = (n + 127) << 23;
  FloatLanes<W> lanes;
  __builtin_memcpy(&lanes, &bits, sizeof(lanes));
  return lanes;
}

// e^x as (1 + r + r^2 P(r)) 2^n, where x = n ln 2 + r with |r| <= ln 2 / 2. NaN stays NaN.
template <int W>
struct SplitExp {
  FloatLanes<W> power;    // of r
  FloatLanes<W> shifted;  // n + 1.5 * 2^23: n in its lowest bits
};

inline constexpr float exp_shift = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer

template <int W>
[[gnu::always_inline]] inline SplitExp<W> split_exp(FloatLanes<W> x) {
  constexpr float coefficients[] = {0.500000001F, 0.166666667F, 0.0416664642F, 0.00833331084F, 0.00139337307F, 0.000198910804F};
  const FloatLanes<W> magic = broadcast<W>(exp_shift);
  const FloatLanes<W> shifted = multiply_add<W>(x, broadcast<W>(1.44269504F), magic);
  const FloatLanes<W> n = shifted - magic;
  // ln 2 in two parts, the first with zeros at its end so that n times it is exact without fused products too.
  FloatLanes<W> r = multiply_add<W>(n, broadcast<W>(-0.693145752F), x);
  r = multiply_add<W>(n, broadcast<W>(-1.42860677e-6F), r);
  return {multiply_add<W>(r * r, polynomial<W>(r, coefficients), r) + broadcast<W>(1.0F), shifted};
}

// 2^n as two factors, so that denormals come out right.
template <int W>
[[gnu::always_inline]] inline FloatLanes<W> exp_lanes(FloatLanes<W> x) {
  const FloatLanes<W> low = broadcast<W>(-104.0F);
  const FloatLanes<W> high = broadcast<W>(89.0F);
  const SplitExp<W> split = split_exp<W>(at_most<W>(at_least<W>(x, low), high));
  const IntLanes<W> whole = bits_of<W>(split.shifted) - bits_of<W>(broadcast<W>(exp_shift));
  const IntLanes<W> half = whole >> 1;
  return split.power * power_of_two<W>(half) * power_of_two<W>(whole - half);
}

template <int W>
[[gnu::always_inline]] inline FloatLanes<W> absolute(FloatLanes<W> x) {
  return x < broadcast<W>(0.0F) ? -x : x;
}

// 1 / (1 + e^-x). Here 2^n is one factor: infinity for n = 128, which makes it 0, and no denormals on the other side.
template <int W>
[[gnu::always_inline]] inline FloatLanes<W> sigmoid_lanes(FloatLanes<W> x) {
  const FloatLanes<W> one = broadcast<W>(1.0F);
  const FloatLanes<W> low = broadcast<W>(-89.0F);
  const FloatLanes<W> high = broadcast<W>(87.0F);
  const SplitExp<W> split = split_exp<W>(-at_most<W>(at_least<W>(x, low), high));
  const FloatLanes<W> power = split.power * power_of_two<W>(bits_of<W>(split.shifted));
  return one / (one + power);
}

// x + x^3 P(x^2) up to 0.55, 1 - 2 / (e^2x + 1) from there on.
template <int W>
[[gnu::always_inline]] inline FloatLanes<W> tanh_lanes(FloatLanes<W> x) {
  constexpr float coefficients[] = {-0.333333333F, 0.133333242F, -0.0539647004F, 0.0218184491F, -0.0085263331F, 0.00252639077F};
  const FloatLanes<W> one = broadcast<W>(1.0F);
  const FloatLanes<W> size = absolute<W>(x);
  const FloatLanes<W> square = x * x;
  const FloatLanes<W> small = multiply_add<W>(x * square, polynomial<W>(square, coefficients), x);
  const FloatLanes<W> large = one - broadcast<W>(2.0F) / (exp_lanes<W>(size + size) + one);
  return size < broadcast<W>(0.55F) ? small : (x < broadcast<W>(0.0F) ? -large : large);
}

// x P(x^2) up to 1; from there on 1 - e^(-x^2) Q(x - 2.5), where Q is e^(x^2) erfc(x) on [1, 4]. Beyond 4 it rounds to 1.
template <int W>
[[gnu::always_inline]] inline FloatLanes<W> erf_lanes(FloatLanes<W> x) {
  constexpr float near[] = {1.12837917F,    -0.376126385F,    0.112837825F,    -0.0268654307F,
                            0.00522103181F, -0.000848408044F, 0.000112659594F, -9.66704579e-06F};
  constexpr float far[] = {0.210806364F,    -0.0743475937F,   0.0249380569F,   -0.00799938886F,  0.00246650857F, -0.000738927886F,
                           0.000212313567F, -5.36272945e-05F, 1.46895568e-05F, -6.37786228e-06F, 1.61189075e-06F};
  const FloatLanes<W> one = broadcast<W>(1.0F);
  const FloatLanes<W> four = broadcast<W>(4.0F);
  FloatLanes<W> size = absolute<W>(x);
  const FloatLanes<W> small = x * polynomial<W>(x * x, near);
  size = at_most<W>(size, four);
  const FloatLanes<W> large = one - exp_lanes<W>(-(size * size)) * polynomial<W>(size - broadcast<W>(2.5F), far);
  return size < one ? small : (x < broadcast<W>(0.0F) ? -large : large);
}

}  // namespace
}  // namespace titrate::kernels
