// Every form in which ONNX stores the elements of a tensor (onnx/onnx: onnx/onnx.proto, TensorProto).
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <limits>

#include "engine/onnx/read.hpp"
#include "tests/engine/onnx/expect_error.hpp"
#include "tests/engine/onnx/message.hpp"

namespace titrate::engine {
namespace {

constexpr std::uint32_t float_data = 4, int32_data = 5, string_data = 6, int64_data = 7, raw_data = 9, double_data = 10, uint64_data = 11;

std::vector<double> doubles_of(const Message& message) { return to_doubles(read_tensor(message.span())); }

std::vector<int> bytes_of_tensor(const Message& message) {
  std::vector<int> bytes;
  const Tensor tensor = read_tensor(message.span());
  for (const std::byte byte : tensor.bytes()) bytes.push_back(std::to_integer<int>(byte));
  return bytes;
}

template <class T>
std::string raw(std::initializer_list<T> elements) {
  return {reinterpret_cast<const char*>(std::data(elements)), elements.size() * sizeof(T)};
}

using Doubles = std::vector<double>;
using Bytes = std::vector<int>;

TEST(ReadTensor, RawData) {
  EXPECT_EQ(doubles_of(tensor_message("t", 1, {2}).text(raw_data, raw({1.5F, -2.0F}))), (Doubles{1.5, -2}));
  EXPECT_EQ(doubles_of(tensor_message("t", 7, {2}).text(raw_data, raw<std::int64_t>({-1, 1LL << 40}))), (Doubles{-1, 1099511627776.0}));
  EXPECT_EQ(doubles_of(tensor_message("t", 5, {1}).text(raw_data, raw<std::int16_t>({-300}))), (Doubles{-300}));
  EXPECT_EQ(doubles_of(tensor_message("t", 11, {}).text(raw_data, raw({0.1}))), (Doubles{0.1}));
  EXPECT_EQ(read_tensor(tensor_message("t", 14, {1}).text(raw_data, raw({1.0F, 2.0F})).span()).bytes().size(), 8U);
}

TEST(ReadTensor, ElementsThatAreNotAlignedAreRead) {
  // The name's length moves the raw data through all addresses.
  for (std::size_t length = 0; length < 8; ++length) {
    const auto message = tensor_message(std::string(length, 'n'), 11, {1}).text(raw_data, raw({3.25}));
    const Tensor tensor = read_tensor(message.span());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.bytes().data()) % 8, 0U);
    EXPECT_EQ(to_doubles(tensor), (Doubles{3.25}));
  }
}

TEST(ReadTensor, FloatData) {
  EXPECT_EQ(doubles_of(tensor_message("t", 1, {3}).floats(float_data, {1, 0.5F, -3})), (Doubles{1, 0.5, -3}));
  EXPECT_EQ(doubles_of(tensor_message("t", 1, {2}).number(float_data, 7).number(float_data, 8)), (Doubles{7, 8}));  // not packed
  EXPECT_EQ(read_tensor(tensor_message("t", 14, {1}).floats(float_data, {1, 2}).span()).bits<std::uint64_t>()[0],
            (std::uint64_t{std::bit_cast<std::uint32_t>(2.0F)} << 32) | std::bit_cast<std::uint32_t>(1.0F));
}

TEST(ReadTensor, Int32Data) {
  EXPECT_EQ(doubles_of(tensor_message("t", 6, {2}).integers(int32_data, {-5, 1 << 30})), (Doubles{-5, 1073741824}));
  EXPECT_EQ(doubles_of(tensor_message("t", 6, {2}).integer(int32_data, -1).integer(int32_data, 2)), (Doubles{-1, 2}));  // not packed
  EXPECT_EQ(doubles_of(tensor_message("t", 3, {2}).integers(int32_data, {-128, 127})), (Doubles{-128, 127}));
  EXPECT_EQ(doubles_of(tensor_message("t", 2, {2}).integers(int32_data, {0, 255})), (Doubles{0, 255}));
  EXPECT_EQ(doubles_of(tensor_message("t", 5, {1}).integers(int32_data, {-32768})), (Doubles{-32768}));
  EXPECT_EQ(doubles_of(tensor_message("t", 4, {1}).integers(int32_data, {65535})), (Doubles{65535}));
  EXPECT_EQ(doubles_of(tensor_message("t", 9, {3}).integers(int32_data, {0, 1, 2})), (Doubles{0, 1, 1}));
}

