#include <gtest/gtest.h>

#include <cmath>

#include "tests/engine/ops/single_node.hpp"

namespace titrate::engine {
namespace {

Tensor floats(Shape shape, const std::vector<float>& elements) { return Tensor::of(std::move(shape), elements); }

void expect_near(const Tensor& tensor, const std::vector<double>& wanted, double tolerance = 1e-5) {
  const auto numbers = to_doubles(tensor);
  ASSERT_EQ(numbers.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(numbers[i], wanted[i], tolerance) << i;
}

TEST(BatchNormalization, ScalesAndShiftsEachChannel) {
  // (x - mean) / sqrt(variance + 0) * scale + bias; channel 1: (x - 1) / 2 * 3 + 4
  SingleNode node("BatchNormalization", 15,
                  {floats({1, 2, 2}, {1, 2, 3, 5}), floats({2}, {1, 3}), floats({2}, {0, 4}), floats({2}, {0, 1}), floats({2}, {1, 4})});
  node.set("epsilon", 0.0F);
  expect_near(node.run()[0], {1, 2, 7, 10});
  node.set("training_mode", std::int64_t{1});
  EXPECT_THROW((void)node.infer(SingleNode::Known::everything), Error);
}

TEST(InstanceNormalization, UsesEachPlanesOwnMoments) {
  // 1, 3: mean 2, deviation 1.
  SingleNode node("InstanceNormalization", 6, {floats({2, 1, 2}, {1, 3, 10, 10}), floats({1}, {2}), floats({1}, {5})});
  node.set("epsilon", 1e-12F);
  expect_near(node.run()[0], {3, 7, 5, 5});
}

TEST(LayerNormalization, GivesMeanAndInverseDeviationToo) {
  SingleNode node("LayerNormalization", 17, {floats({2, 2}, {1, 3, 0, 8}), floats({2}, {1, 2}), floats({2}, {0, 1})}, 3);
  node.set("epsilon", 0.0F);
  const auto outputs = node.run();
  expect_near(outputs[0], {-1, 3, -1, 3});
  expect_near(outputs[1], {2, 4});
  expect_near(outputs[2], {1, 0.25});
  EXPECT_EQ(outputs[1].shape(), (Shape{2, 1}));
}

TEST(LayerNormalization, StretchesAScalarScale) {
  SingleNode node("LayerNormalization", 17, {floats({2, 1, 2}, {1, 3, 0, 8}), floats({1}, {10})});
  node.set("epsilon", 0.0F).set("axis", std::int64_t{1});
  expect_near(node.run()[0], {-10, 10, -10, 10});
}

TEST(GroupNormalization, ParametersAreOfGroupsThenOfChannels) {
  const Tensor x = floats({1, 4, 1}, {1, 3, 0, 8});
  SingleNode by_group("GroupNormalization", 18, {x, floats({2}, {1, 10}), floats({2}, {0, 1})});
  by_group.set("num_groups", std::int64_t{2}).set("epsilon", 0.0F);
  expect_near(by_group.run()[0], {-1, 1, -9, 11});
  SingleNode by_channel("GroupNormalization", 21, {x, floats({4}, {1, 2, 3, 4}), floats({4}, {0, 0, 1, 1})});
  by_channel.set("num_groups", std::int64_t{2}).set("epsilon", 0.0F);
  expect_near(by_channel.run()[0], {-1, 2, -2, 5});
}

TEST(Lrn, SumsSquaresOfNeighbouringChannels) {
  // size 3: channels c-1 ... c+1; y = x / (1 + 3/3 * sum)^1
  SingleNode node("LRN", 13, {floats({1, 3, 1}, {1, 2, 3})});
  node.set("size", std::int64_t{3}).set("alpha", 3.0F).set("beta", 1.0F).set("bias", 1.0F);
  expect_near(node.run()[0], {1.0 / 6, 2.0 / 15, 3.0 / 14});
  // size 2: c ... c+1, by floor((size - 1) / 2) in front and ceil behind.
  node.set("size", std::int64_t{2}).set("alpha", 2.0F);
  expect_near(node.run()[0], {1.0 / 6, 2.0 / 14, 3.0 / 10});
}

TEST(LpNormalization, DividesByTheNorm) {
  SingleNode node("LpNormalization", 1, {floats({2, 2}, {3, 0, 4, 0})});
  node.set("axis", std::int64_t{0});
  expect_near(node.run()[0], {0.6, 0, 0.8, 0});  // a norm of zero gives zeros
  node.set("p", std::int64_t{1});
  expect_near(node.run()[0], {3.0 / 7, 0, 4.0 / 7, 0});
}

TEST(MeanVarianceNormalization, OverTheGivenAxes) {
  SingleNode node("MeanVarianceNormalization", 13, {floats({2, 2}, {1, 10, 3, 20})});
  node.set("axes", std::vector<std::int64_t>{0});
  expect_near(node.run()[0], {-1, -1, 1, 1});
}

}  // namespace
}  // namespace titrate::engine
