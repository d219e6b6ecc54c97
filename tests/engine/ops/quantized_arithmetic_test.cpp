#include <gtest/gtest.h>

#include "tests/engine/ops/quantized_node.hpp"

namespace titrate::engine {
namespace {

using Numbers = std::vector<double>;

SingleNode binary(const std::string& type, const Tensor& a, float a_scale, int a_zero, const Tensor& b, float b_scale, int b_zero,
                  float c_scale, int c_zero) {
  return quantized_node(type, {a, Tensor::scalar(a_scale), zero_point_of(a.type(), a_zero), b, Tensor::scalar(b_scale),
                               zero_point_of(a.type(), b_zero), Tensor::scalar(c_scale), zero_point_of(a.type(), c_zero)});
}

TEST(QLinearAdd, SumsAreRoundedHalfToEvenWithTheZeroPoint) {
  // 0.5 * (a - 10) + 0.25 * (b - 20), scale 0.5, zero point 3: a - 10 + (b - 20) / 2 + 3
  const Tensor a = codes_of<std::uint8_t>({6}, {10, 10, 11, 0, 255, 255});
  const Tensor b = codes_of<std::uint8_t>({6}, {20, 21, 21, 0, 255, 20});
  EXPECT_EQ(to_doubles(binary("QLinearAdd", a, 0.5F, 10, b, 0.25F, 20, 0.5F, 3).run()[0]), (Numbers{3, 4, 4, 0, 255, 248}));
}

TEST(QLinearAdd, SignedCodesAndOneForMany) {
  const Tensor a = codes_of<std::int8_t>({2, 3}, {-128, -1, 0, 1, 2, 127});
  const Tensor one = codes_of<std::int8_t>({1}, {-3});
  const Tensor column = codes_of<std::int8_t>({2, 1}, {1, -1});
  EXPECT_EQ(to_doubles(binary("QLinearAdd", a, 1, 0, one, 1, 0, 1, 0).run()[0]), (Numbers{-128, -4, -3, -2, -1, 124}));
  EXPECT_EQ(to_doubles(binary("QLinearAdd", one, 1, 0, a, 1, 0, 1, 0).run()[0]), (Numbers{-128, -4, -3, -2, -1, 124}));
  EXPECT_EQ(to_doubles(binary("QLinearAdd", a, 1, 0, column, 1, 0, 1, -1).run()[0]), (Numbers{-128, -1, 0, -1, 0, 125}));
}

TEST(QLinearMul, ProductsOfDifferences) {
  // 0.5 * (a - 128) * 0.5 * (b - 1) / 0.25 = (a - 128) * (b - 1)
  const Tensor a = codes_of<std::uint8_t>({4}, {129, 130, 127, 0});
  const Tensor b = codes_of<std::uint8_t>({4}, {4, 0, 3, 2});
  EXPECT_EQ(to_doubles(binary("QLinearMul", a, 0.5F, 128, b, 0.5F, 1, 0.25F, 100).run()[0]), (Numbers{103, 98, 98, 0}));
  const Tensor channel = codes_of<std::uint8_t>({2, 1}, {2, 3});
  const Tensor rows = codes_of<std::uint8_t>({2, 2}, {129, 130, 127, 126});
  EXPECT_EQ(to_doubles(binary("QLinearMul", rows, 0.5F, 128, channel, 0.5F, 1, 0.25F, 0).run()[0]), (Numbers{1, 2, 0, 0}));
}

TEST(QLinearArithmetic, ZeroPointsMayBeLeftOutAndComputed) {
  const Tensor a = codes_of<std::uint8_t>({2}, {1, 2});
  SingleNode node = quantized_node(
      "QLinearAdd", {a, Tensor::scalar(1.0F), std::nullopt, a, Tensor::scalar(1.0F), std::nullopt, Tensor::scalar(2.0F), std::nullopt});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{1, 2}));
  node.constants = 0;
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{1, 2}));
}

TEST(QLinearArithmetic, AnEmptyBatchGivesNothing) {
  const Tensor none = Tensor::uninitialized(DataType::int8, {0, 3});
  EXPECT_EQ(binary("QLinearAdd", none, 1, 0, codes_of<std::int8_t>({3}, {1, 2, 3}), 1, 0, 1, 0).run()[0].shape(), (Shape{0, 3}));
}

TEST(QLinearArithmetic, RefusesWhatIsNoCode) {
  const Tensor a = codes_of<std::uint8_t>({2}, {1, 2});
  const Tensor other = codes_of<std::int8_t>({2}, {1, 2});
  EXPECT_THROW((void)binary("QLinearAdd", a, 1, 0, other, 1, 0, 1, 0).run(), Error);
  SingleNode node = binary("QLinearAdd", a, 1, 0, a, 1, 0, 1, 0);
  node.inputs[1] = Tensor::of<float>({2}, std::vector<float>{1, 2});
  EXPECT_THROW((void)node.run(), Error);
  node = binary("QLinearAdd", a, 1, 0, a, 1, 0, 1, 0);
  node.inputs[7] = Tensor::scalar(std::int8_t{0});
  EXPECT_THROW((void)node.run(), Error);
}

}  // namespace
}  // namespace titrate::engine