TEST(ReadTensor, BitPatternsInInt32Data) {
  EXPECT_EQ(doubles_of(tensor_message("t", 10, {2}).integers(int32_data, {0x3c00, 0xc000})), (Doubles{1, -2}));  // float16
  EXPECT_EQ(doubles_of(tensor_message("t", 16, {2}).integers(int32_data, {0x3f80, 0xc000})), (Doubles{1, -2}));  // bfloat16
  EXPECT_EQ(doubles_of(tensor_message("t", 17, {2}).integers(int32_data, {0x38, 0x7e})), (Doubles{1, 448}));     // float8e4m3fn
  EXPECT_EQ(doubles_of(tensor_message("t", 19, {2}).integers(int32_data, {0x3c, 0x7b})), (Doubles{1, 57344}));   // float8e5m2
  EXPECT_EQ(doubles_of(tensor_message("t", 24, {2}).integers(int32_data, {127, 130})), (Doubles{1, 8}));         // float8e8m0
}

TEST(ReadTensor, PackedElementsInInt32Data) {
  // One number holds one byte: two elements of 4 bits or four of 2, low bits first; the last byte is padded.
  EXPECT_EQ(doubles_of(tensor_message("t", 21, {3}).integers(int32_data, {0x21, 0x0f})), (Doubles{1, 2, 15}));
  EXPECT_EQ(doubles_of(tensor_message("t", 22, {3}).integers(int32_data, {0xf8, 0x07})), (Doubles{-8, -1, 7}));
  EXPECT_EQ(doubles_of(tensor_message("t", 23, {2}).integers(int32_data, {0x7f})), (Doubles{-6, 6}));
  EXPECT_EQ(doubles_of(tensor_message("t", 25, {5}).integers(int32_data, {0xe4, 0x01})), (Doubles{0, 1, 2, 3, 1}));
  EXPECT_EQ(doubles_of(tensor_message("t", 26, {4}).integers(int32_data, {0xe4})), (Doubles{0, 1, -2, -1}));
  EXPECT_EQ(bytes_of_tensor(tensor_message("t", 22, {3}).text(raw_data, "\x21\x43")), (Bytes{0x21, 0x43}));
}

TEST(ReadTensor, TheOtherTypedFields) {
  EXPECT_EQ(doubles_of(tensor_message("t", 7, {2}).integers(int64_data, {-9, 1LL << 40})), (Doubles{-9, 1099511627776.0}));
  EXPECT_EQ(doubles_of(tensor_message("t", 11, {1}).doubles(double_data, {0.1})), (Doubles{0.1}));
  EXPECT_EQ(doubles_of(tensor_message("t", 13, {1}).integers(uint64_data, {1LL << 40})), (Doubles{1099511627776.0}));
  EXPECT_EQ(doubles_of(tensor_message("t", 12, {1}).integers(uint64_data, {4294967295})), (Doubles{4294967295.0}));
  EXPECT_EQ(read_tensor(tensor_message("t", 15, {1}).doubles(double_data, {1, 2}).span()).bytes().size(), 16U);
  const Tensor strings = read_tensor(tensor_message("t", 8, {2}).text(string_data, "").text(string_data, std::string("a\0b", 3)).span());
  EXPECT_EQ(std::vector(strings.strings().begin(), strings.strings().end()), (std::vector<std::string>{"", std::string("a\0b", 3)}));
}

TEST(ReadTensor, DimsNeedNotBePacked) {
  const Tensor tensor = read_tensor(Message().integer(1, 2).integer(1, 1).integer(2, 1).floats(float_data, {1, 2}).span());
  EXPECT_EQ(tensor.shape(), (Shape{2, 1}));
}

TEST(ReadTensor, NoElements) {
  EXPECT_EQ(read_tensor(tensor_message("t", 1, {0, 3}).span()).elements(), 0);
  EXPECT_EQ(read_tensor(tensor_message("t", 1, {0}).text(raw_data, "").span()).elements(), 0);
  EXPECT_EQ(read_tensor(tensor_message("t", 8, {0}).span()).strings().size(), 0U);
}

