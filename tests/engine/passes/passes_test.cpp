// Each pass keeps what a model computes, and does what it is for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/onnx/read.hpp"
#include "engine/passes/fold_constants.hpp"
#include "engine/passes/table.hpp"
#include "engine/run/executor.hpp"
#include "tests/engine/passes/sketch.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::size_t run_pass(const std::string& name, Model& model) {
  for (const Pass& pass : passes()) {
    if (pass.name == name) return pass.run(model);
  }
  ADD_FAILURE() << "no pass " << name;
  return 0;
}

std::vector<std::string> types_of(const Graph& graph) {
  std::vector<std::string> types;
  for (const Node& node : graph.nodes) types.push_back(node.type);
  return types;
}

std::vector<Tensor> run(const Model& model, const std::vector<Tensor>& inputs) {
  return Executor(std::make_shared<const Plan>(model)).run(inputs);
}

// `tolerance` is relative to the largest element.
void expect_same_outputs(const Model& before, const Model& after, const std::vector<Tensor>& inputs, double tolerance) {
  const std::vector<Tensor> expected = run(before, inputs);
  const std::vector<Tensor> found = run(after, inputs);
  ASSERT_EQ(expected.size(), found.size());
  for (std::size_t output = 0; output < expected.size(); ++output) {
    ASSERT_EQ(expected[output].shape(), found[output].shape());
    const std::vector<double> left = to_doubles(expected[output]);
    const std::vector<double> right = to_doubles(found[output]);
    double largest = 0;
    for (const double number : left) largest = std::max(largest, std::abs(number));
    ASSERT_GT(largest, 0) << "the test has no content";
    for (std::size_t index = 0; index < left.size(); ++index) ASSERT_NEAR(left[index], right[index], tolerance * largest) << index;
  }
}

/// Runs the pass and verifies; the outputs must stay.
Model after(const std::string& pass, const Model& before, std::size_t rewrites, const std::vector<Tensor>& inputs, double tolerance = 0) {
  Model model = before;
  EXPECT_EQ(run_pass(pass, model), rewrites);
  verify(model.graph);
  expect_same_outputs(before, model, inputs, tolerance);
  return model;
}

TEST(ConstantNodes, BecomeInitializersOfTheSameName) {
  const Model before = Sketch(13)
                           .input("x", {2})
                           .node("Constant", {}, {"c"}, {attribute("value", floats({3, 4}))})
                           .node("Constant", {}, {"d"}, {real("value_float", 0.5F)})
                           .node("Add", {"x", "c"}, {"s"})
                           .node("Mul", {"s", "d"}, {"y"})
                           .output("y")
                           .model();
  const Model model = after("constant_nodes", before, 2, {numbers({2})});
  EXPECT_THAT(types_of(model.graph), ElementsAre("Add", "Mul"));
  EXPECT_NE(model.graph[model.graph.find_value("c").value()].constant, nullptr);
}

TEST(RemoveNoOps, TakesOutWhatHandsOnItsInput) {
  const Model before = Sketch(13)
                           .input("x", {-1, 3, 4})
                           .constant("shape", int64s({0, 3, -1}))
                           .node("Identity", {"x"}, {"a"})
                           .node("Dropout", {"a"}, {"b"})
                           .node("Cast", {"b"}, {"c"}, {one("to", 1)})
                           .node("Reshape", {"c", "shape"}, {"d"})
                           .node("Concat", {"d"}, {"e"}, {one("axis", 1)})
                           .node("Transpose", {"e"}, {"f"}, {ints("perm", {0, 1, 2})})
                           .node("Relu", {"f"}, {"y"})
                           .output("y")
                           .model();
  const Model model = after("remove_no_ops", before, 6, {numbers({2, 3, 4})});
  ASSERT_THAT(types_of(model.graph), ElementsAre("Relu"));
  EXPECT_EQ(model.graph[model.graph.nodes[0].inputs[0]].name, "x");
}

