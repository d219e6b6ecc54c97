// The sizes of a convolution, always with three spatial axes (1-D and 2-D have ones in front).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace titrate::kernels {

using Sizes3 = std::array<std::int64_t, 3>;

struct ConvolutionGeometry {
  std::int64_t batch = 1;
  std::int64_t groups = 1;
  std::int64_t channels = 1;  ///< of the input, in one group
  std::int64_t filters = 1;   ///< of the output, in one group
  Sizes3 input{1, 1, 1};
  Sizes3 kernel{1, 1, 1};
  Sizes3 output{1, 1, 1};
  Sizes3 stride{1, 1, 1};
  Sizes3 dilation{1, 1, 1};
  Sizes3 pad{0, 0, 0};  ///< zeros in front; what is behind follows from the output's size

  [[nodiscard]] std::int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  [[nodiscard]] std::int64_t depth() const { return channels * taps(); }
  [[nodiscard]] std::int64_t input_size() const { return input[0] * input[1] * input[2]; }
  [[nodiscard]] std::int64_t output_size() const { return output[0] * output[1] * output[2]; }
};

}  // namespace titrate::kernels
