#include <gtest/gtest.h>

#include "tests/engine/ops/quantized_node.hpp"

namespace titrate::engine {
namespace {

using Numbers = std::vector<double>;

SingleNode unary(const std::string& type, const Tensor& x, float x_scale, int x_zero, float y_scale, int y_zero) {
  return quantized_node(
      type, {x, Tensor::scalar(x_scale), zero_point_of(x.type(), x_zero), Tensor::scalar(y_scale), zero_point_of(x.type(), y_zero)});
}

TEST(QLinearLeakyRelu, NegativeNumbersShrink) {
  const Tensor x = codes_of<std::uint8_t>({5}, {0, 8, 10, 13, 255});
  SingleNode node = unary("QLinearLeakyRelu", x, 1, 10, 0.5F, 100);  // 0.25 * -10 / 0.5 = -5
  node.set("alpha", 0.25F);
  for (const unsigned constants : {~0U, 0U}) {
    node.constants = constants;
    EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{95, 99, 100, 106, 255}));
  }
  const Tensor s = codes_of<std::int8_t>({3}, {-128, -1, 127});
  SingleNode negative = unary("QLinearLeakyRelu", s, 1, 0, 1, -128);
  negative.set("alpha", 0.5F);
  EXPECT_EQ(to_doubles(negative.run()[0]), (Numbers{-128, -128, -1}));  // -0.5 is rounded to even
}

TEST(QLinearSigmoid, HalfAtZeroAndSaturatedAtTheEnds) {
  const Tensor x = codes_of<std::uint8_t>({4}, {0, 128, 129, 255});
  // 1 / (1 + e^-1) * 256 = 187.15; one is 256, beyond the range
  EXPECT_EQ(to_doubles(unary("QLinearSigmoid", x, 1, 128, 1.0F / 256, 0).run()[0]), (Numbers{0, 128, 187, 255}));
  const Tensor s = codes_of<std::int8_t>({3}, {-128, 0, 1});
  EXPECT_EQ(to_doubles(unary("QLinearSigmoid", s, 1, 0, 1.0F / 256, -128).run()[0]), (Numbers{-128, 0, 59}));
}

SingleNode softmax(const Tensor& x, float x_scale, float y_scale, int y_zero, std::int64_t axis, std::int64_t opset) {
  SingleNode node = unary("QLinearSoftmax", x, x_scale, 7, y_scale, y_zero);
  node.set("axis", axis).set("opset", opset);
  return node;
}

TEST(QLinearSoftmax, EqualCodesShareEqually) {
  const Tensor x = codes_of<std::uint8_t>({1, 4}, {9, 9, 9, 9});
  EXPECT_EQ(to_doubles(softmax(x, 0.1F, 1.0F / 256, 0, -1, 13).run()[0]), (Numbers{64, 64, 64, 64}));
  EXPECT_EQ(to_doubles(softmax(x, 0.1F, 1.0F / 256, 5, 1, 12).run()[0]), (Numbers{69, 69, 69, 69}));
}

TEST(QLinearSoftmax, AlongTheAxisOrOverAllFromItOn) {
  // Two columns: e^0, e^ln3 = 1 to 3. scale = ln 3.
  const Tensor x = codes_of<std::int8_t>({2, 2}, {-128, 5, -127, 4});
  EXPECT_EQ(to_doubles(softmax(x, 1.0986123F, 1.0F / 256, -128, 0, 13).run()[0]), (Numbers{-64, 64, 64, -64}));
  const Tensor row = codes_of<std::uint8_t>({1, 2, 1}, {255, 254});
  EXPECT_EQ(to_doubles(softmax(row, 1.0986123F, 1.0F / 256, 0, 1, 11).run()[0]), (Numbers{192, 64}));
}

TEST(QLinearSoftmax, OneIsSaturated) {
  EXPECT_EQ(to_doubles(softmax(codes_of<std::uint8_t>({1, 2}, {255, 0}), 1, 1.0F / 256, 0, -1, 13).run()[0]), (Numbers{255, 0}));
  EXPECT_EQ(to_doubles(softmax(codes_of<std::int8_t>({1, 2}, {127, -128}), 1, 1.0F / 256, -128, -1, 13).run()[0]), (Numbers{127, -128}));
}

}  // namespace
}  // namespace titrate::engine