TEST(RemoveNoOps, KeepsTheNamesOfOutputs) {
  const Model before = Sketch(13)
                           .input("x", {3})
                           .node("Relu", {"x"}, {"r"})
                           .node("Neg", {"r"}, {"n"})
                           .node("Identity", {"r"}, {"y"})
                           .node("Identity", {"y"}, {"z"})
                           .node("Neg", {"z"}, {"w"})
                           .output("y")
                           .output("n")
                           .output("w")
                           .model();
  const Model model = after("remove_no_ops", before, 2, {numbers({3})});
  ASSERT_THAT(types_of(model.graph), ElementsAre("Relu", "Neg", "Neg"));
  EXPECT_EQ(model.graph[model.graph.nodes[0].outputs[0]].name, "y");
  EXPECT_EQ(model.graph[model.graph.nodes[1].inputs[0]].name, "y");
}

TEST(RemoveNoOps, LeavesWhatIsNeeded) {
  Model fed = Sketch(13).input("x", {3}).node("Identity", {"x"}, {"y"}).output("y").model();
  EXPECT_EQ(run_pass("remove_no_ops", fed), 0U) << "an input is no output";
  Model cast = Sketch(13).input("x", {3}).node("Cast", {"x"}, {"y"}, {one("to", 7)}).output("y", DataType::int64).model();
  EXPECT_EQ(run_pass("remove_no_ops", cast), 0U);
  Model reshaped = Sketch(13)
                       .input("x", {-1, -1})
                       .constant("s", int64s({-1, 2}))
                       .node("Reshape", {"x", "s"}, {"r"})
                       .node("Relu", {"r"}, {"y"})
                       .output("y")
                       .model();
  EXPECT_EQ(run_pass("remove_no_ops", reshaped), 0U) << "the sizes are unknown";
  Model masked = Sketch(13)
                     .input("x", {3})
                     .node("Dropout", {"x"}, {"d", "m"})
                     .node("Relu", {"d"}, {"y"})
                     .output("y")
                     .output("m", DataType::boolean)
                     .model();
  EXPECT_EQ(run_pass("remove_no_ops", masked), 0U) << "the mask is read";
  Model training = Sketch(13)
                       .input("x", {3})
                       .constant("t", Tensor::scalar(true))
                       .node("Dropout", {"x", "", "t"}, {"d"})
                       .node("Relu", {"d"}, {"y"})
                       .output("y")
                       .model();
  EXPECT_EQ(run_pass("remove_no_ops", training), 0U);
  const auto branch = [](const std::string& name) { return Sketch(13).outer("i").node("Relu", {"i"}, {name}).output(name).body(); };
  Model captured = Sketch(13)
                       .input("x", {3})
                       .input("which", {}, DataType::boolean)
                       .node("Identity", {"x"}, {"i"})
                       .node("If", {"which"}, {"y"}, {attribute("then_branch", branch("a")), attribute("else_branch", branch("b"))})
                       .output("y")
                       .model();
  EXPECT_EQ(run_pass("remove_no_ops", captured), 0U) << "a body reads it by name";
}

TEST(FoldConstants, ComputesWhatDoesNotDependOnInputs) {
  const Model before = Sketch(13)
                           .input("x", {2, 3})
                           .constant("a", numbers({3}, 2))
                           .constant("b", numbers({3}, 3))
                           .node("Add", {"a", "b"}, {"s"})
                           .node("Relu", {"s"}, {"r"})
                           .node("Mul", {"x", "r"}, {"y"})
                           .output("y")
                           .model();
  const Model model = after("fold_constants", before, 2, {numbers({2, 3})});
  EXPECT_THAT(types_of(model.graph), ElementsAre("Mul"));
  EXPECT_EQ(model.graph[model.graph.nodes[0].inputs[1]].name, "r");
}

TEST(FoldConstants, ComputesShapesThatAreKnown) {
  const Model before = Sketch(13)
                           .input("x", {2, 3})
                           .constant("rest", int64s({-1}))
                           .constant("one", int64s({1}))
                           .node("Shape", {"x"}, {"s"})
                           .node("Gather", {"s", "one"}, {"g"})
                           .node("Concat", {"rest", "g"}, {"target"}, {one("axis", 0)})
                           .node("Reshape", {"x", "target"}, {"r"})
                           .node("Relu", {"r"}, {"y"})
                           .output("y")
                           .model();
  const Model model = after("fold_constants", before, 3, {numbers({2, 3})});
  EXPECT_THAT(types_of(model.graph), ElementsAre("Reshape", "Relu"));
  EXPECT_THAT(model.graph.constant_input(model.graph.nodes[0], 1)->data<std::int64_t>(), ElementsAre(-1, 3));
}

