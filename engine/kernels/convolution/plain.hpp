// Convolution as its definition says: the reference for tests, and the way for types without a kernel.
#pragma once

#include <cstdint>

#include "engine/kernels/convolution/geometry.hpp"

namespace titrate::kernels {

/// One output: the sum over channels and taps that lie inside the image.
template <class T>
[[nodiscard]] T convolve_at(const ConvolutionGeometry& geometry, const T* channels, const T* filter, const Sizes3& at) {
  T sum{0};
  for (std::int64_t channel = 0; channel < geometry.channels; ++channel) {
    for (std::int64_t tap = 0; tap < geometry.taps(); ++tap) {
      const Sizes3 position{tap / (geometry.kernel[1] * geometry.kernel[2]), tap / geometry.kernel[2] % geometry.kernel[1],
                            tap % geometry.kernel[2]};
      std::int64_t index = 0;
      bool inside = true;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::int64_t in = at[axis] * geometry.stride[axis] + position[axis] * geometry.dilation[axis] - geometry.pad[axis];
        inside = inside && in >= 0 && in < geometry.input[axis];
        index = index * geometry.input[axis] + in;
      }
      if (inside) sum += channels[channel * geometry.input_size() + index] * filter[channel * geometry.taps() + tap];
    }
  }
  return sum;
}

/// Arguments as of convolve() (convolution.hpp), the filters not packed.
template <class T>
void convolve_plainly(const ConvolutionGeometry& geometry, const T* input, const T* filters, const T* bias, T* output) {
  const std::int64_t all_filters = geometry.groups * geometry.filters;
  for (std::int64_t image = 0; image < geometry.batch; ++image) {
    for (std::int64_t filter = 0; filter < all_filters; ++filter) {
      const std::int64_t group = filter / geometry.filters;
      const T* channels = input + (image * geometry.groups + group) * geometry.channels * geometry.input_size();
      for (std::int64_t d = 0; d < geometry.output[0]; ++d) {
        for (std::int64_t h = 0; h < geometry.output[1]; ++h) {
          for (std::int64_t w = 0; w < geometry.output[2]; ++w) {
            const T sum = convolve_at(geometry, channels, filters + filter * geometry.depth(), {d, h, w});
            *output++ = bias == nullptr ? sum : sum + bias[filter];
          }
        }
      }
    }
  }
}

}  // namespace titrate::kernels
