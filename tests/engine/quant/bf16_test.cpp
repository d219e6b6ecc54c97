// bfloat16 as it stands in the converted graph, against rounding that is written here from its definition, and in ONNX Runtime.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <random>
#include <set>

#include "engine/base/text.hpp"
#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"
#include "tests/witness/ort_run.hpp"

namespace titrate::engine {
namespace {

using testing::HasSubstr;

// The nearest number of eight significant bits, of two that are as near the one with an even last bit. By division, not by bits: steps lie
// 2^-7 of the leading power of two apart, and 2^-133 where float32 has no smaller exponent.
float nearest_bfloat16(float number) {
  if (number == 0 || !std::isfinite(number)) return number;
  int exponent = 0;
  (void)std::frexp(static_cast<double>(number), &exponent);
  const double step = std::ldexp(1.0, std::max(exponent - 1, -126) - 7);
  return static_cast<float>(std::nearbyint(static_cast<double>(number) / step) * step);
}

// Ties, numbers next to ties, subnormal ones, the ends of the range, and random ones of every size.
std::vector<float> telling_numbers(std::size_t count) {
  std::vector<float> made = {
      0.0F,           -0.0F,       1.0F + 0x1p-8F,  1.0F + 0x3p-8F, -1.0F - 0x1p-8F, 1.0F + 0x1.0002p-8F, 1.0F + 0x0.fffep-8F,
      0x1p-126F,      0x1p-133F,   0x1p-134F,       0x3p-134F,      -0x1.8p-134F,    0x1p-149F,           0x1.fffffep-127F,
      0x1.fffffep-1F, 0x1.fep127F, 0x1.fefffep127F, -0x1.feffp127F, 0x1.ffp127F};
  std::mt19937 random(11);
  while (made.size() < count) {
    const auto exponent = static_cast<int>(random() % 240) - 120;
    made.push_back(std::ldexp(static_cast<float>(random()) - 0x1p31F, exponent - 31));
  }
  made.resize(count);
  return made;
}

Model one_node(const std::string& type) {
  Sketch sketch(13);
  if (type.starts_with("Conv")) {
    const std::int64_t groups = type == "Conv grouped" ? 2 : 1;
    sketch.input("x", {2, 6, 5, 4}).constant("w", numbers({4, 6 / groups, 3, 3})).constant("b", numbers({4}, 3));
    return sketch.node("Conv", {"x", "w", "b"}, {"y"}, {ints("pads", {1, 1, 1, 1}), one("group", groups)}).output("y").model();
  }
  const bool transposed = type == "Gemm transB";
  sketch.input("x", {3, 37}).constant("w", numbers(transposed ? Shape{5, 37} : Shape{37, 5})).constant("b", numbers({5}, 3));
  if (type == "MatMul") return sketch.node("MatMul", {"x", "w"}, {"y"}).output("y").model();
  return sketch.node("Gemm", {"x", "w", "b"}, {"y"}, {one("transB", transposed ? 1 : 0), real("alpha", 0.75F)}).output("y").model();
}
const std::vector<std::string> types = {"MatMul", "Gemm", "Gemm transB", "Conv", "Conv grouped"};

Tensor input_of(const Model& model) {
  Shape shape;
  for (const Dimension& each : *model.graph[model.graph.inputs.at(0)].info->shape) shape.push_back(each.size);
  return numbers(shape, 5, 3.0F);
}

// What the node reads there, computed by the executor.
Tensor read_by_node(Model model, std::size_t input, const Tensor& fed) {
  model.graph.outputs = {node_named(model, "n_y").inputs.at(input)};
  return run_once(model, {fed}).at(0);
}

bool same_bits(const Tensor& left, const Tensor& right) {
  return left.shape() == right.shape() && left.bytes().size() == right.bytes().size() &&
         std::memcmp(left.bytes().data(), right.bytes().data(), left.bytes().size()) == 0;
}

Tensor nearest(const Tensor& tensor) {
  Tensor result = tensor;
  for (float& element : result.mutable_data<float>()) element = nearest_bfloat16(element);
  return result;
}

// Of the constant weights and the input of a node as they were, rounded.
Model rounded_by_hand(Model model) {
  const ValueId weights = model.graph.nodes[0].inputs[1];
  model.graph[weights].constant = std::make_shared<const Tensor>(nearest(*model.graph.constant(weights)));
  return model;
}

TEST(Bf16, WeightsAndInputsAreTheNearestNumbers) {
  for (const std::string& type : types) {
    SCOPED_TRACE(type);
    const Model model = one_node(type);
    const Tensor& weights = *model.graph.constant_input(model.graph.nodes[0], 1);
    const Conversion conversion = converted(model, "bf16()");
    EXPECT_EQ(decision_of(conversion, "n_y").scheme, "bf16()");
    EXPECT_EQ(2 * decision_of(conversion, "n_y").stored_bytes, decision_of(conversion, "n_y").float_bytes);
    EXPECT_GT(decision_of(conversion, "n_y").weight_sqnr_db, 45);
    EXPECT_TRUE(same_bits(read_by_node(conversion.model, 1, input_of(model)), nearest(weights)));
    EXPECT_TRUE(same_bits(read_by_node(conversion.model, 0, input_of(model)), nearest(input_of(model))));
    EXPECT_TRUE(same_bits(run_once(conversion.model, {input_of(model)}).at(0),
                          run_once(rounded_by_hand(prepare_float_model(model)), {nearest(input_of(model))}).at(0)));
  }
}

TEST(Bf16, RoundsHalfToEvenFromSubnormalToTheLargest) {
  const std::vector<float> telling = telling_numbers(37 * 5);
  Sketch sketch(13);
  sketch.input("x", {1, 37}).constant("w", Tensor::of<float>({37, 5}, telling));
  const Model model = sketch.node("MatMul", {"x", "w"}, {"y"}).output("y").model();
  const Conversion conversion = converted(model, "bf16()");
  const Tensor found = read_by_node(conversion.model, 1, numbers({1, 37}));
  std::set<bool> finite;
  for (std::size_t index = 0; index < telling.size(); ++index) {
    float expected = nearest_bfloat16(telling[index]);
    finite.insert(std::isfinite(expected));
    if (std::isinf(expected)) expected = std::copysign(0x1.fep127F, expected);  // a weight stays finite
    EXPECT_EQ(found.data<float>()[index], expected) << telling[index];
    EXPECT_EQ(std::signbit(found.data<float>()[index]), std::signbit(expected));
  }
  EXPECT_EQ(finite.size(), 2U);
  for (std::size_t row = 0; row + 37 <= telling.size(); row += 37) {
    const std::span<const float> some = std::span(telling).subspan(row, 37);
    const Tensor input = Tensor::of<float>({1, 37}, some);
    EXPECT_TRUE(same_bits(read_by_node(conversion.model, 0, input), nearest(input)));
  }
}

TEST(Bf16, WeightsOnlyLeavesTheInputAlone) {
  for (const std::string& type : types) {
    const Model model = one_node(type);
    const Conversion conversion = converted(model, "bf16(weights_only=true)");
    EXPECT_TRUE(same_bits(read_by_node(conversion.model, 0, input_of(model)), input_of(model)));
    EXPECT_TRUE(same_bits(run_once(conversion.model, {input_of(model)}).at(0),
                          run_once(rounded_by_hand(prepare_float_model(model)), {input_of(model)}).at(0)));
  }
}

TEST(Bf16, AnInputOfSeveralLayersIsRoundedOnce) {
  Sketch sketch(13);
  sketch.input("x", {3, 8}).constant("w", numbers({8, 8})).constant("v", numbers({8, 8}, 2));
  sketch.node("MatMul", {"x", "w"}, {"a"}).node("MatMul", {"x", "v"}, {"b"}).node("Add", {"a", "b"}, {"y"}).output("y");
  const Model model = converted(sketch.model(), "bf16()").model;
  EXPECT_EQ(std::ranges::count(model.graph.nodes, "Cast", &Node::type), 4);
}

TEST(Bf16, TiedWeightsAreStoredOnce) {
  Sketch sketch(13);
  sketch.input("x", {3, 8}).constant("w", numbers({8, 8}));
  sketch.node("MatMul", {"x", "w"}, {"a"}).node("MatMul", {"a", "w"}, {"y"}).output("y");
  const Conversion conversion = converted(sketch.model(), "bf16()");
  EXPECT_EQ(decision_of(conversion, "n_a").stored_bytes, 128);
  EXPECT_EQ(decision_of(conversion, "n_y").stored_bytes, 0);
  EXPECT_THAT(decision_of(conversion, "n_y").reason, HasSubstr("tied"));
}

TEST(Bf16, ATableIsLookedUpInBfloat16) {
  Sketch sketch(17);
  sketch.input("tokens", {1, 4}, DataType::int64).constant("table", numbers({7, 5}));
  const Model model = sketch.node("Gather", {"table", "tokens"}, {"y"}).output("y").model();
  const Conversion conversion = converted(model, "bf16() | type:Gather = bf16()");
  EXPECT_EQ(conversion.decisions.at(0).stored_bytes, 70);
  const Tensor tokens = Tensor::of<std::int64_t>({1, 4}, {0, 6, -1, 3});
  EXPECT_TRUE(same_bits(run_once(conversion.model, {tokens}).at(0), nearest(run_once(model, {tokens}).at(0))));
}

Model mixed_network() {
  Sketch sketch(13);
  sketch.input("x", {1, 3, 8, 8})
      .constant("u", numbers({4, 3, 3, 3}))
      .constant("v", numbers({4, 4, 3, 3}, 2))
      .constant("w", numbers({256, 5}, 4));
  sketch.node("Conv", {"x", "u"}, {"a"}, {ints("pads", {1, 1, 1, 1})}).node("Relu", {"a"}, {"b"});
  sketch.node("Conv", {"b", "v"}, {"c"}, {ints("pads", {1, 1, 1, 1})}).node("Flatten", {"c"}, {"d"});
  return sketch.node("Gemm", {"d", "w"}, {"y"}).output("y").model();
}

TEST(Bf16, IsAnOverrideBesideOtherSchemes) {
  const Conversion conversion =
      converted(mixed_network(), "static_int8() | name:n_c = bf16()", {{"c", {-9, 9}}, {"d", {-9, 9}}, {"y", {-60, 60}}});
  EXPECT_EQ(decision_of(conversion, "n_c").scheme, "bf16()");
  EXPECT_EQ(decision_of(conversion, "n_a").scheme, "static_int8()");
  EXPECT_EQ(source_type(conversion.model, node_named(conversion.model, "n_c"), 0), "Cast");
  EXPECT_EQ(source_type(conversion.model, node_named(conversion.model, "n_c"), 1), "Cast");
  EXPECT_EQ(decision_of(converted(mixed_network(), "rtn() | type:Gemm = bf16"), "n_y").scheme, "bf16()");
}

TEST(Bf16, OtherTargetsSayThatTheyHaveNoBfloat16) {
  const std::vector<Assignment> assignments = assign(mixed_network().graph, parse_config("bf16()"), find_target("openvino"));
  EXPECT_EQ(assignments.at(0).decision.scheme, "float");
  EXPECT_THAT(assignments.at(0).decision.reason, HasSubstr("no pattern with bfloat16 weights for Conv"));
}

TEST(Bf16, WhatIsReadBackGivesTheSameBits) {
  for (const std::string& type : types) {
    const Model model = one_node(type);
    const Conversion conversion = converted(model, "bf16()");
    const auto bytes = std::make_shared<const std::vector<std::byte>>(write_model(conversion.model));
    EXPECT_TRUE(
        same_bits(run_once(conversion.model, {input_of(model)}).at(0), run_once(read_model(*bytes, bytes, {}), {input_of(model)}).at(0)));
  }
}

// Sums of products that are far apart, in any order: what is lost is within some units of the largest term.
void expect_near(const Tensor& left, const Tensor& right, float tolerance = 1e-5F) {
  ASSERT_EQ(left.shape(), right.shape());
  float largest = 0;
  for (const float element : left.data<float>()) largest = std::max(largest, std::fabs(element));
  for (std::size_t index = 0; index < left.data<float>().size(); ++index)
    ASSERT_NEAR(left.data<float>()[index], right.data<float>()[index], tolerance * largest);
}

TEST(Bf16, OnnxRuntimeComputesTheSame) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  std::vector<witness::OrtRun> runs;
  for (const std::string& type : types) {
    for (const std::string config : {"bf16()", "bf16(weights_only=true)"})
      runs.push_back({converted(one_node(type), config).model, {input_of(one_node(type))}});
  }
  runs.push_back({converted(mixed_network(), "bf16()").model, {numbers({1, 3, 8, 8}, 5)}});
  runs.push_back({converted(mixed_network(), "rtn(bits=8) | name:n_c = bf16()").model, {numbers({1, 3, 8, 8}, 5)}});
  const std::vector<witness::OrtResult> results = witness::run_in_onnxruntime(runs);
  ASSERT_EQ(results.size(), runs.size());
  for (std::size_t index = 0; index < runs.size(); ++index) {
    SCOPED_TRACE(index);
    ASSERT_EQ(results[index].error, "");
    expect_near(run_once(runs[index].model, runs[index].inputs).at(0), results[index].outputs.at(0));
  }
}

// The weights choose single inputs: what comes out are the inputs as ONNX Runtime rounds them, so its optimizer keeps the pair of Casts.
TEST(Bf16, OnnxRuntimeRoundsTheSameNumbers) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  Tensor identity = Tensor::zeros(DataType::float32, {37, 37});
  for (std::size_t index = 0; index < 37; ++index) identity.mutable_data<float>()[index * 38] = 1;
  Sketch sketch(13);
  sketch.input("x", {5, 37}).constant("w", identity);
  const Model model = sketch.node("MatMul", {"x", "w"}, {"y"}).output("y").model();
  std::vector<float> telling = telling_numbers(5 * 37);
  for (float& number : telling) {
    if (std::fabs(number) > 0x1.fep127F) number = 1;  // infinity times 0 would be what comes out
  }
  const Tensor input = Tensor::of<float>({5, 37}, telling);
  const std::vector<witness::OrtResult> results = witness::run_in_onnxruntime({{converted(model, "bf16()").model, {input}}});
  ASSERT_EQ(results.size(), 1U);
  ASSERT_EQ(results[0].error, "");
  const Tensor expected = nearest(input);
  for (std::size_t index = 0; index < telling.size(); ++index)
    EXPECT_EQ(results[0].outputs.at(0).data<float>()[index], expected.data<float>()[index]) << telling[index];
}

TEST(Bf16, RealModelsGiveTheSameInOnnxRuntime) {
  const std::filesystem::path folder = std::filesystem::path(TITRATE_SHARED_DIR) / "models";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no models at " << folder;
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  std::vector<witness::OrtRun> runs;
  const std::pair<std::string, Tensor> models[] = {{"m1_mnist_cnn", numbers({1, 1, 28, 28}, 11, 128)},
                                                   {"m3_resnet4b_cifar10", numbers({1, 3, 32, 32}, 13)}};
  for (const auto& [name, input] : models) runs.push_back({converted(read_model(folder / name / "model.onnx"), "bf16()").model, {input}});
  const std::vector<witness::OrtResult> results = witness::run_in_onnxruntime(runs);
  ASSERT_EQ(results.size(), runs.size());
  for (std::size_t index = 0; index < runs.size(); ++index) {
    SCOPED_TRACE(models[index].first);
    ASSERT_EQ(results[index].error, "");
    // A sum that differs in its last bit may round to the next bfloat16 number in the layer behind.
    expect_near(run_once(runs[index].model, runs[index].inputs).at(0), results[index].outputs.at(0), 5e-3F);
  }
}

}  // namespace
}  // namespace titrate::engine
