// Arithmetic, comparisons and clipping by hand: broadcasting, wrapping integers, what has no answer.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "engine/base/float16.hpp"
#include "tests/engine/ops/one_node.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;

TEST(Arithmetic, BroadcastsOverLeadingMiddleAndTrailingAxes) {
  const Tensor cube = floats({2, 2, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  EXPECT_THAT(elements_of<float>(OneNode{"Add", 14, {cube, floats({3}, {100, 200, 300})}, {}}.run()),
              ElementsAre(100, 201, 302, 103, 204, 305, 106, 207, 308, 109, 210, 311));
  EXPECT_THAT(elements_of<float>(OneNode{"Sub", 14, {cube, floats({2, 1}, {1, 2})}, {}}.run()),
              ElementsAre(-1, 0, 1, 1, 2, 3, 5, 6, 7, 7, 8, 9));
  EXPECT_THAT(elements_of<float>(OneNode{"Mul", 14, {floats({2, 1, 1}, {1, -1}), cube}, {}}.run()),
              ElementsAre(0, 1, 2, 3, 4, 5, -6, -7, -8, -9, -10, -11));
  const Tensor outer = OneNode{"Add", 14, {floats({2, 1}, {1, 2}), floats({1, 2}, {10, 20})}, {}}.run();
  EXPECT_EQ(outer.shape(), (Shape{2, 2}));
  EXPECT_THAT(elements_of<float>(outer), ElementsAre(11, 21, 12, 22));
}

TEST(Arithmetic, EmptyTensorsGiveEmptyTensors) {
  EXPECT_EQ((OneNode{"Add", 14, {floats({0, 3}, {}), floats({1}, {1})}, {}}.run().shape()), (Shape{0, 3}));
}

TEST(Arithmetic, IntegersWrapAround) {
  constexpr auto least = std::numeric_limits<std::int32_t>::min();
  const Tensor left = Tensor::of<std::int32_t>({2}, {std::numeric_limits<std::int32_t>::max(), least});
  EXPECT_THAT(elements_of<std::int32_t>(OneNode{"Add", 14, {left, Tensor::scalar<std::int32_t>(1)}, {}}.run()),
              ElementsAre(least, least + 1));
  EXPECT_THAT(elements_of<std::int32_t>(OneNode{"Div", 14, {left, Tensor::scalar<std::int32_t>(-1)}, {}}.run()),
              ElementsAre(-std::numeric_limits<std::int32_t>::max(), least));
  EXPECT_THAT(elements_of<std::int32_t>(OneNode{"Neg", 14, {left}, {}}.run()), ElementsAre(least + 1, least));
  const Tensor words = Tensor::of<std::uint16_t>({1}, {65535});
  EXPECT_THAT(elements_of<std::uint16_t>(OneNode{"Mul", 14, {words, words}, {}}.run()), ElementsAre(1));
}

TEST(Arithmetic, IntegersDividedByZeroAreRefused) {
  const Tensor one = Tensor::of<std::int32_t>({1}, {1}), zero = Tensor::of<std::int32_t>({1}, {0});
  EXPECT_THROW((void)(OneNode{"Div", 14, {one, zero}, {}}.run()), Error);
  EXPECT_THROW((void)(OneNode{"Mod", 14, {one, zero}, {}}.run()), Error);
}

TEST(Arithmetic, RemaindersFollowPythonOrC) {
  const Tensor left = integers({-7, 7, -7, 7}), right = integers({3, -3, -3, 3});
  EXPECT_THAT(elements_of<std::int64_t>(OneNode{"Mod", 13, {left, right}, {}}.run()), ElementsAre(2, -2, -1, 1));
  EXPECT_THAT(elements_of<std::int64_t>(OneNode{"Mod", 13, {left, right}, {{"fmod", std::int64_t{1}, {}}}}.run()),
              ElementsAre(-1, 1, -1, 1));
}

TEST(Arithmetic, PowersOfIntegersAreExact) {
  EXPECT_THAT(elements_of<std::int64_t>(OneNode{"Pow", 15, {integers({3, -2, 10}), integers({39, 3, 0})}, {}}.run()),
              ElementsAre(4052555153018976267, -8, 1));
  EXPECT_THAT(elements_of<float>(OneNode{"Pow", 15, {floats({3}, {4, 9, 2}), floats({}, {0.5F})}, {}}.run()),
              ElementsAre(2, 3, std::sqrt(2.0F)));
}

TEST(Arithmetic, HalvesAreComputedInFloatAndRoundedOnce) {
  Tensor half = Tensor::uninitialized(DataType::float16, {1});
  half.mutable_bits<std::uint16_t>()[0] = half_from_float(2048.0F);
  Tensor one = Tensor::uninitialized(DataType::float16, {1});
  one.mutable_bits<std::uint16_t>()[0] = half_from_float(3.0F);
  const Tensor sum = OneNode{"Add", 14, {half, one}, {}}.run();
  ASSERT_EQ(sum.type(), DataType::float16);
  EXPECT_EQ(float_from_half(sum.bits<std::uint16_t>()[0]), 2052.0F);  // 2051 lies between 2050 and 2052: half to even
}

TEST(Arithmetic, AHalfExponentLeavesTheBaseItsType) {
  Tensor half = Tensor::uninitialized(DataType::float16, {1});
  half.mutable_bits<std::uint16_t>()[0] = half_from_float(2.0F);
  const Tensor square = OneNode{"Pow", 15, {floats({1}, {3}), half}, {}}.run();
  ASSERT_EQ(square.type(), DataType::float32);
  EXPECT_EQ(elements_of<float>(square)[0], 9.0F);
}

TEST(Arithmetic, ShapesThatDoNotBroadcastAreRefused) {
  EXPECT_THROW((void)(OneNode{"Add", 14, {floats({2}, {1, 2}), floats({3}, {1, 2, 3})}, {}}.run()), Error);
  EXPECT_THROW((void)(OneNode{"Add", 14, {floats({1}, {1}), integers({1})}, {}}.run()), Error);
}

TEST(Arithmetic, UnknownSizesBroadcastAsFarAsTheyAreKnown) {
  const OneNode add{"Add", 14, {floats({1}, {1}), floats({1}, {1})}, {}};
  const auto shapes = [&](Shape left, Shape right) {
    return *add.infer({{.present = true, .type = DataType::float32, .shape = left}, {.present = true, .shape = right}})[0].shape;
  };
  EXPECT_EQ(shapes({-1, 3}, {1, 3}), (Shape{-1, 3}));
  EXPECT_EQ(shapes({-1, 3}, {5, 1}), (Shape{5, 3}));
  EXPECT_EQ(shapes({-1}, {-1}), (Shape{-1}));
  EXPECT_EQ(shapes({1}, {-1}), (Shape{-1}));
}

TEST(Clip, BoundsAreAttributesBeforeOpset11) {
  const Tensor input = floats({3}, {-2, 0.5F, 2});
  EXPECT_THAT(elements_of<float>(OneNode{"Clip", 6, {input}, {{"min", -1.0F, {}}, {"max", 1.0F, {}}}}.run()), ElementsAre(-1, 0.5F, 1));
  EXPECT_THAT(elements_of<float>(OneNode{"Clip", 13, {input, Tensor{}, floats({}, {1})}, {}}.run()), ElementsAre(-2, 0.5F, 1));
  EXPECT_THROW((void)(OneNode{"Clip", 13, {input, floats({0}, {})}, {}}.run()), Error);
}

TEST(Extremes, NanWinsInMinAndMax) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const char* type : {"Min", "Max"}) {
    const Tensor result = OneNode{type, 13, {floats({3}, {nan, 1, 2}), floats({3}, {0, nan, 5})}, {}}.run();
    EXPECT_TRUE(std::isnan(elements_of<float>(result)[0]) && std::isnan(elements_of<float>(result)[1])) << type;
  }
}

TEST(Rounding, HalfGoesToEven) {
  EXPECT_THAT(elements_of<float>(OneNode{"Round", 11, {floats({5}, {0.5F, 1.5F, 2.5F, -0.5F, -1.5F})}, {}}.run()),
              ElementsAre(0, 2, 2, 0, -2));
}

}  // namespace
}  // namespace titrate::engine