TEST(FoldConstants, LeavesStoredLowBitWeights) {
  const auto sketch = Sketch(13)
                          .input("x", {2})
                          .constant("q", Tensor::of<std::int8_t>({2}, {-3, 5}))
                          .constant("scale", Tensor::scalar(0.5F))
                          .node("DequantizeLinear", {"q", "scale"}, {"w"})
                          .node("Neg", {"w"}, {"n"})
                          .node("Add", {"x", "n"}, {"y"})
                          .output("y");
  Model model = sketch.model();
  EXPECT_EQ(fold_constants(model), 0U);
  EXPECT_EQ(fold_constants(model, {.dequantize = true}), 2U);
  EXPECT_THAT(model.graph[model.graph.find_value("n").value()].constant->data<float>(), ElementsAre(1.5F, -2.5F));
}

TEST(FoldConstants, ASmallFileCannotMakeALargeGraph) {
  // 4 GiB at once, and by doubling.
  Model at_once = Sketch(13)
                      .input("x", {1})
                      .constant("s", int64s({1 << 15, 1 << 15}))
                      .node("ConstantOfShape", {"s"}, {"c"})
                      .node("Add", {"x", "c"}, {"y"})
                      .output("y")
                      .model();
  EXPECT_EQ(fold_constants(at_once), 0U);
  Sketch doubling(13);
  doubling.input("x", {1}).constant("c0", numbers({1 << 10}));
  for (int step = 0; step < 30; ++step) {
    const std::string from = cat("c", step);
    doubling.node("Concat", {from, from}, {cat("c", step + 1)}, {one("axis", 0)});
  }
  Model model = doubling.node("Add", {"x", "c30"}, {"y"}).output("y").model();
  (void)fold_constants(model);
  std::size_t bytes = 0;
  for_each_constant(model.graph, [&](const std::string&, const Tensor& tensor) { bytes += tensor.bytes().size(); });
  EXPECT_LT(bytes, std::size_t{20} << 20);
  verify(model.graph);
}

TEST(FoldPads, PutsZerosIntoTheConvolution) {
  const auto padded = [](std::vector<std::int64_t> pads, std::vector<Attribute> attributes) {
    return Sketch(13)
        .input("x", {1, 2, 5, 6})
        .constant("pads", int64s(pads))
        .constant("w", numbers({3, 2, 3, 3}, 2))
        .node("Pad", {"x", "pads"}, {"p"})
        .node("Conv", {"p", "w"}, {"y"}, std::move(attributes))
        .output("y")
        .model();
  };
  const Model model = after("fold_pads", padded({0, 0, 1, 0, 0, 0, 2, 1}, {ints("pads", {1, 1, 0, 0}), ints("strides", {2, 1})}), 1,
                            {numbers({1, 2, 5, 6})}, 1e-6);
  ASSERT_THAT(types_of(model.graph), ElementsAre("Conv"));
  EXPECT_THAT(model.graph.nodes[0].integers("pads"), ElementsAre(2, 1, 2, 1));
  (void)after("fold_pads", padded({0, 0, 1, 1, 0, 0, 1, 1}, {text("auto_pad", "VALID")}), 1, {numbers({1, 2, 5, 6})}, 1e-6);
  Model cut = padded({0, 0, -1, 0, 0, 0, 0, 0}, {});
  EXPECT_EQ(run_pass("fold_pads", cut), 0U);
  Model channels = padded({0, 1, 0, 0, 0, -1, 0, 0}, {});
  EXPECT_EQ(run_pass("fold_pads", channels), 0U);
  Model same = padded({0, 0, 1, 1, 0, 0, 1, 1}, {text("auto_pad", "SAME_UPPER")});
  EXPECT_EQ(run_pass("fold_pads", same), 0U);
}

Sketch& batch_norm(Sketch& sketch, const std::string& from, const std::string& to, std::int64_t channels) {
  return sketch.constant("gamma", numbers({channels}, 21))
      .constant("beta", numbers({channels}, 22))
      .constant("mean", numbers({channels}, 23))
      .constant("variance", positive({channels}, 24))
      .node("BatchNormalization", {from, "gamma", "beta", "mean", "variance"}, {to}, {real("epsilon", 1e-3F)});
}

