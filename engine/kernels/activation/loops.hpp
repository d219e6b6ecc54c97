// The loops as templates; see activation.hpp for what they compute. For the files of an instruction set only.
#pragma once

#include "engine/kernels/activation/activation.hpp"
#include "engine/kernels/activation/functions.hpp"
#include "engine/kernels/lanes.hpp"

namespace titrate::kernels {
namespace {

template <int W>
[[gnu::always_inline]] inline FloatLanes<W> clamp_lanes(FloatLanes<W> x, float low, float high) {
  return at_most<W>(at_least<W>(x, broadcast<W>(low)), broadcast<W>(high));
}

// Whole registers by `body`, then the rest through a register that is filled up with zeros.
template <int W, class Body>
[[gnu::always_inline]] inline void map_lanes(const float* source, float* target, std::size_t count, const Body& body) {
  std::size_t done = 0;
  for (; done + W <= count; done += W) store<W>(target + done, body(load<W>(source + done)));
  if (done == count) return;
  float rest[W] = {};
  for (std::size_t i = 0; done + i < count; ++i) rest[i] = source[done + i];
  const FloatLanes<W> result = body(load<W>(rest));
  for (std::size_t i = 0; done + i < count; ++i) target[done + i] = result[i];
}

template <int W>
[[gnu::always_inline]] inline FloatLanes<W> gelu_lanes(FloatLanes<W> x) {
  const FloatLanes<W> inner = erf_lanes<W>(x * broadcast<W>(0.707106781F));
  return broadcast<W>(0.5F) * x * (broadcast<W>(1.0F) + inner);
}

template <int W>
[[gnu::always_inline]] inline FloatLanes<W> gelu_tanh_lanes(FloatLanes<W> x) {
  const FloatLanes<W> cubic = x + broadcast<W>(0.044715F) * x * x * x;
  const FloatLanes<W> inner = tanh_lanes<W>(broadcast<W>(0.797884561F) * cubic);
  return broadcast<W>(0.5F) * x * (broadcast<W>(1.0F) + inner);
}

template <int W>
void activate(const Activation& activation, const float* source, float* target, std::size_t count) noexcept {
  const float first = activation.first;
  const float second = activation.second;
  switch (activation.kind) {
    case ActivationKind::identity:
      if (target != source) __builtin_memcpy(target, source, count * sizeof(float));
      return;
    case ActivationKind::clamp:
      return map_lanes<W>(source, target, count, [=](FloatLanes<W> x) { return clamp_lanes<W>(x, first, second); });
    case ActivationKind::leaky_relu:
      return map_lanes<W>(source, target, count, [=](FloatLanes<W> x) { return x < broadcast<W>(0.0F) ? broadcast<W>(first) * x : x; });
    case ActivationKind::hard_sigmoid:
      return map_lanes<W>(source, target, count,
                          [=](FloatLanes<W> x) { return clamp_lanes<W>(broadcast<W>(first) * x + broadcast<W>(second), 0.0F, 1.0F); });
    case ActivationKind::hard_swish:
      return map_lanes<W>(source, target, count, [](FloatLanes<W> x) {
        return x * clamp_lanes<W>(x * broadcast<W>(1.0F / 6.0F) + broadcast<W>(0.5F), 0.0F, 1.0F);
      });
    case ActivationKind::exp:
      return map_lanes<W>(source, target, count, [](FloatLanes<W> x) { return exp_lanes<W>(x); });
    case ActivationKind::sigmoid:
      return map_lanes<W>(source, target, count, [](FloatLanes<W> x) { return sigmoid_lanes<W>(x); });
    case ActivationKind::swish:
      return map_lanes<W>(source, target, count, [=](FloatLanes<W> x) { return x * sigmoid_lanes<W>(broadcast<W>(first) * x); });
    case ActivationKind::tanh:
      return map_lanes<W>(source, target, count, [](FloatLanes<W> x) { return tanh_lanes<W>(x); });
    case ActivationKind::erf:
      return map_lanes<W>(source, target, count, [](FloatLanes<W> x) { return erf_lanes<W>(x); });
    case ActivationKind::gelu:
      return map_lanes<W>(source, target, count, [](FloatLanes<W> x) { return gelu_lanes<W>(x); });
    case ActivationKind::gelu_tanh:
      return map_lanes<W>(source, target, count, [](FloatLanes<W> x) { return gelu_tanh_lanes<W>(x); });
  }
}

}  // namespace
}  // namespace titrate::kernels
