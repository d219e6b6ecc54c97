// Products behind Casts to bfloat16 and back: what becomes of them, and that they compute the same.
#include "engine/passes/lower/bf16.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/ops/bf16_product.hpp"
#include "engine/passes/fuse_activations.hpp"
#include "engine/passes/infer_shapes.hpp"
#include "engine/passes/lower.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"

namespace titrate::engine {
namespace {

using lowering::Bf16Outcome;
using testing::HasSubstr;

std::vector<ValueInfo> types_of(const Model& model) {
  std::vector<ValueInfo> types;
  const Inference inference = infer_values(model);
  for (const KnownValue& value : inference.of(model.graph)) types.push_back(value.info);
  return types;
}

struct Lowered {
  Model model;
  std::map<std::string, Bf16Outcome> outcomes;
};

Lowered lowered(const Model& model, const std::string& config, bool native = true) {
  Lowered result{.model = converted(model, config).model, .outcomes = {}};
  result.outcomes = lowering::lower_bf16(result.model, types_of(result.model), native);
  remove_unused(result.model.graph);
  verify(result.model.graph);
  return result;
}

// Sums in another order, which Winograd's transforms round too.
void expect_near(const Tensor& left, const Tensor& right, float tolerance = 4e-6F) {
  ASSERT_EQ(left.shape(), right.shape());
  float largest = 0;
  for (const float element : left.data<float>()) largest = std::max(largest, std::fabs(element));
  ASSERT_GT(largest, 0);
  for (std::size_t index = 0; index < left.data<float>().size(); ++index)
    ASSERT_NEAR(left.data<float>()[index], right.data<float>()[index], tolerance * largest) << index;
}

// A stem, a strided and a grouped convolution with an addend and activations between, a product and a Gemm at the end.
Model network() {
  Sketch sketch(13);
  sketch.input("x", {2, 3, 13, 11}).constant("u", numbers({8, 3, 3, 3})).constant("ub", numbers({8}, 2));
  sketch.constant("v", numbers({8, 4, 3, 3}, 3)).constant("vb", numbers({8}, 4)).constant("s", numbers({16, 8, 1, 1}, 5));
  sketch.constant("w", numbers({6, 9}, 6)).constant("g", numbers({5, 9}, 7)).constant("gb", numbers({5}, 8));
  sketch.node("Conv", {"x", "u", "ub"}, {"a"}, {ints("pads", {1, 1, 1, 1})}).node("Relu", {"a"}, {"b"});
  sketch.node("Conv", {"b", "v", "vb"}, {"c"}, {ints("pads", {1, 1, 1, 1}), one("group", 2)}).node("Add", {"c", "b"}, {"d"});
  sketch.node("LeakyRelu", {"d"}, {"e"}, {real("alpha", 0.1F)});
  sketch.node("Conv", {"e", "s"}, {"f"}, {ints("strides", {2, 2})}).node("MatMul", {"f", "w"}, {"h"});
  sketch.constant("rows", int64s({-1, 9})).node("Reshape", {"h", "rows"}, {"i"});
  return sketch.node("Gemm", {"i", "g", "gb"}, {"j"}, {one("transB", 1)}).node("Relu", {"j"}, {"y"}).output("y").model();
}

TEST(LowerBf16, ProductsBecomeOperatorsOnBfloat16NumbersThatComputeTheSame) {
  const Model model = network();
  const Tensor input = numbers({2, 3, 13, 11}, 9, 2.0F);
  const Tensor expected = run_once(converted(model, "bf16()").model, {input}).at(0);
  Lowered result = lowered(model, "bf16()");
  EXPECT_EQ(result.outcomes.size(), 5U);
  for (const auto& [name, outcome] : result.outcomes) {
    EXPECT_TRUE(outcome.computes) << name << ": " << outcome.reason;
    EXPECT_EQ(node_named(result.model, name).domain, ops::bf16_domain);
  }
  EXPECT_EQ(std::ranges::count(result.model.graph.nodes, "Cast", &Node::type), 0);
  expect_near(run_once(result.model, {input}).at(0), expected);
  const Tensor unfused = run_once(result.model, {input}).at(0);
  EXPECT_EQ(fuse_activations(result.model), 4U);  // Relu, Add, LeakyRelu, Relu
  EXPECT_EQ(node_named(result.model, "n_c").type, "FusedConv");
  EXPECT_EQ(node_named(result.model, "n_c").domain, ops::bf16_domain);
  const Tensor fused = run_once(result.model, {input}).at(0);
  EXPECT_TRUE(std::ranges::equal(fused.bytes(), unfused.bytes()));
}

TEST(LowerBf16, WithoutInstructionsNothingChangesAndThatIsSaid) {
  const Model model = converted(network(), "bf16()").model;
  const Lowered result = lowered(network(), "bf16()", false);
  EXPECT_EQ(result.model.graph.nodes.size(), model.graph.nodes.size());
  EXPECT_EQ(result.outcomes.at("n_a").reason, "computes in float32: this processor has no bf16 instructions");
  EXPECT_FALSE(result.outcomes.at("n_a").computes);
}

TEST(LowerBf16, SaysWhyANodeComputesInFloat) {
  const auto reason = [](Sketch& sketch, const std::string& config) {
    const Lowered result = lowered(sketch.output("y").model(), config);
    EXPECT_FALSE(result.outcomes.at("n_y").computes);
    return result.outcomes.at("n_y").reason;
  };
  Sketch depthwise(13);
  depthwise.input("x", {1, 4, 5, 5}).constant("w", numbers({4, 1, 3, 3})).node("Conv", {"x", "w"}, {"y"}, {one("group", 4)});
  EXPECT_THAT(reason(depthwise, "bf16()"), HasSubstr("a depthwise convolution"));
  Sketch stored(13);
  stored.input("x", {2, 4}).constant("w", numbers({4, 3})).node("MatMul", {"x", "w"}, {"y"});
  EXPECT_THAT(reason(stored, "bf16(weights_only=true)"), HasSubstr("weights only: its activations are float32"));
  Sketch scaled(13);
  scaled.input("x", {2, 4}).constant("w", numbers({4, 3})).node("Gemm", {"x", "w"}, {"y"}, {real("alpha", 0.5F)});
  EXPECT_THAT(reason(scaled, "bf16()"), HasSubstr("alpha or beta"));
  Sketch added(13);
  added.input("x", {2, 4}).input("c", {2, 3}).constant("w", numbers({4, 3})).node("Gemm", {"x", "w", "c"}, {"y"});
  EXPECT_THAT(reason(added, "bf16()"), HasSubstr("its C is not one constant number a column"));
}

TEST(LowerBf16, VectorsAndEmptyBatches) {
  Sketch row(13);
  row.input("x", {7}).constant("w", numbers({7, 3})).node("MatMul", {"x", "w"}, {"y"}).output("y");
  expect_near(run_once(lowered(row.model(), "bf16()").model, {numbers({7}, 2)}).at(0),
              run_once(converted(row.model(), "bf16()").model, {numbers({7}, 2)}).at(0));
  Sketch turned(13);
  turned.input("x", {7, -1}).constant("w", numbers({7, 3})).node("Gemm", {"x", "w"}, {"y"}, {one("transA", 1)}).output("y");
  for (const std::int64_t rows : {0, 1, 5}) {
    const Tensor input = numbers({7, rows}, 3);
    const Tensor found = run_once(lowered(turned.model(), "bf16()").model, {input}).at(0);
    EXPECT_EQ(found.shape(), (Shape{rows, 3}));
    if (rows > 0) expect_near(found, run_once(converted(turned.model(), "bf16()").model, {input}).at(0));
  }
}

// Beside integers: the report tells the three kinds apart, whatever this machine has.
TEST(LowerBf16, IsListedApartFromIntegers) {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 8, 8}).constant("u", numbers({4, 4, 3, 3})).constant("v", numbers({4, 4, 3, 3}, 2));
  sketch.node("Conv", {"x", "u"}, {"a"}).node("Conv", {"a", "v"}, {"y"}).output("y");
  const Conversion conversion = converted(sketch.model(), "static_int8() | name:n_y = bf16()");
  Model model = conversion.model;
  const LoweringReport report = lower(model);
  const auto found = std::ranges::find(report.nodes, "n_y", &LoweredNode::name);
  ASSERT_NE(found, report.nodes.end());
  EXPECT_FALSE(found->integer);
  EXPECT_EQ(found->bfloat16, ops::has_bf16_instructions());
  EXPECT_THAT(found->reason, HasSubstr(found->bfloat16 ? "multiplies bfloat16 numbers" : "this processor has no bf16 instructions"));
  EXPECT_EQ(*report.bfloat16_coverage() > 0, found->bfloat16);
  const Tensor input = numbers({1, 4, 8, 8}, 3);
  expect_near(run_once(model, {input}).at(0), run_once(conversion.model, {input}).at(0), 0.02F);  // a code may differ by one
}

}  // namespace
}  // namespace titrate::engine
