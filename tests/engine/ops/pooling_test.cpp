#include <gtest/gtest.h>

#include "tests/engine/ops/single_node.hpp"

namespace titrate::engine {
namespace {

using Integers = std::vector<std::int64_t>;
using Numbers = std::vector<double>;

Tensor counting(Shape shape) {
  Tensor tensor = Tensor::uninitialized(DataType::float32, std::move(shape));
  float next = 1;
  for (float& element : tensor.mutable_data<float>()) element = next++;
  return tensor;
}

SingleNode pool(const std::string& type, std::int64_t opset, Tensor x, Integers kernel, std::size_t outputs = 1) {
  SingleNode node(type, opset, {std::move(x)}, outputs);
  node.set("kernel_shape", std::move(kernel));
  return node;
}

// 1 2 3 4 / 5 6 7 8 / 9 10 11 12 / 13 14 15 16
TEST(MaxPool, WindowsStridesAndPadding) {
  auto node = pool("MaxPool", 12, counting({1, 1, 4, 4}), {2, 2});
  node.set("strides", Integers{2, 2});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{6, 8, 14, 16}));
  node.set("pads", Integers{1, 1, 0, 0});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{1, 3, 9, 11}));
  node.set("pads", Integers{1, 1, 1, 1});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{1, 3, 4, 9, 11, 12, 13, 15, 16}));
}

TEST(MaxPool, CeilModeAndDilation) {
  auto node = pool("MaxPool", 12, counting({1, 1, 4, 4}), {3, 3});
  node.set("strides", Integers{2, 2}).set("ceil_mode", std::int64_t{1});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{11, 12, 15, 16}));  // ONNX's maxpool_2d_ceil
  auto wide = pool("MaxPool", 12, counting({1, 1, 4, 4}), {2, 2});
  wide.set("dilations", Integers{2, 2});
  EXPECT_EQ(to_doubles(wide.run()[0]), (Numbers{11, 12, 15, 16}));
}

TEST(MaxPool, ACeiledWindowThatStartsInTheBackPaddingIsDropped) {
  // Room 1 + 2 - 1 = 2, stride 2: ceil gives 2 outputs, the second would start at 2 >= size 1 + front padding 1.
  auto node = pool("MaxPool", 12, counting({1, 1, 1}), {1});
  node.set("strides", Integers{2}).set("pads", Integers{1, 1}).set("ceil_mode", std::int64_t{1});
  EXPECT_EQ(node.infer(SingleNode::Known::everything)[0].shape, (Shape{1, 1, 1}));
}

TEST(MaxPool, IndicesCountThroughTheTensor) {
  Tensor x = counting({1, 2, 2, 3});
  auto node = pool("MaxPool", 12, x, {2, 2}, 2);
  auto outputs = node.run();
  EXPECT_EQ(to_doubles(outputs[0]), (Numbers{5, 6, 11, 12}));
  EXPECT_EQ(to_integers(outputs[1]), (Integers{4, 5, 10, 11}));
  node.set("storage_order", std::int64_t{1});
  EXPECT_EQ(to_integers(node.run()[1]), (Integers{3, 5, 9, 11}));  // column * 2 + row
}

TEST(MaxPool, IntegersOfEightBits) {
  const Tensor x = Tensor::of<std::int8_t>({1, 1, 4}, std::vector<std::int8_t>{-128, -5, -7, -128});
  auto node = pool("MaxPool", 12, x, {2});
  node.set("pads", Integers{1, 0});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{-128, -5, -5, -7}));
}

TEST(AveragePool, PaddingCountsOnlyIfAsked) {
  auto node = pool("AveragePool", 11, counting({1, 1, 2, 2}), {2, 2});
  node.set("pads", Integers{1, 1, 1, 1});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{1, 1.5, 2, 2, 2.5, 3, 3, 3.5, 4}));
  node.set("count_include_pad", std::int64_t{1});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{0.25, 0.75, 0.5, 1, 2.5, 1.5, 0.75, 1.75, 1}));
}

TEST(AveragePool, CeilModeNeverCountsWhatLiesBehindThePadding) {
  // 1 2 3 4, windows of 3, stride 2: [1 2 3] and [3 4 -]: the last one has two numbers even with count_include_pad.
  auto node = pool("AveragePool", 19, counting({1, 1, 4}), {3});
  node.set("strides", Integers{2}).set("ceil_mode", std::int64_t{1}).set("count_include_pad", std::int64_t{1});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{2, 3.5}));
}

TEST(AveragePool, DilationIn3D) {
  auto node = pool("AveragePool", 19, counting({1, 1, 3, 3, 3}), {2, 2, 2});
  node.set("dilations", Integers{2, 2, 2});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{14}));  // the corners of 1 ... 27
}

TEST(LpPool, TheRootOfTheSumOfPowers) {
  const Tensor x = Tensor::of<float>({1, 1, 3}, std::vector<float>{3, -4, 0});
  EXPECT_EQ(to_doubles(pool("LpPool", 18, x, {2}).run()[0]), (Numbers{5, 4}));
  auto first = pool("LpPool", 18, x, {2});
  first.set("p", std::int64_t{1});
  EXPECT_EQ(to_doubles(first.run()[0]), (Numbers{7, 4}));
}

TEST(GlobalPools, OneNumberForEachPlane) {
  const Tensor x = Tensor::of<float>({1, 2, 2, 2}, std::vector<float>{1, 2, 3, 4, -3, 0, -4, 0});
  EXPECT_EQ(to_doubles(SingleNode("GlobalAveragePool", 13, {x}).run()[0]), (Numbers{2.5, -1.75}));
  EXPECT_EQ(to_doubles(SingleNode("GlobalMaxPool", 13, {x}).run()[0]), (Numbers{4, 0}));
  EXPECT_DOUBLE_EQ(to_doubles(SingleNode("GlobalLpPool", 13, {x}).run()[0])[1], 5);
  EXPECT_EQ(SingleNode("GlobalMaxPool", 13, {x}).run()[0].shape(), (Shape{1, 2, 1, 1}));
}

}  // namespace
}  // namespace titrate::engine
