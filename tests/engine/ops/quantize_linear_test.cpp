#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/ops/sub_byte.hpp"
#include "tests/engine/ops/single_node.hpp"

namespace titrate::engine {
namespace {

using Json = nlohmann::json;

std::optional<Json> golden(const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(TITRATE_SHARED_DIR) / "reference/golden" / name;
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return Json::parse(file);
}

float number(const Json& json) {
  if (!json.is_string()) return json.get<float>();
  const std::string text = json.get<std::string>();
  return text == "nan" ? std::nanf("") : (text == "inf" ? INFINITY : -INFINITY);
}

Tensor floats(Shape shape, const std::vector<float>& elements) { return Tensor::of(std::move(shape), elements); }

Tensor typed(DataType type, Shape shape, const std::vector<double>& numbers) {
  Tensor tensor = Tensor::zeros(type, std::move(shape));
  if (bits_of(type) < 8) {
    std::vector<std::int8_t> codes;
    for (const double value : numbers) codes.push_back(static_cast<std::int8_t>(value));
    ops::pack_codes(codes, bits_of(type), tensor.mutable_bytes());
    return tensor;
  }
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto value = static_cast<std::int64_t>(numbers[i]);
    std::memcpy(tensor.mutable_bytes().data() + i * static_cast<std::size_t>(bits_of(type) / 8), &value,
                static_cast<std::size_t>(bits_of(type) / 8));
  }
  return tensor;
}

TEST(QuantizeLinear, GoldenRoundingTiesAndSaturation) {
  const auto file = golden("affine.json");
  if (!file) GTEST_SKIP() << "the golden vectors are not there";
  int cases = 0;
  for (const Json& one : (*file)["cases"]) {
    if (one["kind"] != "quantize") continue;
    const int bits = one["bits"];
    const bool is_signed = one["signed"];
    DataType type = DataType::undefined;
    if (bits == 8) type = is_signed ? DataType::int8 : DataType::uint8;
    if (bits == 4) type = is_signed ? DataType::int4 : DataType::uint4;
    if (bits == 2) type = is_signed ? DataType::int2 : DataType::uint2;
    if (bits == 16) type = is_signed ? DataType::int16 : DataType::uint16;
    // The vectors narrow some ranges ([-127, 127]); the operator knows only the whole one.
    const int whole_low = is_signed ? -(1 << (bits - 1)) : 0;
    if (type == DataType::undefined || one["qmin"] != whole_low || one["qmax"] != whole_low + (1 << bits) - 1) continue;
    std::vector<float> x;
    for (const Json& value : one["x"]) x.push_back(number(value));
    SingleNode node("QuantizeLinear", 25,
                    {floats({static_cast<std::int64_t>(x.size())}, x), floats({}, {one["scale"].get<float>()}),
                     typed(type, {}, {one["zero_point"].get<double>()})});
    const auto codes = to_doubles(node.run()[0]);
    for (std::size_t i = 0; i < x.size(); ++i) {
      // NaN: ONNX leaves it open; the vectors say the zero point, ONNX Runtime on x86, which we follow, the lowest code.
      const double wanted = std::isnan(x[i]) ? whole_low : one["q"][i].get<double>();
      ASSERT_EQ(codes[i], wanted) << x[i] << " in " << one["scale"] << ", " << name_of(type);
    }
    ++cases;
  }
  EXPECT_GE(cases, 4);
}

std::optional<DataType> type_of(const Json& one) {
  std::string name = "float8";
  for (const char c : one["format"].get<std::string>()) name += static_cast<char>(std::tolower(c));
  return data_type_named(name);  // none for E3M4 and the narrower ones
}

TEST(QuantizeLinear, GoldenSmallFloats) {
  const auto file = golden("fp8.json");
  if (!file) GTEST_SKIP() << "the golden vectors are not there";
  int cases = 0;
  for (const Json& one : (*file)["cases"]) {
    const auto type = type_of(one);
    if (!type || one["kind"] != "encode") continue;
    std::vector<float> x;
    for (const Json& value : one["x"]) x.push_back(number(value));
    for (const std::string rule : {"code_saturate", "code_no_saturate"}) {
      SingleNode node("QuantizeLinear", 19,
                      {floats({static_cast<std::int64_t>(x.size())}, x), floats({}, {1.0F}), Tensor::zeros(*type, {})});
      node.set("saturate", std::int64_t{rule == "code_saturate" ? 1 : 0});
      const Tensor codes = node.run()[0];
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (std::isnan(x[i])) continue;  // any NaN of the format will do
        ASSERT_EQ(codes.bits<std::uint8_t>()[i], one[rule][i].get<int>()) << name_of(*type) << " of " << x[i] << ", " << rule;
      }
    }
    ++cases;
  }
  EXPECT_EQ(cases, 4);
}

