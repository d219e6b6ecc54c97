// Passes for execution: what is fused, what is left alone, and that every output keeps its bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "engine/base/text.hpp"
#include "engine/onnx/read.hpp"
#include "engine/ops/operator.hpp"
#include "engine/passes/fuse_activations.hpp"
#include "engine/passes/running.hpp"
#include "engine/run/executor.hpp"
#include "tests/engine/passes/sketch.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;

std::vector<std::string> types_of(const Graph& graph) {
  std::vector<std::string> types;
  for (const Node& node : graph.nodes) types.push_back(node.type);
  return types;
}

std::vector<Tensor> run(const Model& model, const std::vector<Tensor>& inputs) {
  return Executor(std::make_shared<const Plan>(model)).run(inputs);
}

void expect_same_bits(const Model& before, const Model& after, const std::vector<Tensor>& inputs) {
  const std::vector<Tensor> expected = run(before, inputs);
  const std::vector<Tensor> found = run(after, inputs);
  ASSERT_EQ(expected.size(), found.size());
  for (std::size_t output = 0; output < expected.size(); ++output) {
    ASSERT_EQ(expected[output].shape(), found[output].shape());
    EXPECT_GT(expected[output].elements(), 0);
    EXPECT_EQ(std::memcmp(expected[output].bytes().data(), found[output].bytes().data(), expected[output].bytes().size()), 0);
  }
}

// The model with its activations fused; after all passes it gives the same bits and does not change any more.
Model prepared(const Model& before, const std::vector<Tensor>& inputs) {
  Model model = before;
  (void)prepare_for_running(model);
  for (const PassResult& again : prepare_for_running(model)) EXPECT_EQ(again.rewrites, 0U) << again.name;
  expect_same_bits(before, model, inputs);
  Model fused = before;
  (void)fuse_activations(fused);
  expect_same_bits(before, fused, inputs);
  return fused;
}

struct Case {
  std::string type;
  std::vector<Attribute> attributes;
};

const std::vector<Case>& activations() {
  static const std::vector<Case> cases = {
      {"Relu", {}},
      {"LeakyRelu", {}},
      {"LeakyRelu", {real("alpha", 0.3F)}},
      {"HardSigmoid", {}},
      {"Sigmoid", {}},
      {"Tanh", {}},
      {"HardSigmoid", {real("alpha", 0.7F), real("beta", 0.1F)}},
  };
  return cases;
}

TEST(FuseActivations, IntoConvolutionsOfEveryKind) {
  struct Layer {
    Shape input, weights;
    std::vector<Attribute> attributes;
  };
  const Layer layers[] = {
      {{2, 3, 9, 11}, {21, 3, 3, 3}, {ints("pads", {1, 1, 1, 1})}},
      {{1, 40, 13, 13}, {19, 40, 1, 1}, {}},
      {{1, 8, 7, 7}, {48, 8, 3, 3}, {ints("pads", {1, 1, 1, 1}), ints("strides", {2, 2})}},
      {{1, 6, 17, 5}, {12, 1, 3, 3}, {one("group", 6)}},
      {{1, 6, 17, 5}, {9, 2, 3, 3}, {one("group", 3)}},
      {{1, 5, 30}, {4, 5, 4}, {ints("dilations", {2})}},
  };
  for (const Layer& layer : layers) {
    for (const Case& activation : activations()) {
      SCOPED_TRACE(cat(to_text(layer.weights), " ", activation.type));
      const Model before = Sketch(13)
                               .input("x", layer.input)
                               .constant("w", numbers(layer.weights, 2))
                               .constant("b", numbers({layer.weights[0]}, 3))
                               .node("Conv", {"x", "w", "b"}, {"c"}, layer.attributes)
                               .node(activation.type, {"c"}, {"y"}, activation.attributes)
                               .output("y")
                               .model();
      const Model model = prepared(before, {numbers(layer.input)});
      ASSERT_THAT(types_of(model.graph), ElementsAre("FusedConv"));
      EXPECT_EQ(model.graph.nodes[0].domain, "com.microsoft");
      EXPECT_EQ(model.graph.nodes[0].name, "n_c");
      EXPECT_EQ(model.graph[model.graph.outputs[0]].name, "y");
      EXPECT_EQ(model.opset("com.microsoft"), 1);
    }
  }
}

