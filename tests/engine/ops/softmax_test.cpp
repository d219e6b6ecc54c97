#include <gtest/gtest.h>

#include <cmath>

#include "tests/engine/ops/single_node.hpp"

namespace titrate::engine {
namespace {

void expect_near(const Tensor& tensor, const std::vector<double>& wanted) {
  const auto numbers = to_doubles(tensor);
  ASSERT_EQ(numbers.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(numbers[i], wanted[i], 1e-6) << i;
}

// exp(0) : exp(log 3) = 1 : 3
const Tensor pairs = Tensor::of<float>({1, 2, 2}, std::vector<float>{0, std::log(3.0F), 1000, 1000});

TEST(Softmax, NormalisesOneAxisFromOpset13On) {
  expect_near(SingleNode("Softmax", 13, {pairs}).run()[0], {0.25, 0.75, 0.5, 0.5});
  expect_near(SingleNode("LogSoftmax", 13, {pairs}).run()[0], {std::log(0.25), std::log(0.75), std::log(0.5), std::log(0.5)});
  SingleNode middle("Softmax", 13, {pairs});
  middle.set("axis", std::int64_t{1});
  expect_near(middle.run()[0], {0, 0, 1, 1});
}

TEST(Softmax, NormalisesAWholeRowBefore) {
  expect_near(SingleNode("Softmax", 11, {pairs}).run()[0], {0, 0, 0.5, 0.5});
  SingleNode node("Softmax", 11, {pairs});
  node.set("axis", std::int64_t{2});
  expect_near(node.run()[0], {0.25, 0.75, 0.5, 0.5});
}

TEST(Hardmax, PicksTheFirstOfEqualOnes) {
  expect_near(SingleNode("Hardmax", 13, {pairs}).run()[0], {0, 1, 1, 0});
  expect_near(SingleNode("Hardmax", 11, {pairs}).run()[0], {0, 0, 1, 0});
}

TEST(Softmax, RefusesAnAxisOutsideTheRank) {
  SingleNode node("Softmax", 13, {pairs});
  node.set("axis", std::int64_t{3});
  EXPECT_THROW((void)node.infer(SingleNode::Known::everything), Error);
}

}  // namespace
}  // namespace titrate::engine
