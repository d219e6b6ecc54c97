// Sums of 16 bits: which nodes can saturate, and what comes out when they do.
#include "engine/passes/saturate_products.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "engine/base/error.hpp"
#include "engine/ops/saturating_product.hpp"
#include "tests/engine/passes/lower/agreement.hpp"
#include "tests/engine/passes/lower/qdq_sketch.hpp"

namespace titrate::engine {
namespace {

// y = x * w with codes of x in 1/255 (or 1/127) and of w in 1/127; float output.
Model product(const std::vector<int>& weights, const Parameters& input) {
  const auto depth = static_cast<std::int64_t>(weights.size());
  QdqSketch sketch;
  sketch.input("x", {1, depth});
  sketch.pair("x", "xd", input).weights("w", codes({depth, 1}, weights, DataType::int8), {1 / 127.0F});
  sketch.node("Gemm", {"xd", "w"}, {"y"}).output("y");
  return sketch.model();
}

const Parameters unsigned_input{.scale = 1 / 255.0F, .zero_point = 0, .type = DataType::uint8};
const Parameters signed_input{.scale = 1 / 127.0F, .zero_point = 0, .type = DataType::int8};

float saturated(Model model, float x) {
  (void)lower(model);
  (void)saturate_products(model);
  const auto depth = model.graph[model.graph.inputs[0]].info->shape->at(1).size;
  const std::vector<float> inputs(static_cast<std::size_t>(depth), x);
  return run_model(model, {Tensor::of<float>({1, depth}, inputs)}).at(0).data<float>()[0];
}

std::optional<std::int32_t> bound(const std::vector<int>& weights) {
  Model model = product(weights, unsigned_input);
  (void)lower(model);
  return largest_pair_sum(model.graph, *model.graph.find_node("n_y"));
}

TEST(SaturateProducts, TheBoundIsThatOfTheWorstPair) {
  EXPECT_EQ(bound({127, 127}), 64770);
  EXPECT_EQ(bound({64, 64}), 32640);
  EXPECT_EQ(bound({127, -127}), 32385) << "one of either sign: the activations choose which";
  EXPECT_EQ(bound({-100, -100, 1}), 51000);
  EXPECT_EQ(bound({1, 127, 127, 1}), 32640) << "only neighbours at even places are added in 16 bits";
  EXPECT_EQ(bound({127}), 32385);
}

// 64 products of the largest codes: 32 pairs at 32767 instead of 64770 (ONNX Runtime on such processors gives the same).
TEST(SaturateProducts, ClipsEachPair) {
  const std::vector<int> weights(64, 127);
  EXPECT_FLOAT_EQ(saturated(product(weights, unsigned_input), 1), 32 * 32767 / (255.0F * 127.0F));
  // int8 activations are uint8 there, 128 higher: 255 * 127 twice saturates, and 128 * 127 is taken off exactly.
  EXPECT_FLOAT_EQ(saturated(product(weights, signed_input), 1), (32 * 32767 - 64 * 128 * 127) / (127.0F * 127.0F));
  EXPECT_FLOAT_EQ(saturated(product(std::vector<int>(64, -127), unsigned_input), 1), 32 * -32768 / (255.0F * 127.0F));
  EXPECT_FLOAT_EQ(saturated(product(std::vector<int>(64, 64), unsigned_input), 1), 64 * 255 * 64 / (255.0F * 127.0F));
}

TEST(SaturateProducts, DepthwiseAndUnsignedWeightsAreExact) {
  const auto convolution = [](int groups, DataType type) {
    QdqSketch sketch;
    sketch.input("x", {1, 4, 5, 5});
    sketch.pair("x", "xd", unsigned_input)
        .weights("w", codes({4, 4 / groups, 1, 2}, std::vector<int>(static_cast<std::size_t>(32 / groups), 127), type), {0.01F});
    sketch.node("Conv", {"xd", "w"}, {"y"}, {one("group", groups)});
    sketch.pair("y", "out").output("out");
    return lowered(sketch.model()).of("y").can_saturate;
  };
  EXPECT_TRUE(convolution(1, DataType::int8));
  EXPECT_TRUE(convolution(2, DataType::int8));
  EXPECT_FALSE(convolution(4, DataType::int8)) << "depthwise";
  EXPECT_FALSE(convolution(1, DataType::uint8));
}

TEST(SaturateProducts, TheProbeComparesBothOnExactValues) {
  Model model = product(std::vector<int>(64, 127), unsigned_input);
  (void)lower(model);
  const SaturationProbe probe = probe_saturation(model);
  ASSERT_EQ(probe.pairs.size(), 1U);
  EXPECT_EQ(probe.pairs[0].node, "n_y");
  const auto outputs = run_model(probe.model, {Tensor::of<float>({1, 64}, std::vector<float>(64, 1))});
  EXPECT_FLOAT_EQ(outputs.at(probe.pairs[0].exact).data<float>()[0], 64);
  EXPECT_FLOAT_EQ(outputs.at(probe.pairs[0].saturated).data<float>()[0], 32 * 32767 / (255.0F * 127.0F));
}

}  // namespace
}  // namespace titrate::engine