TEST(FuseActivations, ClipByAttributesAndByInputs) {
  Sketch old(10);
  old.input("x", {1, 2, 5, 5}).constant("w", numbers({3, 2, 1, 1}, 2)).node("Conv", {"x", "w"}, {"c"});
  const Model by_attributes =
      prepared(old.node("Clip", {"c"}, {"y"}, {real("min", -0.25F), real("max", 0.5F)}).output("y").model(), {numbers({1, 2, 5, 5})});
  EXPECT_THAT(types_of(by_attributes.graph), ElementsAre("FusedConv"));
  EXPECT_THAT(by_attributes.graph.nodes[0].numbers("activation_params"), ElementsAre(-0.25F, 0.5F));
  Sketch late(13);
  late.input("x", {1, 2, 5, 5}).constant("w", numbers({3, 2, 1, 1}, 2)).constant("six", Tensor::scalar(0.125F));
  const Model upper =
      prepared(late.node("Conv", {"x", "w"}, {"c"}).node("Clip", {"c", "", "six"}, {"y"}).output("y").model(), {numbers({1, 2, 5, 5})});
  EXPECT_THAT(types_of(upper.graph), ElementsAre("FusedConv"));
  Sketch computed(13);
  computed.input("x", {1, 2, 5, 5}).input("low", {}).constant("w", numbers({3, 2, 1, 1}, 2)).node("Conv", {"x", "w"}, {"c"});
  const Model left =
      prepared(computed.node("Clip", {"c", "low"}, {"y"}).output("y").model(), {numbers({1, 2, 5, 5}), Tensor::scalar(0.1F)});
  EXPECT_THAT(types_of(left.graph), ElementsAre("Conv", "Clip"));
}

// A convolution and x * Sigmoid(x) behind it, with the factors in either order.
Sketch gated(bool sigmoid_first) {
  Sketch sketch(13);
  sketch.input("x", {2, 3, 9, 11}).constant("w", numbers({21, 3, 3, 3}, 2)).node("Conv", {"x", "w"}, {"c"}).node("Sigmoid", {"c"}, {"s"});
  if (sigmoid_first) return std::move(sketch.node("Mul", {"s", "c"}, {"y"}).output("y"));
  return std::move(sketch.node("Mul", {"c", "s"}, {"y"}).output("y"));
}

TEST(FuseActivations, SwishIsTwoNodes) {
  const std::vector<Tensor> inputs = {numbers({2, 3, 9, 11})};
  for (const bool sigmoid_first : {false, true}) {
    const Model fused = prepared(gated(sigmoid_first).model(), inputs);
    ASSERT_THAT(types_of(fused.graph), ElementsAre("FusedConv"));
    EXPECT_EQ(fused.graph.nodes[0].text("activation", ""), "Swish");
  }
  // Where somebody else reads what would be gone, or the Mul takes another factor, all stays.
  EXPECT_THAT(types_of(prepared(gated(false).output("c").model(), inputs).graph), ElementsAre("Conv", "Sigmoid", "Mul"));
  EXPECT_THAT(types_of(prepared(gated(false).output("s").model(), inputs).graph), ElementsAre("Conv", "Sigmoid", "Mul"));
  EXPECT_THAT(types_of(prepared(gated(false).node("Neg", {"c"}, {"n"}).output("n").model(), inputs).graph),
              ElementsAre("Conv", "Sigmoid", "Mul", "Neg"));
  Sketch other(13);
  other.input("x", {2, 3, 9, 11}).constant("w", numbers({21, 3, 3, 3}, 2)).node("Conv", {"x", "w"}, {"c"});
  other.node("Sigmoid", {"c"}, {"s"}).node("Mul", {"s", "s"}, {"y"}).node("Neg", {"c"}, {"n"});
  EXPECT_THAT(types_of(prepared(other.output("y").output("n").model(), inputs).graph), ElementsAre("Conv", "Sigmoid", "Mul", "Neg"));
}

