#include <gtest/gtest.h>

#include "tests/engine/ops/quantized_node.hpp"

namespace titrate::engine {
namespace {

using Numbers = std::vector<double>;

TEST(QLinearConcat, CopiesWhatHasTheResultsScaleAndTranslatesTheRest) {
  const Tensor a = codes_of<std::uint8_t>({2, 2}, {1, 2, 3, 4});
  const Tensor b = codes_of<std::uint8_t>({2, 1}, {10, 255});
  const Tensor half = Tensor::scalar(0.5F);
  const Tensor one = Tensor::scalar(1.0F);
  const Tensor zero = zero_point_of(DataType::uint8, 0);
  const Tensor five = zero_point_of(DataType::uint8, 5);
  // b: 1 * (code - 5) / 0.5 + 0
  SingleNode node = quantized_node("QLinearConcat", {half, zero, a, half, zero, b, one, five});
  node.set("axis", std::int64_t{1});
  for (const unsigned constants : {~0U, 0U, 0b11011U}) {
    node.constants = constants;
    EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{1, 2, 10, 3, 4, 255}));
  }
  node.set("axis", std::int64_t{-1});
  EXPECT_EQ(node.infer(SingleNode::Known::everything)[0].shape, (Shape{2, 3}));
}

TEST(QLinearConcat, SignedCodesAlongTheFirstAxisAndEmptyParts) {
  const Tensor a = codes_of<std::int8_t>({1, 2}, {-128, 127});
  const Tensor none = Tensor::uninitialized(DataType::int8, {0, 2});
  const Tensor one = Tensor::scalar(1.0F);
  const Tensor two = Tensor::scalar(2.0F);
  const Tensor zero = zero_point_of(DataType::int8, 0);
  SingleNode node = quantized_node("QLinearConcat", {two, zero, none, one, zero, a, one, zero, a, two, zero});
  node.set("axis", std::int64_t{0});
  EXPECT_EQ(to_doubles(node.run()[0]), (Numbers{-64, 64, -128, 127}));  // 63.5 is rounded to even
}

TEST(QLinearConcat, RefusesPartsWithoutTheirScales) {
  const Tensor a = codes_of<std::uint8_t>({2}, {1, 2});
  const Tensor one = Tensor::scalar(1.0F);
  const Tensor zero = zero_point_of(DataType::uint8, 0);
  SingleNode node = quantized_node("QLinearConcat", {one, zero, a, one, zero, a});
  node.set("axis", std::int64_t{0});
  EXPECT_THROW((void)node.run(), Error);
  SingleNode other = quantized_node("QLinearConcat", {one, zero, codes_of<std::int8_t>({2}, {1, 2}), one, zero});
  other.set("axis", std::int64_t{0});
  EXPECT_THROW((void)other.run(), Error);
}

}  // namespace
}  // namespace titrate::engine
