// The kernel as a template; see softmax.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/activation/functions.hpp"
#include "engine/kernels/softmax/softmax.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t parts = 16;

[[gnu::always_inline]] inline float largest_of(const float* source, std::size_t count) {
  float largest = source[0];
  for (std::size_t i = 1; i < count; ++i) largest = largest < source[i] ? source[i] : largest;
  return largest;
}

template <int W>
[[gnu::always_inline]] inline float largest_lanes(const float* source, std::size_t count) {
  if (count < parts) return largest_of(source, count);
  FloatLanes<W> largest = load<W>(source);
  std::size_t done = W;
  for (; done + W <= count; done += W) {
    const FloatLanes<W> next = load<W>(source + done);
    largest = largest < next ? next : largest;
  }
  float lanes[W];
  store<W>(lanes, largest);
  const float of_lanes = largest_of(lanes, W);
  if (done == count) return of_lanes;
  const float of_rest = largest_of(source + done, count - done);
  return of_lanes < of_rest ? of_rest : of_lanes;
}

[[gnu::always_inline]] inline float sum_of_parts(float (&sums)[parts]) {
  for (std::size_t half = parts / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) sums[i] += sums[i + half];
  }
  return sums[0];
}

// Calls each(place, power) for whole registers of e^(source[i] - largest), and returns their sum; what lies behind the last element is not
// counted. `each` gets the number of lanes that exist.
template <int W, class Each>
[[gnu::always_inline]] inline float sum_of_powers(const float* source, std::size_t count, FloatLanes<W> largest, const Each& each) {
  constexpr int registers = static_cast<int>(parts) / W;
  FloatLanes<W> sums[registers];
  for (int part = 0; part < registers; ++part) sums[part] = broadcast<W>(0.0F);
  std::size_t done = 0;
  for (; done + parts <= count; done += parts) {
#pragma GCC unroll 4
    for (int part = 0; part < registers; ++part) {
      const FloatLanes<W> power = exp_lanes<W>(load<W>(source + done + part * W) - largest);
      each(done + part * W, power, std::size_t{W});
      sums[part] += power;
    }
  }
  if (done < count) {
    float rest[parts];
    for (std::size_t i = 0; i < parts; ++i) rest[i] = done + i < count ? source[done + i] : -__builtin_inff();
    for (int part = 0; part < registers; ++part) {
      const std::size_t first = done + part * W;
      const std::size_t present = first >= count ? 0 : count - first < W ? count - first : W;
      const FloatLanes<W> power = exp_lanes<W>(load<W>(rest + part * W) - largest);
      each(first, power, present);
      store<W>(rest + part * W, power);
    }
    for (std::size_t i = count - done; i < parts; ++i) rest[i] = 0.0F;
    for (int part = 0; part < registers; ++part) sums[part] += load<W>(rest + part * W);
  }
  float of_parts[parts];
  for (int part = 0; part < registers; ++part) store<W>(of_parts + part * W, sums[part]);
  return sum_of_parts(of_parts);
}

template <int W>
void softmax_row(const float* source, float* target, std::size_t count) noexcept {
  const FloatLanes<W> largest = broadcast<W>(largest_lanes<W>(source, count));
  const float sum = sum_of_powers<W>(source, count, largest, [target](std::size_t first, FloatLanes<W> power, std::size_t present) {
    if (present == W) return store<W>(target + first, power);
    for (std::size_t i = 0; i < present; ++i) target[first + i] = power[i];
  });
  std::size_t done = 0;
  for (; done + W <= count; done += W) store<W>(target + done, load<W>(target + done) / broadcast<W>(sum));
  for (; done < count; ++done) target[done] /= sum;
}

template <int W>
void log_softmax_row(const float* source, float* target, std::size_t count) noexcept {
  const float largest = largest_lanes<W>(source, count);
  const float sum = sum_of_powers<W>(source, count, broadcast<W>(largest), [](std::size_t, FloatLanes<W>, std::size_t) {});
  const float logarithm = __builtin_logf(sum);
  std::size_t done = 0;
  for (; done + W <= count; done += W) {
    store<W>(target + done, load<W>(source + done) - broadcast<W>(largest) - broadcast<W>(logarithm));
  }
  for (; done < count; ++done) target[done] = source[done] - largest - logarithm;
}

}  // namespace
}  // namespace titrate::kernels