TEST(DequantizeLinear, GoldenSmallFloats) {
  const auto file = golden("fp8.json");
  if (!file) GTEST_SKIP() << "the golden vectors are not there";
  int cases = 0;
  for (const Json& one : (*file)["cases"]) {
    const auto type = type_of(one);
    if (!type || one["kind"] != "decode") continue;
    const Json& values = one["values"];
    Tensor codes = Tensor::zeros(*type, {static_cast<std::int64_t>(values.size())});
    for (std::size_t i = 0; i < values.size(); ++i) codes.mutable_bits<std::uint8_t>()[i] = static_cast<std::uint8_t>(i);
    const Tensor back = SingleNode("DequantizeLinear", 19, {codes, floats({}, {1.0F})}).run()[0];
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float wanted = number(values[i]);
      const float got = back.data<float>()[i];
      ASSERT_TRUE(std::isnan(wanted) ? std::isnan(got) : wanted == got) << name_of(*type) << " code " << i;
    }
    ++cases;
  }
  EXPECT_EQ(cases, 4);
}

TEST(QuantizeLinear, GoldenPacking) {
  const auto file = golden("int4_pack.json");
  if (!file) GTEST_SKIP() << "the golden vectors are not there";
  for (const Json& one : (*file)["cases"]) {
    const int bits = one["bits"];
    const bool is_signed = one["signed"];
    const DataType type = bits == 4 ? (is_signed ? DataType::int4 : DataType::uint4) : (is_signed ? DataType::int2 : DataType::uint2);
    std::vector<float> x;
    for (const Json& value : one["values"]) x.push_back(value.get<float>());
    SingleNode node("QuantizeLinear", 25, {floats({static_cast<std::int64_t>(x.size())}, x), floats({}, {1.0F}), typed(type, {}, {0})});
    const Tensor codes = node.run()[0];
    ASSERT_EQ(codes.bytes().size(), one["bytes"].size());
    for (std::size_t i = 0; i < one["bytes"].size(); ++i) ASSERT_EQ(static_cast<int>(codes.bytes()[i]), one["bytes"][i].get<int>());
    const Tensor back = SingleNode("DequantizeLinear", 25, {codes, floats({}, {2.0F})}).run()[0];
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(back.data<float>()[i], 2 * x[i]);
  }
}

TEST(QuantizeLinear, DividesRatherThanMultiplyingByAReciprocal) {
  // 200 000 half-way points: with the reciprocal a third of them would round the other way (ecosystem 1.1).
  const float scale = 0.0123457F;
  std::vector<float> x(200000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = (static_cast<float>(i % 255) - 127.5F) * scale * (i % 2 == 0 ? 1.0F : 1.0000001F);
  const Tensor codes =
      SingleNode("QuantizeLinear", 13, {floats({200000}, x), floats({}, {scale}), typed(DataType::int8, {}, {0})}).run()[0];
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(codes.data<std::int8_t>()[i], std::clamp(std::nearbyint(x[i] / scale), -128.0F, 127.0F));
  }
}

