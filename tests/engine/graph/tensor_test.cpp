#include "engine/graph/tensor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/base/error.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;

TEST(ElementCount, ChecksItsProduct) {
  EXPECT_EQ(element_count(Shape{}), 1);
  EXPECT_EQ(element_count(Shape{2, 3}), 6);
  EXPECT_EQ(element_count(Shape{2, 0, 3}), 0);
  EXPECT_THROW(std::ignore = element_count(Shape{-1}), Error);
  EXPECT_THROW(std::ignore = element_count(Shape{0, -1}), Error);
  EXPECT_THROW(std::ignore = element_count(Shape{std::int64_t{1} << 32, std::int64_t{1} << 32}), Error);
  EXPECT_THROW(std::ignore = element_count(Shape{std::numeric_limits<std::int64_t>::max(), 2}), Error);
}

TEST(ToText, OfShapes) {
  EXPECT_EQ(to_text(Shape{}), "[]");
  EXPECT_EQ(to_text(Shape{1, -1, 3}), "[1,?,3]");
}

TEST(BytesOf, RoundsUpPackedElements) {
  EXPECT_EQ(bytes_of(DataType::int4, 3), 2U);
  EXPECT_EQ(bytes_of(DataType::uint2, 5), 2U);
  EXPECT_EQ(bytes_of(DataType::float64, 3), 24U);
  EXPECT_EQ(bytes_of(DataType::complex128, 1), 16U);
  EXPECT_EQ(bytes_of(DataType::boolean, 3), 3U);
}

TEST(DataTypes, NamesReadBack) {
  for (int number = 1; number <= 26; ++number) {
    const auto type = static_cast<DataType>(number);
    EXPECT_EQ(data_type_named(name_of(type)), type);
  }
  EXPECT_EQ(name_of(static_cast<DataType>(27)), "unknown");
  EXPECT_EQ(name_of(static_cast<DataType>(-1)), "unknown");
  EXPECT_EQ(bits_of(static_cast<DataType>(27)), 0);
  EXPECT_EQ(data_type_named("float99"), std::nullopt);
}

TEST(Tensor, OwnsOrSharesItsBytes) {
  const Tensor none;
  EXPECT_FALSE(none.exists());
  Tensor zeros = Tensor::zeros(DataType::float32, {2, 2});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(zeros.bytes().data()) % 64, 0U);
  EXPECT_THAT(zeros.data<float>(), ElementsAre(0, 0, 0, 0));
  zeros.mutable_data<float>()[3] = 5;
  const Tensor copy = zeros;
  EXPECT_EQ(copy.bytes().data(), zeros.bytes().data());
  EXPECT_EQ(copy.owners(), 2);
  EXPECT_EQ(copy.data<float>()[3], 5);
}

TEST(Tensor, OfElements) {
  const Tensor tensor = Tensor::of(Shape{3}, std::vector<std::int64_t>{1, 2, 3});
  EXPECT_EQ(tensor.type(), DataType::int64);
  EXPECT_THAT(to_integers(tensor), ElementsAre(1, 2, 3));
  EXPECT_EQ(Tensor::scalar(true).type(), DataType::boolean);
  EXPECT_EQ(Tensor::scalar(2.5F).rank(), 0);
  EXPECT_THROW(std::ignore = Tensor::of(Shape{2}, std::vector<float>{1}), Error);
  EXPECT_THROW(std::ignore = to_integers(Tensor::scalar(1.0F)), Error);
}

TEST(Tensor, ViewsMustHaveTheirSize) {
  const auto bytes = std::make_shared<std::vector<std::byte>>(4, std::byte{1});
  EXPECT_EQ(Tensor::view(DataType::uint8, {4}, *bytes, bytes).data<std::uint8_t>()[3], 1);
  EXPECT_EQ(bytes.use_count(), 1);
  EXPECT_THROW(std::ignore = Tensor::view(DataType::uint8, {5}, *bytes, bytes), Error);
  EXPECT_THROW(std::ignore = Tensor::view(DataType::string, {0}, {}, bytes), Error);
  EXPECT_THROW(std::ignore = Tensor::uninitialized(DataType::string, {1}), Error);
  EXPECT_THROW(std::ignore = Tensor::uninitialized(static_cast<DataType>(27), {1}), Error);
}

