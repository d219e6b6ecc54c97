// Rows as a template, whatever the taps; see depthwise.hpp for what it computes. For the files of an instruction set only.
#pragma once

#include "engine/kernels/depthwise/channels.hpp"
#include "engine/kernels/depthwise/depthwise.hpp"
#include "engine/kernels/depthwise/plane.hpp"
#include "engine/kernels/lanes.hpp"

namespace titrate::kernels {
namespace {

// V registers of neighbouring outputs: enough of them hide the latency of the chain of sums.
template <int W, int V>
[[gnu::always_inline]] inline void depthwise_chunk(const float* image, const std::int32_t* offsets, const float* weights, std::size_t taps,
                                                   float start, float* outputs) {
  FloatLanes<W> sums[V];
#pragma GCC unroll 8
  for (int part = 0; part < V; ++part) sums[part] = broadcast<W>(start);
  for (std::size_t tap = 0; tap < taps; ++tap) {
    const FloatLanes<W> weight = broadcast<W>(weights[tap]);
    const float* source = image + offsets[tap];
#pragma GCC unroll 8
    for (int part = 0; part < V; ++part) sums[part] = multiply_add<W>(weight, load<W>(source + part * W), sums[part]);
  }
#pragma GCC unroll 8
  for (int part = 0; part < V; ++part) store<W>(outputs + part * W, sums[part]);
}

template <int W>
void depthwise_row(const float* image, const std::int32_t* offsets, const float* weights, std::size_t taps, float start, float* outputs,
                   std::size_t count) noexcept {
  std::size_t done = 0;
  for (; done + 4 * W <= count; done += 4 * W) depthwise_chunk<W, 4>(image + done, offsets, weights, taps, start, outputs + done);
  for (; done + W <= count; done += W) depthwise_chunk<W, 1>(image + done, offsets, weights, taps, start, outputs + done);
  if (done == count) return;
  float rest[W];
  depthwise_chunk<W, 1>(image + done, offsets, weights, taps, start, rest);
  for (std::size_t j = 0; done + j < count; ++j) outputs[done + j] = rest[j];
}

template <int W>
constexpr DepthwiseKernel depthwise_kernel_of() {
  return {depthwise_row<W>,
          {{depthwise_plane<W, 3, 1>, depthwise_plane<W, 3, 2>}, {depthwise_plane<W, 5, 1>, depthwise_plane<W, 5, 2>}},
          W,
          {{depthwise_channels<W, 3, 1>, depthwise_channels<W, 3, 2>}, {depthwise_channels<W, 5, 1>, depthwise_channels<W, 5, 2>}}};
}

}  // namespace
}  // namespace titrate::kernels
