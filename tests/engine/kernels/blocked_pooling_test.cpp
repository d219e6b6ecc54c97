// Pooling of blocks against the operators on planes, bit by bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "engine/kernels/channel_blocks/pooling.hpp"
#include "tests/engine/kernels/blocked_images.hpp"
#include "tests/engine/kernels/float_numbers.hpp"
#include "tests/engine/ops/single_node.hpp"

namespace titrate::kernels {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float no_number = std::numeric_limits<float>::quiet_NaN();

struct Pooling {
  std::array<std::int64_t, 2> size, kernel, stride, dilation;
  std::array<std::int64_t, 4> pads;
  bool ceils = false;
};

std::ostream& operator<<(std::ostream& stream, const Pooling& pooling) {
  const auto pair = [&](const char* name, const std::array<std::int64_t, 2>& sizes) {
    stream << name << ' ' << sizes[0] << " x " << sizes[1] << ", ";
  };
  pair("image", pooling.size);
  pair("kernel", pooling.kernel);
  pair("stride", pooling.stride);
  pair("dilation", pooling.dilation);
  for (const std::int64_t pad : pooling.pads) stream << "pad " << pad << ' ';
  return stream << (pooling.ceils ? "ceil" : "floor");
}

class BlockedPooling : public testing::TestWithParam<Isa> {
 protected:
  static constexpr std::int64_t batch = 2;
  std::mt19937 random_{7};

  // Ordinary numbers, and among them zeros of both signs, NaN and infinity, enough that windows hold nothing else.
  std::vector<float> image(std::size_t count, bool odd_ones) {
    std::vector<float> numbers = random_numbers(count, random_);
    if (!odd_ones) return numbers;
    constexpr float odd[] = {0.0F, -0.0F, no_number, -infinity, infinity, 0.0F, -0.0F, -1.0F};
    for (float& number : numbers) {
      if (random_() % 4 != 0) number = odd[random_() % (random_() % 16 == 0 ? 8 : 4)];
    }
    return numbers;
  }

  void expect_equal(const char* type, const Pooling& pooling, std::int64_t channels, bool counts_padding) {
    SCOPED_TRACE(testing::Message() << type << " of " << channels << " channels, " << pooling);
    const bool largest = std::string(type) == "MaxPool";
    const auto size = [](std::int64_t given) { return static_cast<std::size_t>(given); };
    const std::int64_t pixels = pooling.size[0] * pooling.size[1];
    const std::vector<float> planes = image(size(batch * channels * pixels), largest);
    engine::Tensor input = engine::Tensor::uninitialized(engine::DataType::float32, {batch, channels, pooling.size[0], pooling.size[1]});
    std::ranges::copy(planes, input.mutable_data<float>().begin());
    engine::SingleNode node(type, 19, {std::move(input)}, 1);
    const auto integers = [](const auto& array) { return std::vector<std::int64_t>(array.begin(), array.end()); };
    node.set("kernel_shape", integers(pooling.kernel)).set("strides", integers(pooling.stride));
    node.set("dilations", integers(pooling.dilation)).set("pads", integers(pooling.pads));
    node.set("ceil_mode", std::int64_t{pooling.ceils});
    if (!largest) node.set("count_include_pad", std::int64_t{counts_padding});
    const engine::Tensor expected = node.run()[0];
    const std::span<const float> of_planes = expected.data<float>();

    const std::size_t lanes = channel_lanes(GetParam());
    const std::vector<float> blocks = images_in_blocks(planes, batch, channels, pixels, lanes);
    const engine::Shape& shape = expected.shape();
    const std::int64_t output_pixels = shape[2] * shape[3];
    const std::size_t block = size(output_pixels) * lanes;
    const std::size_t count = size(batch) * block_count(size(channels), lanes);
    std::vector<float> outputs(count * block + 1, 77.0F);
    const BlockedPoolKernels& kernels = blocked_pool_kernels(GetParam());
    for (std::size_t index = 0; index < count; ++index) {
      (largest ? kernels.largest : kernels.average)({.image = blocks.data() + index * size(pixels) * lanes,
                                                     .rows = size(pooling.size[0]),
                                                     .columns = size(pooling.size[1]),
                                                     .kernel = {size(pooling.kernel[0]), size(pooling.kernel[1])},
                                                     .stride = {size(pooling.stride[0]), size(pooling.stride[1])},
                                                     .dilation = {size(pooling.dilation[0]), size(pooling.dilation[1])},
                                                     .pad = {pooling.pads[0], pooling.pads[1]},
                                                     .pad_end = {pooling.pads[2], pooling.pads[3]},
                                                     .output_rows = size(shape[2]),
                                                     .output_columns = size(shape[3]),
                                                     .count_padding = counts_padding,
                                                     .outputs = outputs.data() + index * block});
      ASSERT_EQ(outputs[(index + 1) * block], 77.0F);
    }
    ASSERT_EQ(bits_of(images_in_planes(outputs, batch, channels, output_pixels, lanes)),
              bits_of(std::vector<float>(of_planes.begin(), of_planes.end())));
  }

