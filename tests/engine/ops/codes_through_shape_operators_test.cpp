// Operators that only move or compare numbers take 8-bit codes as they take floats: the same elements come out at the same places.
#include <gtest/gtest.h>

#include "tests/engine/ops/quantized_node.hpp"

namespace titrate::engine {
namespace {

using Integers = std::vector<std::int64_t>;

Tensor list(const Integers& numbers) { return Tensor::of({static_cast<std::int64_t>(numbers.size())}, numbers); }

struct Case {
  std::string type;
  std::int64_t opset;
  std::vector<std::optional<Tensor>> others;  // inputs behind the first
  std::vector<std::pair<std::string, Attribute::Content>> attributes;
  std::size_t outputs = 1;
};

std::vector<Case> cases() {
  const Tensor scales = Tensor::of<float>({4}, std::vector<float>{1, 1, 2, 3});
  return {
      {"Reshape", 14, {list({0, -1})}, {}},
      {"Transpose", 13, {}, {{"perm", Integers{0, 2, 3, 1}}}},
      {"Flatten", 13, {}, {{"axis", std::int64_t{2}}}},
      {"Squeeze", 13, {list({0})}, {}},
      {"Unsqueeze", 13, {list({0, 3})}, {}},
      {"Gather", 13, {list({3, -1, 0})}, {{"axis", std::int64_t{1}}}},
      {"Slice", 13, {list({3, -1}), list({0, -4}), list({1, 3}), list({-2, -1})}, {}},
      {"Split", 13, {list({1, 5, 2})}, {{"axis", std::int64_t{1}}}, 3},
      {"Expand", 13, {list({3, 8, 4, 5})}, {}},
      {"Tile", 13, {list({2, 1, 1, 3})}, {}},
      {"DepthToSpace", 13, {}, {{"blocksize", std::int64_t{2}}}},
      {"SpaceToDepth", 13, {}, {{"blocksize", std::int64_t{1}}}},
      {"Resize", 13, {std::nullopt, scales}, {{"mode", std::string("nearest")}}},
      {"ReduceMax", 13, {}, {{"axes", Integers{1, 3}}}},
      {"ReduceMin", 13, {}, {{"axes", Integers{2}}, {"keepdims", std::int64_t{0}}}},
      {"Identity", 13, {}, {}},
      {"MaxPool", 12, {}, {{"kernel_shape", Integers{3, 2}}, {"strides", Integers{2, 1}}, {"dilations", Integers{1, 2}}}},
  };
}

Tensor as_floats(const Tensor& codes) {
  std::vector<float> numbers;
  for (const double number : to_doubles(codes)) numbers.push_back(static_cast<float>(number));
  return Tensor::of(codes.shape(), numbers);
}

class CodesThroughShapeOperators : public testing::TestWithParam<DataType> {};

INSTANTIATE_TEST_SUITE_P(Types, CodesThroughShapeOperators, testing::Values(DataType::uint8, DataType::int8),
                         [](const auto& type) { return std::string(name_of(type.param)); });

TEST_P(CodesThroughShapeOperators, OneInput) {
  std::mt19937 random(9);
  const Tensor codes = random_codes(GetParam(), {1, 8, 4, 5}, random);
  for (const Case& each : cases()) {
    std::vector<std::vector<Tensor>> results;
    for (const Tensor& first : {codes, as_floats(codes)}) {
      std::vector<std::optional<Tensor>> inputs{first};
      inputs.insert(inputs.end(), each.others.begin(), each.others.end());
      SingleNode node(each.type, each.opset, inputs, each.outputs);
      for (const auto& [name, content] : each.attributes) node.set(name, content);
      results.push_back(node.run());
    }
    for (std::size_t output = 0; output < each.outputs; ++output) {
      EXPECT_EQ(results[0][output].type(), GetParam()) << each.type;
      EXPECT_EQ(results[0][output].shape(), results[1][output].shape()) << each.type;
      EXPECT_EQ(to_doubles(results[0][output]), to_doubles(results[1][output])) << each.type;
    }
  }
}

TEST_P(CodesThroughShapeOperators, ConcatOfCodes) {
  std::mt19937 random(10);
  const Tensor a = random_codes(GetParam(), {2, 3}, random);
  const Tensor b = random_codes(GetParam(), {2, 1}, random);
  SingleNode codes("Concat", 13, {a, b});
  SingleNode floats("Concat", 13, {as_floats(a), as_floats(b)});
  codes.set("axis", std::int64_t{1});
  floats.set("axis", std::int64_t{1});
  EXPECT_EQ(to_doubles(codes.run()[0]), to_doubles(floats.run()[0]));
  EXPECT_EQ(codes.run()[0].type(), GetParam());
}

}  // namespace
}  // namespace titrate::engine