TEST(ReadTensor, BytesThatAreNoBoolsBecomeTrue) {
  EXPECT_EQ(bytes_of_tensor(tensor_message("t", 9, {3}).text(raw_data, std::string("\0\1\x80", 3))), (Bytes{0, 1, 1}));
}

void refused(const Message& message, const std::string& words) {
  expect_invalid([&] { std::ignore = read_tensor(message.span()); }, words);
}

TEST(ReadTensor, RefusesWrongSizes) {
  refused(tensor_message("weights", 1, {2}).text(raw_data, "1234567"), "tensor 'weights'");
  refused(tensor_message("t", 1, {2}).text(raw_data, "1234567"), "takes 8 bytes, but 7 are stored");
  refused(tensor_message("t", 1, {2}).text(raw_data, "123456789"), "takes 8 bytes, but 9 are stored");
  refused(tensor_message("t", 22, {3}).text(raw_data, "123"), "takes 2 bytes, but 3 are stored");
  refused(tensor_message("t", 1, {2}), "needs 2 stored numbers, but 0 are there");
  refused(tensor_message("t", 1, {2}).floats(float_data, {1, 2, 3}), "needs 2 stored numbers, but 3 are there");
  refused(tensor_message("t", 22, {3}).integers(int32_data, {1, 2, 3}), "needs 2 stored numbers, but 3 are there");
  refused(tensor_message("t", 8, {2}).text(string_data, "one"), "needs 2 stored numbers, but 1 are there");
}

TEST(ReadTensor, RefusesElementsInTheWrongPlace) {
  refused(tensor_message("t", 1, {1}).integers(int32_data, {1}), "a field of another type");
  refused(tensor_message("t", 1, {1}).floats(float_data, {1}).integers(int32_data, {1}), "a field of another type");
  refused(tensor_message("t", 1, {1}).floats(float_data, {1}).text(raw_data, "1234"), "stored twice");
  refused(tensor_message("t", 8, {1}).text(raw_data, "1234"), "strings are stored as raw_data");
  refused(tensor_message("t", 3, {1}).integers(int32_data, {256}), "does not fit int8");
  refused(tensor_message("t", 10, {1}).integers(int32_data, {65536}), "does not fit float16");
  refused(tensor_message("t", 1, {1}).message(3, Message().integer(1, 0)), "segments");
  refused(tensor_message("t", 1, {1}).integer(14, 7), "data_location 7");
  refused(tensor_message("t", 1, {1}).integer(14, 1), "has no name");  // external, but where?
  refused(tensor_message("t", 99, {1}).text(raw_data, "1"), "unknown element type");
}

TEST(ReadTensor, RefusesShapesThatCannotBe) {
  refused(tensor_message("t", 1, {1LL << 32, 1LL << 32}).text(raw_data, "1234"), "more elements than any memory");
  refused(tensor_message("t", 1, {1LL << 32, 1LL << 31}), "more elements than any memory");
  refused(tensor_message("t", 1, {std::numeric_limits<std::int64_t>::max()}), "more elements than any memory");
  refused(tensor_message("t", 1, {-1}).text(raw_data, "1234"), "is negative");
  refused(tensor_message("t", 99, {-1}), "is negative");
  refused(tensor_message("t", 1, std::vector<std::int64_t>(1000000, 1)).text(raw_data, "1234"), "1000000 dimensions");
  // A big shape allocates nothing before its elements are seen.
  refused(tensor_message("t", 1, {1LL << 40}).text(raw_data, "1234"), "are stored");
  refused(tensor_message("t", 1, {1LL << 40}).floats(float_data, {1}), "are there");
}

TEST(ReadTensor, RefusesBrokenProtobuf) {
  refused(tensor_message("t", 1, {1}).text(raw_data, "1234").text(4, "12345"), "damaged");  // packed floats of 5 bytes
  Message cut = tensor_message("t", 1, {1}).text(raw_data, "1234");
  cut.bytes.pop_back();
  refused(cut, "damaged");
  Message endless;
  endless.bytes = std::string("\x10") + std::string(11, '\xff');
  refused(endless, "damaged");
}

}  // namespace
}  // namespace titrate::engine