  void expect_equal(const Pooling& pooling, std::int64_t channels) {
    expect_equal("MaxPool", pooling, channels, false);
    expect_equal("AveragePool", pooling, channels, false);
    expect_equal("AveragePool", pooling, channels, true);
  }
};
INSTANTIATE_TEST_SUITE_P(Isas, BlockedPooling, testing::ValuesIn(runnable_isas()),
                         [](const auto& isa) { return std::string(name_of(isa.param)); });

TEST_P(BlockedPooling, SquaresAtEveryWidth) {
  for (const std::int64_t taps : {1, 2, 3, 5}) {
    for (const std::int64_t stride : {1, 2, 3}) {
      for (std::int64_t columns = 1; columns <= 19; ++columns) {
        for (const std::int64_t pad : {std::int64_t{0}, taps / 2}) {
          if (columns + 2 * pad < taps) continue;
          const Pooling pooling{{6, columns}, {taps, taps}, {stride, stride}, {1, 1}, {pad, pad, pad, pad}, columns % 2 == 0};
          expect_equal(pooling, 5);
        }
      }
    }
  }
}

TEST_P(BlockedPooling, OtherWindows) {
  expect_equal({{13, 13}, {9, 9}, {1, 1}, {1, 1}, {4, 4, 4, 4}}, 35);
  expect_equal({{13, 13}, {13, 13}, {1, 1}, {1, 1}, {6, 6, 6, 6}}, 16);
  expect_equal({{12, 17}, {3, 2}, {2, 1}, {1, 1}, {1, 0, 0, 1}}, 9);
  expect_equal({{12, 17}, {3, 3}, {2, 2}, {1, 1}, {0, 0, 1, 1}}, 17);
  expect_equal({{12, 17}, {3, 3}, {1, 1}, {2, 3}, {2, 3, 2, 3}}, 8);
  expect_equal({{12, 150}, {3, 4}, {1, 2}, {1, 5}, {1, 2, 1, 3}, true}, 3);
  expect_equal({{3, 150}, {3, 70}, {1, 3}, {1, 1}, {1, 5, 1, 5}, true}, 3);  // a window wider than what is kept
  expect_equal({{3, 150}, {1, 3}, {1, 2}, {1, 50}, {0, 5, 0, 5}}, 3);
}

TEST_P(BlockedPooling, GlobalAverage) {
  const std::size_t lanes = channel_lanes(GetParam());
  for (const std::int64_t pixels : {1, 2, 7, 8, 9, 49, 64, 100}) {
    const auto count = static_cast<std::size_t>(pixels);
    const std::vector<float> planes = image(lanes * count, false);
    engine::Tensor input = engine::Tensor::uninitialized(engine::DataType::float32, {1, static_cast<std::int64_t>(lanes), 1, pixels});
    std::ranges::copy(planes, input.mutable_data<float>().begin());
    engine::SingleNode node("GlobalAveragePool", 1, {std::move(input)}, 1);
    const engine::Tensor expected = node.run()[0];
    std::vector<float> means(lanes + 1, 77.0F);
    blocked_pool_kernels(GetParam())
        .global_average(images_in_blocks(planes, 1, static_cast<std::int64_t>(lanes), pixels, lanes).data(), count, means.data());
    ASSERT_EQ(means.back(), 77.0F);
    means.pop_back();
    const std::span<const float> of_planes = expected.data<float>();
    ASSERT_EQ(bits_of(means), bits_of(std::vector<float>(of_planes.begin(), of_planes.end()))) << pixels;
  }
}

}  // namespace
}  // namespace titrate::kernels
