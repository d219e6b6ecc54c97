// The loops as templates; see normalization.hpp for what they compute. For the files of an instruction set only.
#pragma once

#include "engine/kernels/lanes.hpp"
#include "engine/kernels/normalization/normalization.hpp"

namespace titrate::kernels {
namespace {

constexpr int moment_parts = 16;

// D doubles in one register.
template <int D>
struct Doubles {
  typedef double Lanes __attribute__((vector_size(8 * D)));
  typedef float Floats __attribute__((vector_size(4 * D)));
};

// The sum of term(x) over all x, in parts.
template <int D, class Term>
[[gnu::always_inline]] inline double sum_in_parts(const float* source, std::size_t count, const Term& term) {
  using Lanes = typename Doubles<D>::Lanes;
  using Floats = typename Doubles<D>::Floats;
  constexpr int registers = moment_parts / D;
  Lanes sums[registers] = {};
  std::size_t done = 0;
  for (; done + moment_parts <= count; done += moment_parts) {
#pragma GCC unroll 8
    for (int part = 0; part < registers; ++part) {
      Floats floats;
      __builtin_memcpy(&floats, source + done + part * D, sizeof(floats));
      sums[part] += term(__builtin_convertvector(floats, Lanes));
    }
  }
  double parts[moment_parts];
  __builtin_memcpy(parts, sums, sizeof(parts));
  for (std::size_t part = 0; done + part < count; ++part) {
    parts[part] += term(Lanes{} + static_cast<double>(source[done + part]))[0];
  }
  for (int half = moment_parts / 2; half > 0; half /= 2) {
    for (int part = 0; part < half; ++part) parts[part] += parts[part + half];
  }
  return parts[0];
}

template <int W>
Moments moments(const float* source, std::size_t count) noexcept {
  using Lanes = typename Doubles<W / 2>::Lanes;
  const double mean = sum_in_parts<W / 2>(source, count, [](Lanes x) { return x; }) / static_cast<double>(count);
  const double squares = sum_in_parts<W / 2>(source, count, [mean](Lanes x) {
    const Lanes apart = x - mean;
    return apart * apart;
  });
  return {mean, squares / static_cast<double>(count)};
}

template <int W>
void normalize(const float* source, float mean, float factor, float addend, float* target, std::size_t count) noexcept {
  std::size_t done = 0;
  for (; done + W <= count; done += W) {
    store<W>(target + done, (load<W>(source + done) - broadcast<W>(mean)) * broadcast<W>(factor) + broadcast<W>(addend));
  }
  for (; done < count; ++done) target[done] = (source[done] - mean) * factor + addend;
}

template <int W>
void normalize_each(const float* source, float mean, float factor, const float* scale, const float* bias, float* target,
                    std::size_t count) noexcept {
  std::size_t done = 0;
  for (; done + W <= count; done += W) {
    const FloatLanes<W> unit = (load<W>(source + done) - broadcast<W>(mean)) * broadcast<W>(factor);
    store<W>(target + done, unit * load<W>(scale + done) + load<W>(bias + done));
  }
  for (; done < count; ++done) target[done] = (source[done] - mean) * factor * scale[done] + bias[done];
}

template <int W>
constexpr NormalizationKernels normalization_kernels_of() {
  return {moments<W>, normalize<W>, normalize_each<W>};
}

}  // namespace
}  // namespace titrate::kernels
