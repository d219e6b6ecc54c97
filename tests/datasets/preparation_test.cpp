#include "datasets/preparation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/datasets/data_files.hpp"

namespace titrate {
namespace {

using engine::DataType;
using engine::Shape;
using engine::Tensor;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

Tensor counted(const Shape& shape) {
  std::vector<std::uint8_t> levels(static_cast<std::size_t>(engine::element_count(shape)));
  std::iota(levels.begin(), levels.end(), std::uint8_t{0});
  return Tensor::of(shape, levels);
}

TEST(Preparation, FeedsOneSampleWithABatchAxis) {
  const Tensor fed = Preparation{}.apply(counted({2, 2}), "x");
  EXPECT_EQ(fed.shape(), (Shape{1, 2, 2}));
  EXPECT_EQ(fed.type(), DataType::uint8);
}

TEST(Preparation, CropsTheCentreWithTheSmallerMarginFirst) {
  Preparation how;
  how.crop = PictureSize{2, 1};
  // 5 x 4: one line is cut at the top and two at the bottom, one column at the left and two at the right.
  EXPECT_THAT(how.apply(counted({5, 4, 1}), "x").data<std::uint8_t>(), ElementsAre(5, 9));
  EXPECT_THAT(how.apply(counted({5, 4}), "x").data<std::uint8_t>(), ElementsAre(5, 9));
  EXPECT_THAT(how.apply(counted({3, 2, 2}), "x").data<std::uint8_t>(), ElementsAre(0, 1, 4, 5));
  EXPECT_THAT(error_of([&] {
                (void)how.apply(counted({1, 9, 3}), "x.jpg");
              }),
              AllOf(HasSubstr("2 x 1"), HasSubstr("[1,9,3]"), HasSubstr("x.jpg")));
}

TEST(Preparation, ReversesChannels) {
  Preparation how;
  how.reverse_channels = true;
  EXPECT_THAT(how.apply(counted({1, 2, 3}), "x").data<std::uint8_t>(), ElementsAre(2, 1, 0, 5, 4, 3));
  EXPECT_THAT(how.apply(counted({3, 1, 2}), "x").data<std::uint8_t>(), ElementsAre(4, 5, 2, 3, 0, 1));
  EXPECT_THAT(error_of([&] { (void)how.apply(counted({2, 2, 1}), "x"); }), HasSubstr("three channels"));
}

TEST(Preparation, ChangesTheLayout) {
  Preparation how;
  how.layout = LayoutChange::channels_first;
  const Tensor first = how.apply(counted({1, 2, 3}), "x");
  EXPECT_EQ(first.shape(), (Shape{1, 3, 1, 2}));
  EXPECT_THAT(first.data<std::uint8_t>(), ElementsAre(0, 3, 1, 4, 2, 5));
  how.layout = LayoutChange::channels_last;
  const Tensor last = how.apply(counted({3, 1, 2}), "x");
  EXPECT_EQ(last.shape(), (Shape{1, 1, 2, 3}));
  EXPECT_THAT(last.data<std::uint8_t>(), ElementsAre(0, 2, 4, 1, 3, 5));
  EXPECT_THAT(error_of([&] { (void)how.apply(counted({4}), "x"); }), HasSubstr("three axes"));
}

TEST(Preparation, MeansAreInTheOrderHandedOver) {
  Preparation how;
  how.reverse_channels = true;
  how.cast = DataType::float32;
  how.normalisation.mean = {100, 0, 0};
  how.layout = LayoutChange::channels_first;
  EXPECT_THAT(how.apply(counted({1, 1, 3}), "x").data<float>(), ElementsAre(-98, 1, 0));
}

TEST(Preparation, ReshapesToAScalarToo) {
  Preparation how;
  how.reshape = Shape{};
  EXPECT_EQ(how.apply(counted({1}), "x").shape(), Shape{});
  how.reshape = Shape{2, 1, 3};
  EXPECT_EQ(how.apply(counted({6}), "x").shape(), (Shape{2, 1, 3}));
  EXPECT_THAT(error_of([&] { (void)how.apply(counted({5}), "x"); }), AllOf(HasSubstr("[5]"), HasSubstr("[2,1,3]")));
}

TEST(Preparation, ResizesBeforeItCrops) {
  Preparation how;
  how.resizing = Resizing{.shorter_side = 4, .size = {0, 0}, .method = ResizeMethod::bilinear};
  how.crop = PictureSize{4, 4};
  const Tensor fed = how.apply(counted({8, 10, 3}), "x");
  EXPECT_EQ(fed.shape(), (Shape{1, 4, 4, 3}));
  const Tensor whole = resize(counted({8, 10, 3}), 4, 5, ResizeMethod::bilinear);
  const auto row = whole.data<std::uint8_t>().first(12);
  EXPECT_THAT(fed.data<std::uint8_t>().first(12), ElementsAreArray(row.begin(), row.end()));
  EXPECT_THAT(error_of([&] {
                (void)how.apply(Tensor::zeros(DataType::float32, {8, 8, 3}), "x.npy");
              }),
              AllOf(HasSubstr("float32"), HasSubstr("x.npy")));
}

}  // namespace
}  // namespace titrate
