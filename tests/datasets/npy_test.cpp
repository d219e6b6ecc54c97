#include "datasets/npy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/datasets/data_files.hpp"

namespace titrate {
namespace {

using engine::DataType;
using engine::Shape;
using engine::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;

// A file of version 1 with the given dictionary.
std::string npy(const std::string& dictionary, const std::string& numbers = "") {
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(dictionary.size() & 0xff);
  file += static_cast<char>(dictionary.size() >> 8);
  return file + dictionary + numbers;
}

Tensor parse(const std::string& file) { return parse_npy(as_span(file), "x.npy"); }
std::string error_for(const std::string& file) {
  return error_of([&] { (void)parse(file); });
}

// numpy.save of a Fortran-ordered int16 array of shape [2,3,4] with the values -5, -4, ... in row-major order.
constexpr std::string_view fortran =
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGkyJywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMywgNCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgIAr7/wcA//8LAAMADwD8/wgAAAAMAAQAEAD9/wkAAQANAAUAEQD+/woAAgAOAAYAEgA=";
constexpr std::string_view half =
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGYyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDMsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAPgDA/3s=";
constexpr std::string_view scalar =
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAEQA==";
constexpr std::string_view pickled =
    "k05VTVBZAQB2AHsnZGVzY3InOiAnfE8nLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMSwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgIAqAA2NudW1weS5jb3JlLm11bHRpYXJyYXkKX3JlY29uc3RydWN0CnEALg==";
constexpr std::string_view records =
    "k05VTVBZAQB2AHsnZGVzY3InOiBbKCdhJywgJzxpNCcpXSwgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAA==";

std::vector<double> counted_from(double first, int count) {
  std::vector<double> numbers;
  for (int index = 0; index < count; ++index) numbers.push_back(first + index);
  return numbers;
}

TEST(Npy, ReadsWhatNumpyWrote) {
  const Tensor array = parse(from_base64(fortran));
  EXPECT_EQ(array.type(), DataType::int16);
  EXPECT_EQ(array.shape(), (Shape{2, 3, 4}));
  EXPECT_EQ(to_doubles(array), counted_from(-5, 24));
  EXPECT_THAT(to_doubles(parse(from_base64(half))), ElementsAre(1.5, -2, 65504));
  EXPECT_EQ(parse(from_base64(scalar)).shape(), Shape{});
  EXPECT_THAT(to_doubles(parse(from_base64(scalar))), ElementsAre(2.5));
}

TEST(Npy, ReadsBigEndianFortranOrder) {
  std::string numbers = from_base64(fortran).substr(128);
  for (std::size_t at = 0; at < numbers.size(); at += 2) std::swap(numbers[at], numbers[at + 1]);
  const Tensor array = parse(npy("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3, 4), }", numbers));
  EXPECT_EQ(to_doubles(array), counted_from(-5, 24));
}

TEST(Npy, RowsOfEitherOrderAreTheSame) {
  const std::string file = from_base64(fortran);
  const auto owner = std::make_shared<const std::string>(file);
  const StoredArray array(read_npy_format, {as_span(*owner), owner}, "x.npy");
  EXPECT_EQ(array.rows(), 2);
  EXPECT_EQ(to_doubles(array.row(0)), counted_from(-5, 12));
  EXPECT_EQ(to_doubles(array.row(1)), counted_from(7, 12));
  EXPECT_EQ(array.row(1).shape(), (Shape{3, 4}));
}

TEST(Npy, BoolsAreZeroOrOne) {
  const Tensor array = parse(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}", std::string("\0\1\7", 3)));
  EXPECT_EQ(array.type(), DataType::boolean);
  EXPECT_THAT(array.bits<std::uint8_t>(), ElementsAre(0, 1, 1));
}

TEST(Npy, AcceptsOtherSpellingsOfTheHeader) {
  EXPECT_THAT(to_doubles(parse(npy("{\"shape\":(2L,),'fortran_order':True,'descr':'|u1'}\n", "ab"))), ElementsAre(97, 98));
  std::string version_2 = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2), }", "ab");
  version_2[6] = 2;
  version_2.insert(10, 2, '\0');
  EXPECT_EQ(parse(version_2).shape(), (Shape{1, 2}));
}

