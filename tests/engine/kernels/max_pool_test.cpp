#include "engine/kernels/max_pool/max_pool.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace titrate::kernels {
namespace {

constexpr float nothing = -std::numeric_limits<float>::infinity();

struct Window {
  std::size_t rows, columns, down, across, stride_down, stride_across, pad_top, pad_left, output_rows, output_columns;
};

float largest(const Window& window, const std::vector<float>& image, std::size_t h, std::size_t w) {
  float best = nothing;
  for (std::size_t i = 0; i < window.down; ++i) {
    for (std::size_t j = 0; j < window.across; ++j) {
      const std::size_t row = h * window.stride_down + i - window.pad_top;  // wraps around in front of the image: too large then
      const std::size_t column = w * window.stride_across + j - window.pad_left;
      if (row >= window.rows || column >= window.columns) continue;
      const float value = image[row * window.columns + column];
      best = best < value ? value : best;
    }
  }
  return best;
}

class MaxPool : public testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(Isas, MaxPool, testing::ValuesIn(runnable_isas()),
                         [](const auto& isa) { return std::string(name_of(isa.param)); });

void expect_right(Isa isa, const Window& window, std::mt19937& random) {
  std::normal_distribution<float> normal(0, 1);
  const std::size_t row = max_pool_rows_size(window.output_columns, window.across, window.stride_across);
  std::vector<float> scratch(row + 16, nothing);
  for (int plane = 0; plane < 2; ++plane) {  // the second one finds what the first left in the scratch memory
    std::vector<float> image(window.rows * window.columns);
    for (float& value : image) value = normal(random);
    image[image.size() / 2] = std::nanf("");
    image.back() = nothing;
    std::vector<float> outputs(window.output_rows * window.output_columns + 1, 77.0F);
    max_pool_kernels(isa).planes[window.stride_across - 1]({.image = image.data(),
                                                            .rows = window.rows,
                                                            .columns = window.columns,
                                                            .pad_top = window.pad_top,
                                                            .pad_left = window.pad_left,
                                                            .taps_down = window.down,
                                                            .taps_across = window.across,
                                                            .stride_down = window.stride_down,
                                                            .outputs = outputs.data(),
                                                            .output_rows = window.output_rows,
                                                            .output_columns = window.output_columns,
                                                            .rows_kept = scratch.data()});
    for (std::size_t h = 0; h < window.output_rows; ++h) {
      for (std::size_t w = 0; w < window.output_columns; ++w) {
        ASSERT_EQ(outputs[h * window.output_columns + w], largest(window, image, h, w)) << h << ", " << w << " of " << window.columns;
      }
    }
    ASSERT_EQ(outputs.back(), 77.0F);
    for (std::size_t i = row; i < scratch.size(); ++i) ASSERT_EQ(scratch[i], nothing);
  }
}

TEST_P(MaxPool, EqualsItsDefinitionAtEveryWidth) {
  std::mt19937 random(4);
  for (std::size_t columns = 1; columns <= 70; ++columns) {
    for (const std::size_t across : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{6}}) {
      for (const std::size_t stride : {std::size_t{1}, std::size_t{2}}) {
        for (std::size_t pad = 0; pad <= across / 2; ++pad) {
          if (columns + 2 * pad < across) continue;
          // One output more than whole windows allow, as with ceil_mode.
          const std::size_t outputs = (columns + 2 * pad - across) / stride + 2;
          expect_right(GetParam(), {5, columns, 3, across, 2, stride, 1, pad, 3, outputs}, random);
        }
      }
    }
  }
}

TEST_P(MaxPool, WindowsInThePaddingAloneHoldNothing) {
  std::mt19937 random(4);
  expect_right(GetParam(), {2, 3, 2, 2, 1, 1, 4, 4, 9, 10}, random);
  expect_right(GetParam(), {2, 3, 2, 2, 2, 2, 4, 4, 5, 6}, random);
}

}  // namespace
}  // namespace titrate::kernels
