// Operators that move elements, by hand: old opsets, edges, element types, inference from little.
#include <gmock/gmock.h>

#include <limits>
#include <numeric>

#include "tests/engine/ops/one_node.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;
using Integers = std::vector<std::int64_t>;

Tensor counted(Shape shape) {
  std::vector<float> elements(static_cast<std::size_t>(element_count(shape)));
  std::iota(elements.begin(), elements.end(), 0.0F);
  return floats(std::move(shape), elements);
}

Operand known(Shape shape) { return {.present = true, .type = DataType::float32, .shape = std::move(shape)}; }
Operand valued(const Tensor& tensor) { return {.present = true, .type = tensor.type(), .shape = tensor.shape(), .value = &tensor}; }

Shape reshaped(const Shape& from, const Integers& to) {
  const Tensor shape = integers(to);
  return *OneNode{"Reshape", 14, {counted({1}), shape}, {}}.infer({known(from), valued(shape)})[0].shape;
}

TEST(Reshape, InfersWhatIsLeftOver) {
  EXPECT_EQ(reshaped({2, 3, 4}, {0, -1}), (Shape{2, 12}));
  EXPECT_EQ(reshaped({-1, 3, 4}, {0, -1}), (Shape{-1, 12}));  // the unknown batch stands on both sides
  EXPECT_EQ(reshaped({-1, 3, 4}, {-1, 12}), (Shape{-1, 12}));
  EXPECT_EQ(reshaped({0, 3}, {0, 3}), (Shape{0, 3}));
  EXPECT_THROW((void)reshaped({2, 3}, {4, 2}), Error);
  EXPECT_THROW((void)reshaped({2, 3}, {-1, 4}), Error);
  EXPECT_THROW((void)reshaped({2, 3}, {-1, -1}), Error);
  EXPECT_THROW((void)reshaped({2, 3}, {-2, 3}), Error);
  EXPECT_THROW((void)reshaped({2}, {1LL << 40, 1LL << 40}), Error);
}

