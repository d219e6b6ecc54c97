// Cast at the edges: what a type cannot hold, small floats, strings.
#include <gmock/gmock.h>

#include <limits>

#include "tests/engine/ops/one_node.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;

Tensor cast(const Tensor& tensor, DataType to) { return OneNode{"Cast", 24, {tensor}, {{"to", static_cast<std::int64_t>(to), {}}}}.run(); }

TEST(Cast, FloatsAreCutOffAndWrapAround) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(elements_of<std::int32_t>(cast(floats({3}, {1.9F, -1.9F, nan}), DataType::int32)), ElementsAre(1, -1, 0));
  EXPECT_THAT(elements_of<std::uint8_t>(cast(floats({2}, {300.0F, -1.0F}), DataType::uint8)), ElementsAre(44, 255));
  EXPECT_THAT(elements_of<std::int64_t>(cast(floats({2}, {infinity, -infinity}), DataType::int64)),
              ElementsAre(std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()));
  EXPECT_THAT(elements_of<std::uint64_t>(cast(floats({1}, {0x1p63F}), DataType::uint64)), ElementsAre(std::uint64_t{1} << 63));
}

TEST(Cast, BooleansAreZeroOrOne) {
  const Tensor truths = cast(floats({3}, {0.0F, 0.25F, -3.0F}), DataType::boolean);
  EXPECT_THAT(to_doubles(truths), ElementsAre(0, 1, 1));
  Tensor odd = Tensor::uninitialized(DataType::boolean, {1});
  odd.mutable_bits<std::uint8_t>()[0] = 7;
  EXPECT_THAT(elements_of<float>(cast(odd, DataType::float32)), ElementsAre(1.0F));
}

TEST(Cast, SmallTypesArePackedLowBitsFirst) {
  const Tensor nibbles = cast(floats({3}, {-8, 7, 3}), DataType::int4);
  ASSERT_EQ(nibbles.bytes().size(), 2U);
  EXPECT_EQ(nibbles.bytes()[0], std::byte{0x78});
  EXPECT_EQ(nibbles.bytes()[1], std::byte{0x03});
  EXPECT_THAT(elements_of<std::int8_t>(cast(nibbles, DataType::int8)), ElementsAre(-8, 7, 3));
}

TEST(Cast, StringsAreDecimalNumbers) {
  const Tensor texts = Tensor::of_strings({4}, {"3.5", "-inf", " 7 ", "1e-3"});
  EXPECT_THAT(elements_of<double>(cast(texts, DataType::float64)), ElementsAre(3.5, -std::numeric_limits<double>::infinity(), 7, 1e-3));
  const Tensor back = cast(floats({2}, {0.25F, 100.0F}), DataType::string);
  EXPECT_THAT(std::vector<std::string>(back.strings().begin(), back.strings().end()), ElementsAre("0.25", "100"));
  EXPECT_THROW((void)cast(Tensor::of_strings({1}, {"seven"}), DataType::float32), Error);
}

TEST(Cast, TypesThatDoNotExistAreRefused) {
  for (const std::int64_t to : {0LL, -1LL, 99LL, 1LL << 40}) {
    EXPECT_THROW((void)(OneNode{"Cast", 13, {floats({1}, {1})}, {{"to", to, {}}}}.run()), Error) << to;
  }
}

}  // namespace
}  // namespace titrate::engine
