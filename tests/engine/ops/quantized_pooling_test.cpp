#include <gtest/gtest.h>

#include <numeric>

#include "tests/engine/ops/quantized_node.hpp"

namespace titrate::engine {
namespace {

using Integers = std::vector<std::int64_t>;
using Numbers = std::vector<double>;

// Channels first to channels last.
Tensor turned(const Tensor& tensor) {
  SingleNode node("Transpose", 13, {tensor});
  Integers order(static_cast<std::size_t>(tensor.rank()));
  std::iota(order.begin(), order.end(), std::int64_t{1});
  order[0] = 0;
  std::iota(order.begin() + 1, order.end() - 1, std::int64_t{2});
  order.back() = 1;
  node.set("perm", order);
  return node.run()[0];
}

TEST(NhwcMaxPool, IsMaxPoolWithTheChannelsBehind) {
  std::mt19937 random(5);
  for (const DataType type : {DataType::uint8, DataType::int8}) {
    for (const std::int64_t channels : {1, 3, 7, 16, 17, 33, 64, 130}) {
      for (const Integers& shape :
           std::vector<Integers>{{2, channels, 9}, {2, channels, 7, 5}, {1, channels, 4, 3, 5}, {0, channels, 7, 5}}) {
        const std::size_t rank = shape.size() - 2;
        const Tensor x = random_codes(type, shape, random);
        for (const std::int64_t dilation : {1, 2}) {
          SingleNode first("MaxPool", 12, {x});
          SingleNode last = quantized_node("NhwcMaxPool", {turned(x)});
          for (SingleNode* node : {&first, &last}) {
            node->set("kernel_shape", Integers(rank, 2)).set("strides", Integers(rank, 2)).set("pads", Integers(2 * rank, 1));
            node->set("dilations", Integers(rank, dilation)).set("ceil_mode", dilation - 1);
          }
          const Tensor expected = turned(first.run()[0]);
          const Tensor y = last.run()[0];
          ASSERT_EQ(y.shape(), expected.shape());
          ASSERT_EQ(to_doubles(y), to_doubles(expected)) << channels;
        }
      }
    }
  }
}

TEST(NhwcMaxPool, AWindowInThePaddingAloneGivesTheLowestCode) {
  SingleNode node = quantized_node("NhwcMaxPool", {codes_of<std::int8_t>({1, 1, 1}, {-100})});
  node.set("kernel_shape", Integers{1}).set("pads", Integers{1, 1});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{-128, -100, -128}));
}

SingleNode average(const std::string& type, const Tensor& x, float x_scale, int x_zero, float y_scale, int y_zero, bool channels_last) {
  SingleNode node = quantized_node(
      type, {x, Tensor::scalar(x_scale), zero_point_of(x.type(), x_zero), Tensor::scalar(y_scale), zero_point_of(x.type(), y_zero)});
  node.set("channels_last", std::int64_t{channels_last});
  return node;
}

TEST(QLinearAveragePool, PaddingCountsOnlyIfAsked) {
  const Tensor x = codes_of<std::uint8_t>({1, 1, 2, 2}, {14, 18, 22, 26});  // (code - 10) / 4 = 1 2 3 4
  SingleNode node = average("QLinearAveragePool", x, 0.25F, 10, 0.125F, 2, false);
  node.set("kernel_shape", Integers{2, 2}).set("pads", Integers{1, 1, 1, 1});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{10, 14, 18, 18, 22, 26, 26, 30, 34}));  // 8 * average + 2
  node.set("count_include_pad", std::int64_t{1});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{4, 8, 6, 10, 22, 14, 8, 16, 10}));
}

TEST(QLinearAveragePool, ChannelsLastGiveTheSameCodes) {
  std::mt19937 random(6);
  for (const DataType type : {DataType::uint8, DataType::int8}) {
    for (const std::int64_t channels : {1, 3, 7, 17, 33, 40}) {
      for (const Integers& shape : std::vector<Integers>{{2, channels, 9}, {2, channels, 7, 5}, {1, channels, 4, 3, 5}}) {
        const std::size_t rank = shape.size() - 2;
        const Tensor x = random_codes(type, shape, random);
        const int zero = type == DataType::int8 ? -128 : 255;
        SingleNode first = average("QLinearAveragePool", x, 0.0173F, zero, 0.0119F, 3, false);
        SingleNode last = average("QLinearAveragePool", turned(x), 0.0173F, zero, 0.0119F, 3, true);
        for (SingleNode* node : {&first, &last}) {
          node->set("kernel_shape", Integers(rank, 3)).set("strides", Integers(rank, 2)).set("pads", Integers(2 * rank, 1));
        }
        ASSERT_EQ(to_doubles(last.run()[0]), to_doubles(turned(first.run()[0]))) << channels;
      }
    }
  }
}

TEST(QLinearGlobalAveragePool, OneCodeForEachPlane) {
  // Sums 10 - 4 * 2 = 2 and -12 - 4 * 2 = -20; 0.5 / (0.25 * 4) = 0.5
  const Tensor x = codes_of<std::int8_t>({1, 2, 2, 2}, {1, 2, 3, 4, -3, 0, -9, 0});
  EXPECT_EQ(to_doubles(average("QLinearGlobalAveragePool", x, 0.5F, 2, 0.25F, 5, false).run()[0]), (Numbers{6, -5}));
  const Tensor last = average("QLinearGlobalAveragePool", turned(x), 0.5F, 2, 0.25F, 5, true).run()[0];
  EXPECT_EQ(to_doubles(last), (Numbers{6, -5}));
  EXPECT_EQ(last.shape(), (Shape{1, 1, 1, 2}));
}

TEST(QLinearGlobalAveragePool, AnAverageOverTheWholeImageIsTheSame) {
  std::mt19937 random(7);
  const Tensor x = random_codes(DataType::uint8, {3, 33, 7, 5}, random);
  for (const bool channels_last : {false, true}) {
    const Tensor given = channels_last ? turned(x) : x;
    SingleNode window = average("QLinearAveragePool", given, 0.5F, 255, 0.3F, 100, channels_last);
    window.set("kernel_shape", Integers{7, 5});
    const Tensor expected = average("QLinearGlobalAveragePool", given, 0.5F, 255, 0.3F, 100, channels_last).run()[0];
    EXPECT_EQ(to_doubles(window.run()[0]), to_doubles(expected));
    for (std::size_t plane = 0; plane < 99; ++plane) {
      std::int32_t sum = 0;
      for (std::size_t pixel = 0; pixel < 35; ++pixel) sum += x.data<std::uint8_t>()[plane * 35 + pixel] - 255;
      const double code = std::nearbyint(static_cast<float>(sum) * (0.5F / (0.3F * 35.0F))) + 100;
      EXPECT_EQ(to_doubles(expected)[plane], std::clamp(code, 0.0, 255.0));
    }
  }
}

TEST(QLinearGlobalAveragePool, RefusesImagesWithoutPixelsAndWithTooMany) {
  const Tensor x = Tensor::uninitialized(DataType::uint8, {1, 2, 0, 2});
  EXPECT_THROW((void)average("QLinearGlobalAveragePool", x, 1, 0, 1, 0, false).run(), Error);
}

}  // namespace
}  // namespace titrate::engine