TEST(FoldBatchNorms, IntoConvolutions) {
  for (const bool with_bias : {false, true}) {
    Sketch sketch(13);
    sketch.input("x", {1, 4, 5, 5}).constant("w", numbers({6, 2, 3, 3}, 2)).constant("b", numbers({6}, 3));
    sketch.node("Conv", with_bias ? std::vector<std::string>{"x", "w", "b"} : std::vector<std::string>{"x", "w"}, {"c"}, {one("group", 2)});
    const Model before = batch_norm(sketch, "c", "n", 6).node("Relu", {"n"}, {"y"}).output("y").model();
    const Model model = after("fold_batch_norms", before, 1, {numbers({1, 4, 5, 5})}, 1e-5);
    ASSERT_THAT(types_of(model.graph), ElementsAre("Conv", "Relu"));
    EXPECT_EQ(model.graph.nodes[0].name, "n_c");
    EXPECT_EQ(model.graph[model.graph.nodes[0].inputs[1]].name, "w");
    EXPECT_EQ(model.graph[model.graph.nodes[0].inputs[2]].name, with_bias ? "b" : "n_c_bias");
  }
}

TEST(FoldBatchNorms, IntoTransposedConvolutionsOfGroups) {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 3, 3}).constant("w", numbers({4, 3, 2, 2}, 2)).node("ConvTranspose", {"x", "w"}, {"c"}, {one("group", 2)});
  const Model model = after("fold_batch_norms", batch_norm(sketch, "c", "y", 6).output("y").model(), 1, {numbers({1, 4, 3, 3})}, 1e-5);
  EXPECT_THAT(types_of(model.graph), ElementsAre("ConvTranspose"));
}

TEST(FoldBatchNorms, IntoGemm) {
  for (const std::int64_t transposed : {0, 1}) {
    Sketch sketch(13);
    sketch.input("x", {2, 4}).constant("w", numbers(transposed != 0 ? Shape{5, 4} : Shape{4, 5}, 2)).constant("b", numbers({1, 5}, 3));
    sketch.node("Gemm", {"x", "w", "b"}, {"g"}, {one("transB", transposed), real("alpha", 0.5F), real("beta", 2)});
    const Model model = after("fold_batch_norms", batch_norm(sketch, "g", "y", 5).output("y").model(), 1, {numbers({2, 4})}, 1e-5);
    EXPECT_THAT(types_of(model.graph), ElementsAre("Gemm"));
  }
}

TEST(FoldBatchNorms, IntoAProductWithABias) {
  Sketch sketch(13);
  sketch.input("x", {2, 4})
      .constant("w", numbers({4, 5}, 2))
      .constant("b", numbers({5}, 3))
      .node("MatMul", {"x", "w"}, {"m"})
      .node("Add", {"b", "m"}, {"s"});
  const Model model = after("fold_batch_norms", batch_norm(sketch, "s", "y", 5).output("y").model(), 1, {numbers({2, 4})}, 1e-5);
  EXPECT_THAT(types_of(model.graph), ElementsAre("MatMul", "Add"));
}

TEST(FoldBatchNorms, IntoConvolutionsFromConstantsOfChannels) {
  const Model before = Sketch(13)
                           .input("x", {1, 2, 4, 4})
                           .constant("w", numbers({3, 2, 2, 2}, 2))
                           .constant("m", numbers({3, 1, 1}, 3))
                           .constant("a", numbers({1, 3, 1, 1}, 4))
                           .constant("s", Tensor::scalar(0.75F))
                           .constant("d", positive({3, 1, 1}, 5))
                           .node("Conv", {"x", "w"}, {"c0"})
                           .node("Mul", {"c0", "m"}, {"c1"})
                           .node("Add", {"a", "c1"}, {"c2"})
                           .node("Sub", {"s", "c2"}, {"c3"})
                           .node("Div", {"c3", "d"}, {"y"})
                           .output("y")
                           .model();
  EXPECT_THAT(types_of(after("fold_batch_norms", before, 4, {numbers({1, 2, 4, 4})}, 1e-5).graph), ElementsAre("Conv"));
}

