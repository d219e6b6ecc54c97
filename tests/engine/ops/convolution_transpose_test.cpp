#include <gtest/gtest.h>

#include "tests/engine/ops/single_node.hpp"

namespace titrate::engine {
namespace {

using Integers = std::vector<std::int64_t>;
using Numbers = std::vector<double>;

Tensor floats(Shape shape, const std::vector<float>& elements) { return Tensor::of(std::move(shape), elements); }

// 1 2 spread by [10 20 30]: stride 1 -> 10, 20+20, 30+40, 60; stride 2 -> 10, 20, 30+20, 40, 60.
TEST(ConvTranspose, SpreadsEverySampleByItsFilter) {
  SingleNode node("ConvTranspose", 11, {floats({1, 1, 2}, {1, 2}), floats({1, 1, 3}, {10, 20, 30}), floats({1}, {1})});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{11, 41, 71, 61}));
  node.set("strides", Integers{2});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{11, 21, 51, 41, 61}));
  node.set("output_padding", Integers{1});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{11, 21, 51, 41, 61, 1}));
  node.set("pads", Integers{1, 2});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{21, 51, 41}));
}

TEST(ConvTranspose, OutputShapeDecidesThePadding) {
  SingleNode node("ConvTranspose", 11, {floats({1, 1, 2}, {1, 2}), floats({1, 1, 3}, {10, 20, 30})});
  node.set("strides", Integers{2}).set("output_shape", Integers{4});  // of 5 one goes, in front unless SAME_UPPER
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{20, 50, 40, 60}));
  node.set("auto_pad", std::string("SAME_UPPER"));
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{10, 20, 50, 40}));
  node.node.remove("output_shape");
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{10, 20, 50, 40}));  // SAME: input * stride
}

TEST(ConvTranspose, GroupsKeepTheirChannelsApart) {
  SingleNode node("ConvTranspose", 11, {floats({1, 2, 1}, {2, 3}), floats({2, 2, 1}, {1, 10, 100, 1000})});
  node.set("group", std::int64_t{2});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{2, 20, 300, 3000}));
  node.set("group", std::int64_t{1});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{302, 3020}));
}

// The transposed operator is the adjoint: <conv(x), y> = <x, transposed(y)> for the same weights.
TEST(ConvTranspose, IsTheAdjointOfConv) {
  std::mt19937 random(9);
  const Tensor x = random_floats({2, 4, 7, 9}, random);
  const Tensor w = random_floats({6, 2, 3, 2}, random);
  const auto with_attributes = [&](const std::string& type, const Tensor& input) {
    SingleNode node(type, 11, {input, w});
    node.set("strides", Integers{2, 3}).set("dilations", Integers{1, 2}).set("pads", Integers{1, 0, 0, 2}).set("group", std::int64_t{2});
    return node;
  };
  const Tensor forward = with_attributes("Conv", x).run()[0];
  const Tensor y = random_floats(forward.shape(), random);
  auto back = with_attributes("ConvTranspose", y);
  back.set("output_padding", Integers{1, 2});
  // The strides drop the last rows of x: the output padding gives them back, as zeros.
  const Tensor backward = back.run()[0];
  auto wide = back;
  for (auto& input : wide.inputs) {
    if (input) input = to_double(*input);
  }
  const auto wide_numbers = to_doubles(wide.run()[0]);
  const auto numbers = to_doubles(backward);
  for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_NEAR(numbers[i], wide_numbers[i], 1e-5);
  double left = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(y.elements()); ++i) left += to_doubles(forward)[i] * to_doubles(y)[i];
  double right = 0;
  ASSERT_LE(backward.shape()[2], 7 + 1);
  for (std::int64_t plane = 0; plane < 8; ++plane) {
    for (std::int64_t h = 0; h < std::min<std::int64_t>(7, backward.shape()[2]); ++h) {
      for (std::int64_t w_at = 0; w_at < std::min<std::int64_t>(9, backward.shape()[3]); ++w_at) {
        right += to_doubles(x)[static_cast<std::size_t>((plane * 7 + h) * 9 + w_at)] *
                 numbers[static_cast<std::size_t>((plane * backward.shape()[2] + h) * backward.shape()[3] + w_at)];
      }
    }
  }
  EXPECT_NEAR(left, right, 1e-3);
}

}  // namespace
}  // namespace titrate::engine