TEST(QuantizeLinear, OneScaleForEachSliceOfAnAxis) {
  const Tensor x = floats({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  SingleNode node("QuantizeLinear", 13, {x, floats({2}, {1, 2}), typed(DataType::uint8, {2}, {0, 10})});
  EXPECT_EQ(to_doubles(node.run()[0]), (std::vector<double>{1, 2, 12, 12, 5, 6, 14, 14}));  // 3/2 and 7/2 go to even
  node.set("axis", std::int64_t{-1});
  EXPECT_EQ(to_doubles(node.run()[0]), (std::vector<double>{1, 11, 3, 12, 5, 13, 7, 14}));
  node.set("axis", std::int64_t{3});
  EXPECT_THROW((void)node.infer(SingleNode::Known::everything), Error);
}

TEST(QuantizeLinear, BlocksMayEndRagged) {
  // Along the last axis: blocks of 2 in rows of 3.
  const Tensor x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor scale = floats({2, 2}, {1, 0.5F, 2, 4});
  SingleNode node("QuantizeLinear", 21, {x, scale, typed(DataType::int8, {2, 2}, {0, 1, 2, 3})});
  node.set("axis", std::int64_t{1}).set("block_size", std::int64_t{2});
  const Tensor codes = node.run()[0];
  EXPECT_EQ(to_doubles(codes), (std::vector<double>{1, 2, 7, 4, 4, 5}));  // 5/2 = 2.5 -> 2, 6/4 = 1.5 -> 2
  SingleNode back("DequantizeLinear", 21, {codes, scale, *node.inputs[2]});
  back.set("axis", std::int64_t{1}).set("block_size", std::int64_t{2});
  EXPECT_EQ(to_doubles(back.run()[0]), (std::vector<double>{1, 2, 3, 4, 4, 8}));
  // Along the first axis the scale changes with every element of a row.
  SingleNode first("DequantizeLinear", 21, {typed(DataType::int4, {3, 2}, {1, 2, 3, 4, 5, -6}), floats({2, 2}, {1, 10, 100, 1000})});
  first.set("axis", std::int64_t{0}).set("block_size", std::int64_t{2});
  EXPECT_EQ(to_doubles(first.run()[0]), (std::vector<double>{1, 20, 3, 40, 500, -6000}));
}

// A Transpose brings the blocks to the last axis: the same numbers, by another way through the code.
TEST(QuantizeLinear, BlocksAlongAnEarlierAxisAreThoseOfTheLast) {
  constexpr std::int64_t rows = 5;
  constexpr std::int64_t columns = 37;
  const auto turned = [](const Tensor& tensor) {
    Tensor result = Tensor::zeros(tensor.type(), {tensor.shape()[1], tensor.shape()[0]});
    const std::size_t width = static_cast<std::size_t>(bits_of(tensor.type())) / 8;
    for (std::int64_t row = 0; row < tensor.shape()[0]; ++row) {
      for (std::int64_t column = 0; column < tensor.shape()[1]; ++column) {
        std::memcpy(result.mutable_bytes().data() + static_cast<std::size_t>(column * tensor.shape()[0] + row) * width,
                    tensor.bytes().data() + static_cast<std::size_t>(row * tensor.shape()[1] + column) * width, width);
      }
    }
    return result;
  };
  std::vector<float> numbers;
  std::vector<float> scales;
  for (std::int64_t index = 0; index < rows * columns; ++index) numbers.push_back(std::sin(static_cast<float>(index)) * 3);
  for (std::int64_t index = 0; index < 3 * columns; ++index) scales.push_back(0.01F + 0.003F * static_cast<float>(index % 7));
  const Tensor x = floats({rows, columns}, numbers);
  const Tensor scale = floats({3, columns}, scales);
  for (const DataType type : {DataType::uint8, DataType::int8, DataType::int16, DataType::float8e4m3fn, DataType::float8e5m2}) {
    for (const bool shifted : {false, true}) {
      if (shifted && !is_integer(type)) continue;
      const Tensor zero_point = typed(type, {3, columns}, std::vector<double>(3 * columns, shifted ? 3 : 0));
      SingleNode first("QuantizeLinear", 21, {x, scale, zero_point});
      first.set("axis", std::int64_t{0}).set("block_size", std::int64_t{2});
      SingleNode last("QuantizeLinear", 21, {turned(x), turned(scale), turned(zero_point)});
      last.set("axis", std::int64_t{1}).set("block_size", std::int64_t{2});
      const Tensor codes = first.run()[0];
      EXPECT_EQ(to_doubles(codes), to_doubles(turned(last.run()[0]))) << name_of(type) << shifted;
      SingleNode back("DequantizeLinear", 21, {codes, scale, zero_point});
      back.set("axis", std::int64_t{0}).set("block_size", std::int64_t{2});
      SingleNode last_back("DequantizeLinear", 21, {turned(codes), turned(scale), turned(zero_point)});
      last_back.set("axis", std::int64_t{1}).set("block_size", std::int64_t{2});
      EXPECT_EQ(to_doubles(back.run()[0]), to_doubles(turned(last_back.run()[0]))) << name_of(type) << shifted;
    }
  }
}

TEST(QuantizeLinear, TypesFollowTheZeroPointAndTheAttributes) {
  const Tensor x = floats({3}, {-1, 0.4F, 300});
  EXPECT_EQ(to_doubles(SingleNode("QuantizeLinear", 13, {x, floats({}, {1})}).run()[0]), (std::vector<double>{0, 0, 255}));
  SingleNode node("QuantizeLinear", 21, {x, floats({}, {1})});
  node.set("output_dtype", static_cast<std::int64_t>(DataType::int16));
  EXPECT_EQ(node.run()[0].type(), DataType::int16);
  EXPECT_EQ(to_doubles(node.run()[0]), (std::vector<double>{-1, 0, 300}));
  node.inputs.push_back(typed(DataType::int8, {}, {0}));
  EXPECT_THROW((void)node.infer(SingleNode::Known::everything), Error);
}

TEST(DequantizeLinear, Int32BiasAndHalfPrecisionScales) {
  const Tensor codes = typed(DataType::int32, {2}, {-7, 100000});
  EXPECT_EQ(to_doubles(SingleNode("DequantizeLinear", 13, {codes, floats({}, {0.5F})}).run()[0]), (std::vector<double>{-3.5, 50000}));
  Tensor half = Tensor::zeros(DataType::float16, {});
  half.mutable_bits<std::uint16_t>()[0] = 0x3800;  // 0.5
  const Tensor back =
      SingleNode("DequantizeLinear", 19, {typed(DataType::uint8, {1}, {9}), half, typed(DataType::uint8, {}, {2})}).run()[0];
  EXPECT_EQ(back.type(), DataType::float16);
  EXPECT_EQ(to_doubles(back), (std::vector<double>{3.5}));
}

TEST(DynamicQuantizeLinear, CoversTheDataAndZero) {
  // The range [-3, 2]: scale 5 / 255, zero point round(3 / scale) = 153.
  const Tensor x = floats({6}, {0, 2, -3, -2.5F, 1.34F, 0.5F});
  const auto outputs = SingleNode("DynamicQuantizeLinear", 11, {x}, 3).run();
  EXPECT_EQ(to_doubles(outputs[0]), (std::vector<double>{153, 255, 0, 26, 221, 179}));
  EXPECT_FLOAT_EQ(outputs[1].data<float>()[0], 5.0F / 255);
  EXPECT_EQ(outputs[2].data<std::uint8_t>()[0], 153);
}

}  // namespace
}  // namespace titrate::engine
