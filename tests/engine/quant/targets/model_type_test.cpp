// What the model type transformer leaves float.
#include "engine/quant/targets/model_type.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/quant/targets/read_target.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"

namespace titrate::engine {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

Sketch& matmul(Sketch& sketch, const std::string& input, const std::string& output) {
  sketch.constant(output + "_w", numbers({8, 8}, static_cast<std::uint32_t>(output[0])));
  return sketch.node("MatMul", {input, output + "_w"}, {output});
}

Conversion as_transformer(const Model& model) {
  return converted(model, "static_int8()", {}, WeightForm::qdq, for_model_type(default_target(), "transformer"));
}

TEST(ModelType, LeavesProductsBetweenLayersFloat) {
  Sketch sketch(13);
  sketch.input("x", {2, 8});
  matmul(sketch, "x", "a");
  matmul(sketch, "a", "b").node("Mul", {"a", "b"}, {"s"});
  const Model model = matmul(sketch, "s", "y").output("y").model();
  EXPECT_THAT(placed(model, "static_int8()").names(), UnorderedElementsAre("x", "a", "b", "s"));
  EXPECT_THAT(placed(model, "static_int8()", {}, for_model_type(default_target(), "transformer")).names(),
              UnorderedElementsAre("x", "a", "s"))
      << "the layers stay quantized";
}

TEST(ModelType, LeavesTheProductOfAttentionFloat) {
  Sketch sketch(13);
  sketch.input("x", {8, 8}).input("v", {8, 8});
  matmul(sketch, "x", "k").node("Softmax", {"k"}, {"p"}).node("MatMul", {"p", "v"}, {"o"});
  const Model model = matmul(sketch, "o", "y").output("y").model();
  const Conversion conversion = as_transformer(model);
  EXPECT_EQ(decision_of(conversion, "n_o").reason, "model type transformer: the product with attention's Softmax stays float");
  EXPECT_NE(decision_of(conversion, "n_k").scheme, "float");
  EXPECT_NE(decision_of(conversion, "n_y").scheme, "float");
}

TEST(ModelType, LeavesRotaryAnglesFloat) {
  Sketch sketch(13);
  sketch.input("t", {4, 8});
  matmul(sketch, "t", "f").node("Concat", {"f", "f"}, {"e"}, {one("axis", -1)}).node("Cos", {"e"}, {"c"}).node("Sin", {"e"}, {"s"});
  sketch.node("Add", {"c", "s"}, {"r"}).constant("y_w", numbers({16, 8}));
  const Model model = sketch.node("MatMul", {"r", "y_w"}, {"y"}).output("y").model();
  const Conversion conversion = as_transformer(model);
  EXPECT_THAT(decision_of(conversion, "n_f").reason, HasSubstr("rotary positions"));
  EXPECT_NE(decision_of(conversion, "n_y").scheme, "float");
}

TEST(ModelType, LeavesTheGateOfSqueezeAndExciteFloat) {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 8, 8});
  const auto conv = [&](const std::string& input, const std::string& output) {
    sketch.constant(output + "_w", numbers({4, 4, 1, 1}, static_cast<std::uint32_t>(output[0])));
    sketch.node("Conv", {input, output + "_w"}, {output});
  };
  conv("x", "a");
  sketch.node("GlobalAveragePool", {"a"}, {"g"});
  conv("g", "squeeze");
  sketch.node("Relu", {"squeeze"}, {"r"});
  conv("r", "excite");
  sketch.node("Sigmoid", {"excite"}, {"e"}).node("Mul", {"a", "e"}, {"m"});
  conv("m", "y");
  const Conversion conversion = as_transformer(sketch.output("y").model());
  for (const std::string node : {"n_squeeze", "n_excite"})
    EXPECT_THAT(decision_of(conversion, node).reason, HasSubstr("squeeze-and-excite")) << node;
  for (const std::string node : {"n_a", "n_y"}) EXPECT_NE(decision_of(conversion, node).scheme, "float") << node;
}

TEST(ModelType, RefusesOtherWords) {
  EXPECT_EQ(for_model_type(default_target(), "any").leaves_attention_float, false);
  try {
    (void)for_model_type(default_target(), "convnet");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
  }
}

}  // namespace
}  // namespace titrate::engine