TEST(FoldBatchNorms, LeavesWhatOthersRead) {
  Sketch shared(13);
  shared.input("x", {1, 2, 4, 4}).constant("w", numbers({3, 2, 2, 2}, 2)).node("Conv", {"x", "w"}, {"c"}).output("c");
  Model model = batch_norm(shared, "c", "y", 3).output("y").model();
  EXPECT_EQ(run_pass("fold_batch_norms", model), 0U);
  Model wide = Sketch(13)
                   .input("x", {1, 2, 4, 4})
                   .constant("w", numbers({3, 2, 2, 2}, 2))
                   .constant("m", numbers({3}, 3))
                   .node("Conv", {"x", "w"}, {"c"})
                   .node("Mul", {"c", "m"}, {"y"})
                   .output("y")
                   .model();
  EXPECT_EQ(run_pass("fold_batch_norms", wide), 0U) << "along the width, not the channels";
}

TEST(FoldBatchNorms, SplitsWeightsThatTwoLayersShare) {
  Sketch sketch(13);
  sketch.input("x", {1, 2, 4, 4})
      .constant("w", numbers({3, 2, 2, 2}, 2))
      .node("Conv", {"x", "w"}, {"c"})
      .node("Conv", {"x", "w"}, {"z"})
      .output("z");
  const Model model = after("fold_batch_norms", batch_norm(sketch, "c", "y", 3).output("y").model(), 1, {numbers({1, 2, 4, 4})}, 1e-5);
  EXPECT_EQ(model.graph[model.graph.nodes[0].inputs[1]].name, "w_folded");
  EXPECT_EQ(model.graph[model.graph.nodes[1].inputs[1]].name, "w");
}

TEST(RemoveUnusedNodes, TakesOutWhatNobodyReads) {
  const Model before =
      Sketch(13).input("x", {3}).constant("c", floats({1})).node("Relu", {"x"}, {"y"}).node("Neg", {"x"}, {"n"}).output("y").model();
  const Model model = after("remove_unused_nodes", before, 3, {numbers({3})});
  EXPECT_THAT(types_of(model.graph), ElementsAre("Relu"));
}

TEST(RunPasses, RunsTheTableInOrder) {
  Sketch sketch(7);
  sketch.input("x", {1, 2, 4, 4}).constant("w", numbers({3, 2, 2, 2}, 2)).node("Identity", {"w"}, {"i"}).node("Conv", {"x", "i"}, {"c"});
  const Model before = batch_norm(sketch, "c", "n", 3).node("Dropout", {"n"}, {"y"}).output("y").model();
  Model model = before;
  const std::vector<PassResult> results = run_passes(model);
  ASSERT_EQ(results.size(), passes().size());
  EXPECT_THAT(types_of(model.graph), ElementsAre("Conv"));
  EXPECT_EQ(model.graph[model.graph.outputs[0]].name, "y");
  for (const PassResult& again : run_passes(model)) EXPECT_EQ(again.rewrites, 0U) << again.name;
}

TEST(RunPasses, KeepsWhatRealModelsCompute) {
  const std::filesystem::path folder = std::filesystem::path(TITRATE_SHARED_DIR) / "models";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no models at " << folder;
  const std::pair<std::string, Tensor> models[] = {{"m1_mnist_cnn", numbers({1, 1, 28, 28}, 11, 128)},
                                                   {"m2_squeezenet_imagenet", numbers({1, 3, 224, 224}, 12)},
                                                   {"m3_resnet4b_cifar10", numbers({1, 3, 32, 32}, 13)},
                                                   {"m5_stories260k", Tensor::of<std::int64_t>({1, 5}, {1, 403, 407, 261, 378})}};
  for (const auto& [name, input] : models) {
    SCOPED_TRACE(name);
    const Model before = read_model(folder / name / "model.onnx");
    if (!unsupported_operators(before).empty()) continue;
    Model model = before;
    (void)run_passes(model);
    EXPECT_LE(model.graph.nodes.size(), before.graph.nodes.size());
    expect_same_outputs(before, model, {input}, 1e-5);
  }
}

TEST(RunPasses, NamesThePassInErrors) {
  Model model = Sketch(13).input("x", {2}).node("Relu", {"x"}, {"y"}).output("y").model();
  model.graph[model.graph.outputs[0]].info = ValueInfo{.type = DataType::int64, .shape = std::nullopt};
  try {
    (void)run_passes(model);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("pass remove_no_ops"));
  }
}

}  // namespace
}  // namespace titrate::engine
