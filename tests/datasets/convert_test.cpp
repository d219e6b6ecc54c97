#include "datasets/convert.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/datasets/data_files.hpp"

namespace titrate {
namespace {

using engine::DataType;
using engine::Shape;
using engine::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::array every_type = {DataType::boolean, DataType::uint8,   DataType::int8,    DataType::uint16,
                                   DataType::int16,   DataType::uint32,  DataType::int32,   DataType::uint64,
                                   DataType::int64,   DataType::float16, DataType::float32, DataType::float64};

TEST(Convert, EveryTypeBecomesEveryOther) {
  const Tensor ones = Tensor::of<std::int64_t>({3}, std::vector<std::int64_t>{1, 0, 1});
  for (const DataType from : every_type) {
    for (const DataType to : every_type) {
      const Tensor result = convert(convert(ones, from, "x"), to, "x");
      EXPECT_EQ(result.type(), to);
      EXPECT_THAT(to_doubles(result), ElementsAre(1, 0, 1)) << name_of(from) << " to " << name_of(to);
    }
  }
}

TEST(Convert, IntegersKeepAll64Bits) {
  const std::int64_t odd = (std::int64_t{1} << 53) + 1;  // not a double
  const Tensor tensor = Tensor::of<std::int64_t>({1}, std::vector{odd});
  EXPECT_EQ(convert(tensor, DataType::uint64, "x").data<std::uint64_t>()[0], static_cast<std::uint64_t>(odd));
}

TEST(Convert, WhatDoesNotFitIsAnErrorWithTheValue) {
  const auto error_for = [](double value, DataType type) {
    return error_of([&] { (void)convert(Tensor::scalar(value), type, "row 7 of x.npy"); });
  };
  EXPECT_THAT(error_for(256, DataType::uint8), AllOf(HasSubstr("256"), HasSubstr("uint8"), HasSubstr("row 7")));
  EXPECT_THAT(error_for(-1, DataType::uint64), HasSubstr("-1"));
  EXPECT_THAT(error_for(std::nan(""), DataType::int32), HasSubstr("nan"));
  EXPECT_THAT(error_for(9223372036854775808.0, DataType::int64), HasSubstr("int64"));
  EXPECT_THAT(error_of([] { (void)convert(Tensor::scalar(std::int64_t{-3}), DataType::uint32, "x"); }), HasSubstr("-3"));
  EXPECT_THAT(to_doubles(convert(Tensor::scalar(255.9), DataType::uint8, "x")), ElementsAre(255));
  EXPECT_THAT(to_doubles(convert(Tensor::scalar(-0.9), DataType::uint8, "x")), ElementsAre(0));
}

TEST(Convert, HalfIsRoundedToEven) {
  const Tensor halves = convert(Tensor::of<float>({3}, std::vector{2049.0F, 2051.0F, 70000.0F}), DataType::float16, "x");
  EXPECT_THAT(to_doubles(halves), ElementsAre(2048, 2052, std::numeric_limits<double>::infinity()));
}

TEST(Normalise, IsComputedInDoubleAndRoundedOnce) {
  // NumPy: ((200 * 0.00392156862745098 - 0.4914) / 0.2471) as float64, then float32.
  const Normalisation how{0.00392156862745098, {0.4914}, {0.2471}};
  const float expected = static_cast<float>((200.0 * 0.00392156862745098 - 0.4914) / 0.2471);
  EXPECT_EQ(convert(Tensor::of<std::uint8_t>({1}, std::vector<std::uint8_t>{200}), DataType::float32, how, "x").data<float>()[0], expected);
}

TEST(Normalise, ChannelsAreTheLastAxisOrElseTheFirst) {
  const Normalisation how{1, {10, 20, 30}, {1}};
  const Tensor last = Tensor::zeros(DataType::float32, {2, 1, 3});
  EXPECT_THAT(convert(last, DataType::float32, how, "x").data<float>(), ElementsAre(-10, -20, -30, -10, -20, -30));
  const Tensor first = Tensor::zeros(DataType::float32, {3, 2});
  EXPECT_THAT(convert(first, DataType::float32, how, "x").data<float>(), ElementsAre(-10, -10, -20, -20, -30, -30));
  EXPECT_THAT(error_of([&] {
                (void)convert(Tensor::zeros(DataType::float32, {4, 2}), DataType::float32, how, "x");
              }),
              AllOf(HasSubstr("3 channels"), HasSubstr("[4,2]")));
  const Normalisation both{2, {0}, {1, 2, 4}};
  EXPECT_THAT(convert(Tensor::of<std::uint8_t>({3}, std::vector<std::uint8_t>{4, 4, 4}), DataType::float32, both, "x").data<float>(),
              ElementsAre(8, 4, 2));
}

}  // namespace
}  // namespace titrate