TEST(FuseActivations, SwishBehindAResidualAddition) {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 9, 9}).input("r", {1, 4, 9, 9}).constant("w", numbers({4, 4, 3, 3}, 2));
  sketch.node("Conv", {"x", "w"}, {"c"}, {ints("pads", {1, 1, 1, 1})}).node("Add", {"r", "c"}, {"a"});
  const Model model = sketch.node("Sigmoid", {"a"}, {"s"}).node("Mul", {"a", "s"}, {"y"}).output("y").model();
  EXPECT_THAT(types_of(prepared(model, {numbers({1, 4, 9, 9}), numbers({1, 4, 9, 9}, 7)}).graph), ElementsAre("FusedConv"));
}

TEST(FuseActivations, IntoGemm) {
  for (const Case& activation : activations()) {
    SCOPED_TRACE(activation.type);
    const Model before = Sketch(13)
                             .input("x", {3, 7})
                             .constant("w", numbers({19, 7}, 2))
                             .constant("b", numbers({19}, 3))
                             .node("Gemm", {"x", "w", "b"}, {"g"}, {one("transB", 1)})
                             .node(activation.type, {"g"}, {"y"}, activation.attributes)
                             .output("y")
                             .model();
    EXPECT_THAT(types_of(prepared(before, {numbers({3, 7})}).graph), ElementsAre("FusedGemm"));
  }
}

Sketch residual(const Shape& shortcut) {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 9, 9}).input("s", shortcut).constant("w", numbers({4, 4, 3, 3}, 2)).constant("b", numbers({4}, 3));
  sketch.node("Conv", {"x", "w", "b"}, {"c"}, {ints("pads", {1, 1, 1, 1})}).node("Add", {"s", "c"}, {"a"});
  return sketch;
}

TEST(FuseActivations, ResidualAdditions) {
  const std::vector<Tensor> inputs = {numbers({1, 4, 9, 9}), numbers({1, 4, 9, 9}, 7)};
  EXPECT_THAT(types_of(prepared(residual({1, 4, 9, 9}).node("Relu", {"a"}, {"y"}).output("y").model(), inputs).graph),
              ElementsAre("FusedConv"));
  EXPECT_THAT(types_of(prepared(residual({1, 4, 9, 9}).output("a").model(), inputs).graph), ElementsAre("FusedConv"));
  // What has to be stretched is left alone, and so is a convolution added to itself.
  const Model stretched = prepared(residual({4, 1, 1}).node("Relu", {"a"}, {"y"}).output("y").model(), {inputs[0], numbers({4, 1, 1})});
  EXPECT_THAT(types_of(stretched.graph), ElementsAre("Conv", "Add", "Relu"));
}

TEST(FuseActivations, TwoConvolutionsThatAnAdditionJoins) {
  const Model before = Sketch(13)
                           .input("x", {1, 3, 8, 8})
                           .constant("w", numbers({5, 3, 3, 3}, 2))
                           .constant("v", numbers({5, 3, 1, 1}, 3))
                           .node("Conv", {"x", "w"}, {"c"}, {ints("pads", {1, 1, 1, 1})})
                           .node("Relu", {"x"}, {"r"})
                           .node("Conv", {"r", "v"}, {"d"})
                           .node("Add", {"c", "d"}, {"a"})
                           .node("Relu", {"a"}, {"y"})
                           .output("y")
                           .model();
  EXPECT_THAT(types_of(prepared(before, {numbers({1, 3, 8, 8})}).graph), ElementsAre("Conv", "Relu", "FusedConv"));
}