TEST(Transpose, MovesEveryElementWhateverTheOrder) {
  const Tensor input = counted({3, 5, 20, 33});
  Integers order = {0, 1, 2, 3};
  do {
    const Tensor output = OneNode{"Transpose", 13, {input}, {{"perm", order, {}}}}.run();
    const auto moved = output.data<float>();
    for (std::size_t at = 0; at < moved.size(); ++at) {
      std::int64_t rest = static_cast<std::int64_t>(at), source = 0;
      const Integers strides = {5 * 20 * 33, 20 * 33, 33, 1};
      for (std::size_t axis = 4; axis-- > 0;) {
        source += rest % output.shape()[axis] * strides[static_cast<std::size_t>(order[axis])];
        rest /= output.shape()[axis];
      }
      ASSERT_EQ(moved[at], static_cast<float>(source)) << at;
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Transpose, RefusesWhatIsNoPermutation) {
  for (const Integers& order : {Integers{0, 0}, Integers{0, 2}, Integers{0}, Integers{0, 1, 2}}) {
    EXPECT_THROW((void)(OneNode{"Transpose", 13, {counted({2, 3})}, {{"perm", order, {}}}}.run()), Error);
  }
}

TEST(Slice, OldOpsetsReadAttributes) {
  const Tensor result =
      OneNode{
          "Slice", 9, {counted({3, 4})}, {{"starts", Integers{1, -2}, {}}, {"ends", Integers{1000, -1}, {}}, {"axes", Integers{0, 1}, {}}}}
          .run();
  EXPECT_EQ(result.shape(), (Shape{2, 1}));
  EXPECT_THAT(elements_of<float>(result), ElementsAre(6, 10));
}

TEST(Slice, ExtremeBoundsAndStepsAreClamped) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();
  const auto slice = [&](std::int64_t start, std::int64_t end, std::int64_t step) {
    return elements_of<float>(
        OneNode{"Slice", 13, {counted({4}), integers({start}), integers({end}), integers({0}), integers({step})}, {}}.run());
  };
  EXPECT_THAT(slice(most, least, -1), ElementsAre(3, 2, 1, 0));
  EXPECT_THAT(slice(least, most, 3), ElementsAre(0, 3));
  EXPECT_THAT(slice(most, least, least), ElementsAre(3));
  EXPECT_THAT(slice(0, most, most), ElementsAre(0));
  EXPECT_THAT(slice(2, 1, 1), ElementsAre());
  EXPECT_THROW((void)slice(0, 1, 0), Error);
}

TEST(Slice, UnknownBoundsLeaveOtherAxesKnown) {
  const Tensor axes = integers({1});
  const OneNode node{"Slice", 13, {counted({1}), axes, axes, axes}, {}};
  const Operand unknown{.present = true, .type = DataType::int64, .shape = Shape{1}};
  EXPECT_EQ(*node.infer({known({2, 3}), unknown, unknown, valued(axes)})[0].shape, (Shape{2, -1}));
}

TEST(Concat, PacksNibblesAndStrings) {
  Tensor left = Tensor::uninitialized(DataType::uint4, {1}), right = Tensor::uninitialized(DataType::uint4, {3});
  left.mutable_bytes()[0] = std::byte{0x0A};
  right.mutable_bytes()[0] = std::byte{0x21};
  right.mutable_bytes()[1] = std::byte{0x03};
  const Tensor joined = OneNode{"Concat", 13, {left, right}, {{"axis", std::int64_t{0}, {}}}}.run();
  EXPECT_THAT(to_doubles(joined), ElementsAre(10, 1, 2, 3));
  const Tensor texts =
      OneNode{"Concat", 13, {Tensor::of_strings({1}, {"a"}), Tensor::of_strings({1}, {"b"})}, {{"axis", std::int64_t{-1}, {}}}}.run();
  EXPECT_THAT(std::vector<std::string>(texts.strings().begin(), texts.strings().end()), ElementsAre("a", "b"));
}

TEST(Split, OpsetsDifferInWhereThePartsStand) {
  const auto shapes = [](const std::vector<Tensor>& parts) {
    std::vector<Shape> all;
    for (const Tensor& part : parts) all.push_back(part.shape());
    return all;
  };
  EXPECT_THAT(shapes(OneNode{"Split", 2, {counted({6})}, {{"split", Integers{2, 4}, {}}}, 2}.run_all()), ElementsAre(Shape{2}, Shape{4}));
  EXPECT_THAT(shapes(OneNode{"Split", 13, {counted({6}), integers({5, 1})}, {}, 2}.run_all()), ElementsAre(Shape{5}, Shape{1}));
  EXPECT_THAT(shapes(OneNode{"Split", 18, {counted({7})}, {{"num_outputs", std::int64_t{3}, {}}}, 3}.run_all()),
              ElementsAre(Shape{3}, Shape{3}, Shape{1}));
  EXPECT_THROW((void)(OneNode{"Split", 13, {counted({7})}, {}, 3}.run_all()), Error);
  EXPECT_THROW((void)(OneNode{"Split", 13, {counted({6}), integers({7, -1})}, {}, 2}.run_all()), Error);
}

TEST(Pad, ReflectsMoreThanOnceAndCuts) {
  const auto padded = [](std::int64_t before, std::int64_t after, const char* mode) {
    return elements_of<float>(OneNode{"Pad", 19, {counted({3}), integers({before, after})}, {{"mode", std::string(mode), {}}}}.run());
  };
  EXPECT_THAT(padded(5, 0, "reflect"), ElementsAre(1, 0, 1, 2, 1, 0, 1, 2));
  EXPECT_THAT(padded(2, 2, "wrap"), ElementsAre(1, 2, 0, 1, 2, 0, 1));
  EXPECT_THAT(padded(-1, 1, "edge"), ElementsAre(1, 2, 2));
  EXPECT_THAT(padded(-1, 1, "constant"), ElementsAre(1, 2, 0));
  EXPECT_THROW((void)padded(-2, -2, "constant"), Error);
}

TEST(Pad, OldOpsetsReadAttributes) {
  const Tensor result = OneNode{"Pad", 2, {counted({2})}, {{"pads", Integers{1, 1}, {}}, {"value", 9.0F, {}}}}.run();
  EXPECT_THAT(elements_of<float>(result), ElementsAre(9, 0, 1, 9));
}

TEST(Squeeze, AxesAreAnAttributeBeforeOpset13) {
  EXPECT_EQ((OneNode{"Squeeze", 11, {counted({1, 2, 1})}, {{"axes", Integers{-1}, {}}}}.run().shape()), (Shape{1, 2}));
  EXPECT_EQ((OneNode{"Unsqueeze", 11, {counted({2})}, {{"axes", Integers{0, 2}, {}}}}.run().shape()), (Shape{1, 2, 1}));
  EXPECT_THROW((void)(OneNode{"Squeeze", 13, {counted({2}), integers({0})}, {}}.run()), Error);
  EXPECT_THROW((void)(OneNode{"Unsqueeze", 13, {counted({2}), integers({1, 1})}, {}}.run()), Error);
}

TEST(Gather, IndicesOutsideTheAxisAreRefused) {
  EXPECT_THAT(elements_of<float>(OneNode{"Gather", 13, {counted({3, 2}), integers({-1, 0})}, {}}.run()), ElementsAre(4, 5, 0, 1));
  for (const std::int64_t index : {std::int64_t{3}, std::int64_t{-4}, std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_THROW((void)(OneNode{"Gather", 13, {counted({3, 2}), integers({index})}, {}}.run()), Error);
    EXPECT_THROW((void)(OneNode{"GatherND", 13, {counted({3}), Tensor::of<std::int64_t>({1, 1}, {index})}, {}}.run()), Error);
    EXPECT_THROW((void)(OneNode{"ScatterElements", 18, {counted({3}), integers({index}), floats({1}, {1})}, {}}.run()), Error);
  }
}

TEST(Unique, NanIsOneKindOfItsOwnAndComesLast) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Tensor> found = OneNode{"Unique", 11, {floats({4}, {nan, 2, 1, 2})}, {}, 4}.run_all();
  ASSERT_EQ(found[0].elements(), 3);
  EXPECT_THAT(elements_of<std::int64_t>(found[1]), ElementsAre(2, 1, 0));
  EXPECT_THAT(elements_of<std::int64_t>(found[2]), ElementsAre(2, 1, 0, 1));
  EXPECT_THAT(elements_of<std::int64_t>(found[3]), ElementsAre(1, 2, 1));
}

TEST(Unique, StringsAreOrderedByTheirBytes) {
  const Tensor found = OneNode{"Unique", 11, {Tensor::of_strings({3}, {"b", "a", "b"})}, {}}.run();
  EXPECT_THAT(std::vector<std::string>(found.strings().begin(), found.strings().end()), ElementsAre("a", "b"));
}

TEST(Range, WithoutAnEndIsRefused) {
  EXPECT_THROW((void)(OneNode{"Range", 11, {floats({}, {0}), floats({}, {1}), floats({}, {0})}, {}}.run()), Error);
  EXPECT_THROW(
      (void)(OneNode{"Range", 11, {floats({}, {0}), floats({}, {std::numeric_limits<float>::infinity()}), floats({}, {1})}, {}}.run()),
      Error);
}

}  // namespace
}  // namespace titrate::engine
