// Pooling of 8-bit codes on every instruction set that this machine can run, against the formula written out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "engine/kernels/pooling_int8/pooling_int8.hpp"

namespace titrate::kernels {
namespace {

class PoolingInt8 : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!machine_has(GetParam())) GTEST_SKIP() << "this machine has no " << name_of(GetParam());
  }
  std::mt19937 random_{29};

  template <class Code>
  std::vector<Code> codes(std::size_t count) {
    std::vector<Code> made(count);
    for (Code& code : made) {
      code = static_cast<Code>(random_() % 4 == 0 ? std::numeric_limits<Code>::lowest() : static_cast<int>(random_()));
    }
    return made;
  }

  template <class Code>
  void check_window(const PixelWindow& window, std::ptrdiff_t channels, const AverageOfCodes& average) {
    const PixelKernels<Code>& kernels = pooling_int8_kernels(GetParam()).of<Code>();
    std::ptrdiff_t reach = channels;
    for (int axis = 0; axis < 3; ++axis) reach += std::max<std::ptrdiff_t>(0, window.counts[axis] - 1) * window.steps[axis];
    const std::vector<Code> x = codes<Code>(static_cast<std::size_t>(reach));
    std::vector<Code> largest(static_cast<std::size_t>(channels)), averages(largest.size());
    kernels.largest(window, x.data(), largest.data(), largest.size());
    kernels.average(window, average, x.data(), averages.data(), averages.size());
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
      int best = std::numeric_limits<Code>::lowest();
      float sum = 0;
      for (std::ptrdiff_t d = 0; d < window.counts[0]; ++d) {
        for (std::ptrdiff_t h = 0; h < window.counts[1]; ++h) {
          for (std::ptrdiff_t w = 0; w < window.counts[2]; ++w) {
            const int code = x[static_cast<std::size_t>(d * window.steps[0] + h * window.steps[1] + w * window.steps[2] + c)];
            best = std::max(best, code);
            const float number = average.x_scale * static_cast<float>(code - average.x_zero);
            sum = sum + number;
          }
        }
      }
      const float value = sum / average.divisor / average.y_scale + static_cast<float>(average.y_zero);
      const double code = std::clamp<double>(std::nearbyint(static_cast<double>(value)), std::numeric_limits<Code>::lowest(),
                                             std::numeric_limits<Code>::max());
      ASSERT_EQ(largest[static_cast<std::size_t>(c)], best) << channels << " channels";
      ASSERT_EQ(averages[static_cast<std::size_t>(c)], static_cast<Code>(code)) << channels << " channels";
    }
  }

  template <class Code>
  void check_sum(std::size_t pixels, std::size_t channels) {
    std::vector<Code> x = codes<Code>(pixels * channels);
    if (pixels > 300)
      std::fill(x.begin(), x.end(), random_() % 2 == 0 ? std::numeric_limits<Code>::lowest() : std::numeric_limits<Code>::max());
    std::vector<std::int32_t> sums(channels, 7);
    pooling_int8_kernels(GetParam()).of<Code>().sum(x.data(), pixels, channels, sums.data());
    for (std::size_t c = 0; c < channels; ++c) {
      std::int32_t sum = 0;
      for (std::size_t pixel = 0; pixel < pixels; ++pixel) sum += x[pixel * channels + c];
      ASSERT_EQ(sums[c], sum) << pixels << " pixels, " << channels << " channels";
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Isas, PoolingInt8, testing::Values(Isa::scalar, Isa::avx2, Isa::avx512),
                         [](const auto& variant) { return std::string(name_of(variant.param)); });

TEST_P(PoolingInt8, WindowsOfAllChannelCounts) {
  for (const std::ptrdiff_t channels : {1, 3, 7, 15, 16, 17, 31, 33, 64, 100, 129, 259}) {
    for (const std::ptrdiff_t width : {0, 1, 2, 3}) {
      const PixelWindow window{{1 + channels % 2, 3, width}, {5 * channels, 2 * channels, channels}};
      check_window<std::uint8_t>(window, channels, {0.0173F, 255, 5, 0.0119F, 255});
      check_window<std::uint8_t>(window, channels, {0.5F, 0, 4, 0.25F, 0});
      check_window<std::int8_t>(window, channels, {0.0173F, -128, 7, 0.0119F, -128});
      check_window<std::int8_t>(window, channels, {0.5F, 127, 4, 0.25F, 3});
    }
  }
}

TEST_P(PoolingInt8, SumsOfManyPixels) {
  for (const std::size_t channels : {1, 7, 16, 17, 64, 85}) {
    for (const std::size_t pixels : {0, 1, 49, 255, 256, 257, 513, 1000}) {
      check_sum<std::uint8_t>(pixels, channels);
      check_sum<std::int8_t>(pixels, channels);
    }
  }
}

}  // namespace
}  // namespace titrate::kernels
