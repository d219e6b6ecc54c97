#include <gtest/gtest.h>

#include <cmath>

#include "tests/engine/ops/single_node.hpp"

namespace titrate::engine {
namespace {

SingleNode nbits(std::int64_t k, std::int64_t n, std::int64_t bits, std::int64_t block, std::vector<std::optional<Tensor>> inputs) {
  SingleNode node("MatMulNBits", 1, std::move(inputs));
  node.node.domain = "com.microsoft";
  node.set("K", k).set("N", n).set("bits", bits).set("block_size", block);
  return node;
}

TEST(MatMulNBits, TheWorkedExampleThatOnnxRuntimeConfirms) {
  const std::vector<std::uint8_t> codes{16, 50, 84, 118, 152, 186, 220, 254, 239, 205, 171, 137, 103, 69, 35, 1};
  std::vector<float> a(32, 0.0F);
  a[0] = 1;
  a[3] = 2;
  a[16] = 4;
  a[31] = -1;
  auto node =
      nbits(32, 1, 4, 16,
            {Tensor::of<float>({1, 32}, a), Tensor::of<std::uint8_t>({1, 2, 8}, codes),
             Tensor::of<float>({1, 2}, std::vector<float>{0.5F, 0.25F}), Tensor::of<std::uint8_t>({1, 1}, std::vector<std::uint8_t>{56})});
  EXPECT_EQ(to_doubles(node.run()[0]), (std::vector<double>{3.75}));
}

struct NBitsCase {
  std::int64_t bits, depth, block;
  bool packed_zero_points, float_zero_points;
  std::int64_t level;
};

class RandomNBits : public testing::TestWithParam<NBitsCase> {};

// The formula of each level written out in double, from codes that are drawn unpacked and packed here.
TEST_P(RandomNBits, EqualsItsFormula) {
  const NBitsCase c = GetParam();
  constexpr std::int64_t columns = 37;
  constexpr std::int64_t rows = 3;
  const std::int64_t blocks = (c.depth + c.block - 1) / c.block;
  std::mt19937 random(17);
  const auto code_limit = static_cast<unsigned>(1 << c.bits);
  std::vector<unsigned> codes(static_cast<std::size_t>(columns * blocks * c.block));
  Tensor packed = Tensor::zeros(DataType::uint8, {columns, blocks, c.block * c.bits / 8});
  for (std::size_t i = 0; i < codes.size(); ++i) {
    codes[i] = static_cast<unsigned>(random()) % code_limit;
    const std::size_t bit = i * static_cast<std::size_t>(c.bits);
    auto& byte = packed.mutable_data<std::uint8_t>()[bit / 8];
    byte = static_cast<std::uint8_t>(byte | (codes[i] << (bit % 8)));
  }
  const std::int64_t row_bytes = (blocks * c.bits + 7) / 8;
  Tensor zero_points = Tensor::zeros(DataType::uint8, {columns, row_bytes});
  Tensor float_points = random_floats({columns, blocks}, random, 0, 5);
  std::vector<double> zero(static_cast<std::size_t>(columns * blocks), static_cast<double>(code_limit / 2));
  for (std::size_t n = 0; n < columns; ++n) {
    for (std::size_t block = 0; block < static_cast<std::size_t>(blocks); ++block) {
      const std::size_t at = n * static_cast<std::size_t>(blocks) + block;
      if (c.float_zero_points) zero[at] = static_cast<double>(float_points.data<float>()[at]);
      if (!c.packed_zero_points) continue;
      const auto code = static_cast<unsigned>(random()) % code_limit;
      const std::size_t bit = block * static_cast<std::size_t>(c.bits);
      auto& byte = zero_points.mutable_data<std::uint8_t>()[n * static_cast<std::size_t>(row_bytes) + bit / 8];
      byte = static_cast<std::uint8_t>(byte | (code << (bit % 8)));
      zero[at] = code;
    }
  }
  const Tensor a = random_floats({rows, c.depth}, random);
  const Tensor scales = random_floats({columns, blocks}, random, 0.1F, 1.0F);
  const Tensor bias = random_floats({columns}, random);
  std::optional<Tensor> points;
  if (c.packed_zero_points) points = zero_points;
  if (c.float_zero_points) points = float_points;
  auto node = nbits(c.depth, columns, c.bits, c.block, {a, packed, scales, points, std::nullopt, bias});
  node.set("accuracy_level", c.level);
  const Tensor y = node.run()[0];
  const bool quantized = c.level == 4 && c.bits != 2 && !c.float_zero_points;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t n = 0; n < columns; ++n) {
      double sum = static_cast<double>(bias.data<float>()[static_cast<std::size_t>(n)]);
      double magnitude = 1;
      for (std::int64_t block = 0; block < blocks; ++block) {
        const auto at = static_cast<std::size_t>(n * blocks + block);
        const std::int64_t last = std::min(c.depth, (block + 1) * c.block);
        float largest = 0;
        for (std::int64_t k = block * c.block; k < last; ++k)
          largest = std::max(largest, std::abs(a.data<float>()[static_cast<std::size_t>(i * c.depth + k)]));
        double dot = 0;
        for (std::int64_t k = block * c.block; k < last; ++k) {
          const float number = a.data<float>()[static_cast<std::size_t>(i * c.depth + k)];
          const float step = largest / 127.0F;
          const double left = quantized ? std::nearbyint(number / step) * static_cast<double>(step) : static_cast<double>(number);
          dot += left * (codes[at * static_cast<std::size_t>(c.block) + static_cast<std::size_t>(k % c.block)] - zero[at]);
        }
        sum += dot * static_cast<double>(scales.data<float>()[at]);
        magnitude += std::abs(dot);
      }
      ASSERT_NEAR(y.data<float>()[static_cast<std::size_t>(i * columns + n)], sum, 1e-5 * magnitude) << i << ", " << n;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, RandomNBits,
                         testing::Values(NBitsCase{4, 64, 32, false, false, 0}, NBitsCase{4, 40, 16, true, false, 1},
                                         NBitsCase{4, 40, 16, true, false, 4}, NBitsCase{8, 100, 32, true, false, 0},
                                         NBitsCase{8, 100, 32, false, false, 4}, NBitsCase{2, 70, 16, true, false, 4},
                                         NBitsCase{4, 48, 16, false, true, 4}, NBitsCase{2, 48, 16, false, true, 0}));

TEST(MatMulNBits, RefusesWidthsAndBlocksThatItCannotHave) {
  const Tensor a = Tensor::zeros(DataType::float32, {1, 32});
  const Tensor b = Tensor::zeros(DataType::uint8, {1, 2, 8});
  const Tensor s = Tensor::zeros(DataType::float32, {1, 2});
  EXPECT_NO_THROW((void)nbits(32, 1, 4, 16, {a, b, s}).infer(SingleNode::Known::everything));
  EXPECT_THROW((void)nbits(32, 1, 3, 16, {a, b, s}).infer(SingleNode::Known::everything), Error);
  EXPECT_THROW((void)nbits(32, 1, 4, 24, {a, b, s}).infer(SingleNode::Known::everything), Error);
  EXPECT_THROW((void)nbits(32, 2, 4, 16, {a, b, s}).infer(SingleNode::Known::everything), Error);
  EXPECT_THROW((void)nbits(0, 1, 4, 16, {a, b, s}).infer(SingleNode::Known::everything), Error);
}

}  // namespace
}  // namespace titrate::engine
