// The loops as templates; see elementwise.hpp for what they compute. For the files of an instruction set only.
#pragma once

#include "engine/kernels/elementwise/elementwise.hpp"
#include "engine/kernels/lanes.hpp"

namespace titrate::kernels {
namespace {

// Whole registers by `body`, then the rest through a register that is filled up with zeros.
template <int W, class Body>
[[gnu::always_inline]] inline void for_lanes(const float* a, const float* b, float* target, std::size_t count, const Body& body) {
  std::size_t done = 0;
  for (; done + W <= count; done += W) store<W>(target + done, body(load<W>(a + done), load<W>(b + done)));
  if (done == count) return;
  float rest_a[W] = {};
  float rest_b[W] = {};
  for (std::size_t i = 0; done + i < count; ++i) {
    rest_a[i] = a[done + i];
    rest_b[i] = b[done + i];
  }
  const FloatLanes<W> result = body(load<W>(rest_a), load<W>(rest_b));
  for (std::size_t i = 0; done + i < count; ++i) target[done + i] = result[i];
}

template <int W>
void add(const float* a, const float* b, float* target, std::size_t count) noexcept {
  for_lanes<W>(a, b, target, count, [](FloatLanes<W> x, FloatLanes<W> y) { return x + y; });
}

template <int W>
void multiply(const float* a, const float* b, float* target, std::size_t count) noexcept {
  for_lanes<W>(a, b, target, count, [](FloatLanes<W> x, FloatLanes<W> y) { return x * y; });
}

template <int W>
void scale_and_shift(const float* source, float factor, float addend, float* target, std::size_t count) noexcept {
  for_lanes<W>(source, source, target, count,
               [=](FloatLanes<W> x, FloatLanes<W>) { return x * broadcast<W>(factor) + broadcast<W>(addend); });
}

template <int W>
void clamp(const float* source, float low, float high, float* target, std::size_t count) noexcept {
  for_lanes<W>(source, source, target, count, [=](FloatLanes<W> x, FloatLanes<W>) {
    const FloatLanes<W> above = x < broadcast<W>(low) ? broadcast<W>(low) : x;
    return above > broadcast<W>(high) ? broadcast<W>(high) : above;
  });
}

template <int W>
constexpr ElementwiseKernels elementwise_kernels_of() {
  return {add<W>, multiply<W>, scale_and_shift<W>, clamp<W>};
}

}  // namespace
}  // namespace titrate::kernels