TEST(FuseActivations, LeavesWhatOthersRead) {
  Sketch sketch(13);
  sketch.input("x", {1, 2, 4, 4}).constant("w", numbers({3, 2, 2, 2}, 2)).node("Conv", {"x", "w"}, {"c"}).node("Relu", {"c"}, {"y"});
  EXPECT_THAT(types_of(prepared(sketch.output("c").output("y").model(), {numbers({1, 2, 4, 4})}).graph), ElementsAre("Conv", "Relu"));
  Sketch wide(13);
  wide.input("x", {1, 2, 4, 4}, DataType::float64);
  Tensor weights = Tensor::zeros(DataType::float64, {3, 2, 2, 2});
  const Model doubles = prepared(
      wide.constant("w", weights).node("Conv", {"x", "w"}, {"c"}).node("Relu", {"c"}, {"y"}).output("y", DataType::float64).model(),
      {Tensor::zeros(DataType::float64, {1, 2, 4, 4})});
  EXPECT_THAT(types_of(doubles.graph), ElementsAre("Conv", "Relu")) << "there is no fused form of doubles";
}

// Of a value that is handed on the numbers are where they were; what nobody reads is computed all the same.
TEST(PrepareForObserving, KeptValuesOutliveNoOps) {
  Sketch sketch(13);
  sketch.input("x", {2, 8}).node("Relu", {"x"}, {"r"}).node("Identity", {"r"}, {"i"}).node("Identity", {"i"}, {"out"});
  sketch.node("Exp", {"r"}, {"unread"}).output("out");
  Model model = sketch.model();
  keep_values(model.graph, {"r", "i", "unread"});
  (void)prepare_for_observing(model);
  EXPECT_THAT(types_of(model.graph), ElementsAre("Relu", "Exp"));
  std::vector<std::string> kept;
  for (const KeptValue& each : model.graph.kept) kept.push_back(each.name + " is " + model.graph[each.value].name);
  EXPECT_THAT(kept, ElementsAre("r is out", "i is out", "unread is unread"));
}

// Integers round differently from the emulation that calibration is to see.
TEST(PrepareForObserving, LeavesQuantizersAlone) {
  Sketch sketch(13);
  sketch.input("x", {1, 16}).constant("s", Tensor::scalar(0.01F)).constant("z", Tensor::scalar<std::uint8_t>(128));
  sketch.node("QuantizeLinear", {"x", "s", "z"}, {"q"}).node("DequantizeLinear", {"q", "s", "z"}, {"d"}).output("d");
  Model model = sketch.model();
  (void)prepare_for_observing(model);
  EXPECT_THAT(types_of(model.graph), ElementsAre("QuantizeLinear", "DequantizeLinear"));
}

TEST(PrepareForRunning, KeepsTheBitsOfRealModels) {
  const std::filesystem::path folder = std::filesystem::path(TITRATE_SHARED_DIR) / "models";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no models at " << folder;
  const std::pair<std::string, Tensor> models[] = {{"m1_mnist_cnn", numbers({1, 1, 28, 28}, 11, 128)},
                                                   {"m2_squeezenet_imagenet", numbers({1, 3, 224, 224}, 12)},
                                                   {"m3_resnet4b_cifar10", numbers({1, 3, 32, 32}, 13)},
                                                   {"m6_yolox_nano_coco", numbers({1, 3, 416, 416}, 14)}};
  for (const auto& [name, input] : models) {
    SCOPED_TRACE(name);
    Model before = read_model(folder / name / "model.onnx");
    (void)run_passes(before);  // m1 has its biases apart
    EXPECT_LT(prepared(before, {input}).graph.nodes.size(), before.graph.nodes.size());
  }
}

}  // namespace
}  // namespace titrate::engine