TEST(Npy, WritesWhatItReadsAndWhatNumpyWrites) {
  for (const DataType type :
       {DataType::boolean, DataType::uint8, DataType::int8, DataType::uint16, DataType::int16, DataType::uint32, DataType::int32,
        DataType::uint64, DataType::int64, DataType::float16, DataType::float32, DataType::float64}) {
    for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 5}, Shape{0, 4}}) {
      const Tensor tensor = Tensor::zeros(type, shape);
      const Tensor back = parse_npy(npy_bytes(tensor), "x.npy");
      EXPECT_EQ(back.type(), type);
      EXPECT_EQ(back.shape(), shape);
    }
  }
  const std::vector<std::byte> written = npy_bytes(Tensor::scalar(2.5));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(written.data()), written.size()), from_base64(scalar));
  EXPECT_THAT(error_of([] { (void)npy_header(DataType::bfloat16, {}); }), HasSubstr("bfloat16"));
}

TEST(Npy, RefusesWhatIsNotNumbers) {
  EXPECT_THAT(error_for(from_base64(pickled)), AllOf(HasSubstr("pickled"), HasSubstr("x.npy")));
  EXPECT_THAT(error_for(from_base64(records)), HasSubstr("named fields"));
  EXPECT_THAT(error_for(npy("{'descr': '<U2', 'fortran_order': False, 'shape': (1,)}", "12345678")), HasSubstr("<U2"));
  EXPECT_THAT(error_for(npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "12345678")), HasSubstr("<c8"));
  EXPECT_THAT(error_for(npy("{'descr': '|V2', 'fortran_order': False, 'shape': (1,)}", "12")), HasSubstr("|V2"));
}

TEST(Npy, RefusesWrongSizes) {
  const std::string two = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}";
  EXPECT_THAT(error_for(npy(two, "1234567")), HasSubstr("cut short"));
  EXPECT_THAT(error_for(npy(two, "123456789")), HasSubstr("longer than its header says"));
  EXPECT_THAT(error_for(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296)}")), HasSubstr("x.npy"));
  EXPECT_THAT(error_for(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}")), HasSubstr("too large"));
  EXPECT_THAT(error_for(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}")), HasSubstr("no number"));
  EXPECT_THAT(error_for(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (True,)}")), HasSubstr("no number"));
  std::string axes = "{'descr': '|u1', 'fortran_order': False, 'shape': (";
  for (int axis = 0; axis < 40; ++axis) axes += "1, ";
  EXPECT_THAT(error_for(npy(axes + ")}", "1")), HasSubstr("more than 32 axes"));
}

TEST(Npy, RefusesOtherDictionaries) {
  EXPECT_THAT(error_for(npy("{'descr': '|u1', 'fortran_order': False}")), HasSubstr("lacks one of"));
  EXPECT_THAT(error_for(npy("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': ()}", "1")), HasSubstr("'descr' twice"));
  EXPECT_THAT(error_for(npy("{'descr': '|u1', 'fortran_order': 0, 'shape': ()}", "1")), HasSubstr("neither True nor False"));
  EXPECT_THAT(error_for(npy("{'descr': '|u1', 'fortran_order': False, 'shape': ((((((((1)))))))), }", "1")), HasSubstr("no number"));
  EXPECT_THAT(error_for(npy("{'descr': '|u1', 'fortran_order': False, 'shape': ()} + x", "1")), HasSubstr("goes on"));
  EXPECT_THAT(error_for(npy("{'evil\x1b[2J': 1}")), AllOf(HasSubstr("\\x1b"), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(error_for(npy(std::string(20'000, ' '))), HasSubstr("20000"));
}

TEST(Npy, EveryTruncationIsAnError) {
  const std::string file = from_base64(half);
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_THAT(error_for(file.substr(0, size)), HasSubstr("x.npy")) << size;
  }
}

}  // namespace
}  // namespace titrate