TEST(Tensor, Strings) {
  const Tensor tensor = Tensor::of_strings({2}, {"a", "b"});
  EXPECT_THAT(tensor.strings(), ElementsAre("a", "b"));
  EXPECT_THAT(Tensor::zeros(DataType::string, {2}).strings(), ElementsAre("", ""));
  EXPECT_THAT(tensor.reshaped({1, 2}).strings(), ElementsAre("a", "b"));
  EXPECT_THROW(std::ignore = Tensor::of_strings({3}, {"a"}), Error);
}

TEST(Tensor, Reshaped) {
  const Tensor tensor = Tensor::of(Shape{2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  EXPECT_EQ(tensor.reshaped({3, 2}).shape(), (Shape{3, 2}));
  EXPECT_EQ(tensor.reshaped({3, 2}).bytes().data(), tensor.bytes().data());
  EXPECT_THROW(std::ignore = tensor.reshaped({4}), Error);
}

Tensor of_bytes(DataType type, Shape shape, std::vector<int> bytes) {
  Tensor tensor = Tensor::uninitialized(type, std::move(shape));
  for (std::size_t index = 0; index < bytes.size(); ++index) tensor.mutable_bytes()[index] = static_cast<std::byte>(bytes[index]);
  return tensor;
}

// Values by the tables of the ONNX documents on float8, float4 and int4.
TEST(ToDoubles, SmallTypes) {
  EXPECT_THAT(to_doubles(of_bytes(DataType::int4, {3}, {0xf8, 0x07})), ElementsAre(-8, -1, 7));
  EXPECT_THAT(to_doubles(of_bytes(DataType::uint4, {2}, {0xf8})), ElementsAre(8, 15));
  EXPECT_THAT(to_doubles(of_bytes(DataType::int2, {4}, {0xe4})), ElementsAre(0, 1, -2, -1));
  EXPECT_THAT(to_doubles(of_bytes(DataType::uint2, {4}, {0xe4})), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(to_doubles(of_bytes(DataType::float4e2m1, {4}, {0x21, 0xf7})), ElementsAre(0.5, 1, 6, -6));
  EXPECT_THAT(to_doubles(of_bytes(DataType::float8e4m3fn, {3}, {0x38, 0x7e, 0xfe})), ElementsAre(1, 448, -448));
  EXPECT_THAT(to_doubles(of_bytes(DataType::float8e4m3fnuz, {2}, {0x7f, 0x40})), ElementsAre(240, 1));
  EXPECT_THAT(to_doubles(of_bytes(DataType::float8e5m2, {2}, {0x7b, 0x3c})), ElementsAre(57344, 1));
  EXPECT_THAT(to_doubles(of_bytes(DataType::float8e5m2fnuz, {2}, {0x7f, 0x40})), ElementsAre(57344, 1));
  EXPECT_THAT(to_doubles(of_bytes(DataType::float8e8m0, {3}, {0, 127, 254})), ElementsAre(0x1p-127, 1, 0x1p127));
  EXPECT_TRUE(std::isnan(to_doubles(of_bytes(DataType::float8e8m0, {1}, {0xff}))[0]));
  EXPECT_THAT(to_doubles(of_bytes(DataType::float16, {1}, {0x00, 0xc0})), ElementsAre(-2));
  EXPECT_THAT(to_doubles(of_bytes(DataType::bfloat16, {1}, {0x80, 0x3f})), ElementsAre(1));
  EXPECT_THAT(to_doubles(of_bytes(DataType::boolean, {2}, {0, 1})), ElementsAre(0, 1));
  EXPECT_THROW(std::ignore = to_doubles(Tensor::of_strings({1}, {"a"})), Error);
  EXPECT_THROW(std::ignore = to_doubles(of_bytes(DataType::complex64, {0}, {})), Error);
}

}  // namespace
}  // namespace titrate::engine
