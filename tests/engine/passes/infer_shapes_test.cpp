#include "engine/passes/infer_shapes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "tests/engine/passes/sketch.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ValueInfo info_of(const Model& model, const std::string& name) {
  return infer_types(model).at(static_cast<std::size_t>(model.graph.find_value(name).value()));
}

std::vector<std::int64_t> sizes_of(const Model& model, const std::string& name) {
  const ValueInfo info = info_of(model, name);
  std::vector<std::int64_t> sizes;
  for (const Dimension& dimension : info.shape.value()) sizes.push_back(dimension.size);
  return sizes;
}

// What exporters write for x.view(x.size(0), -1): the batch is unknown, the rest is not.
Sketch flatten_by_shape() {
  return Sketch(13)
      .input("x", {-1, 3, 4, 5})
      .constant("zero", Tensor::scalar<std::int64_t>(0))
      .constant("axes", int64s({0}))
      .constant("rest", int64s({-1}))
      .node("Relu", {"x"}, {"r"})
      .node("Shape", {"r"}, {"shape"})
      .node("Gather", {"shape", "zero"}, {"batch"})
      .node("Unsqueeze", {"batch", "axes"}, {"batch1"})
      .node("Concat", {"batch1", "rest"}, {"target"}, {one("axis", 0)})
      .node("Reshape", {"r", "target"}, {"y"})
      .output("y");
}

TEST(InferShapes, FollowsShapesThroughIntegers) {
  const Model model = flatten_by_shape().model();
  const Inference inference = infer_values(model);
  const auto& target = inference.of(model.graph).at(static_cast<std::size_t>(model.graph.find_value("target").value()));
  EXPECT_EQ(target.value(), nullptr) << "the batch is unknown";
  ASSERT_NE(target.elements, nullptr);
  EXPECT_THAT(target.known, ElementsAre(false, true));
  EXPECT_EQ(info_of(model, "y").type, DataType::float32);
  EXPECT_EQ(info_of(model, "y").shape->size(), 2U);
}

TEST(InferShapes, KnowsAllWithABatchOfOne) {
  Model model = flatten_by_shape().model();
  const std::vector<Shape> shapes = single_sample_shapes(model);
  EXPECT_THAT(shapes, ElementsAre(Shape{1, 3, 4, 5}));
  infer_shapes(model, shapes);
  EXPECT_EQ(sizes_of(model, "y"), (Shape{1, 60}));
  EXPECT_EQ(model.graph[model.graph.outputs[0]].info->shape->at(1).size, 60);
}

TEST(InferShapes, MixesKnownAndUnknownSizes) {
  // [N,8,6] -> Shape -> Slice [1:] and Mul by 2 of its last: [N, 8, 12] does not hold elements, but says which sizes are known.
  const Model model = Sketch(13)
                          .input("x", {-1, 8, 6})
                          .constant("two", int64s({1, 2, 2}))
                          .node("Shape", {"x"}, {"shape"})
                          .node("Mul", {"shape", "two"}, {"wider"})
                          .node("ConstantOfShape", {"wider"}, {"y"})
                          .output("y")
                          .model();
  EXPECT_THAT(sizes_of(model, "y"), ElementsAre(-1, 16, 12));
}

TEST(InferShapes, AMinimumOfAnUnknownSizeIsUnknown) {
  const Model model = Sketch(13)
                          .input("x", {-1, 8})
                          .constant("five", int64s({5, 5}))
                          .node("Shape", {"x"}, {"shape"})
                          .node("Min", {"shape", "five"}, {"least"})
                          .node("ConstantOfShape", {"least"}, {"y"})
                          .output("y")
                          .model();
  const Inference inference = infer_values(model);
  EXPECT_EQ(inference.of(model.graph).at(static_cast<std::size_t>(model.graph.find_value("least").value())).value(), nullptr);
}

TEST(InferShapes, RefusesContradictionsNamingTheNode) {
  Model model = Sketch(13).input("x", {2, 3}).node("Relu", {"x"}, {"r"}).node("Neg", {"r"}, {"y"}).output("y").model();
  model.graph[model.graph.find_value("r").value()].info = ValueInfo{.type = DataType::float32, .shape = {{{2, ""}, {4, ""}}}};
  try {
    infer_shapes(model);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_THAT(error.what(), HasSubstr("'n_r' (Relu)"));
    EXPECT_THAT(error.what(), HasSubstr("[2,4]"));
  }
  EXPECT_THROW((void)infer_types(Sketch(13).input("x", {2, 3}).node("Relu", {"x"}, {"y"}).output("y").model(), std::vector<Shape>{{2, 5}}),
               Error);
  EXPECT_THROW(
      (void)infer_types(Sketch(13).input("x", {2, 3}).node("Relu", {"x"}, {"y"}).output("y").model(), std::vector<Shape>{{2, 3}, {1}}),
      Error);
}

TEST(InferShapes, UnknownOperatorsLeaveTheirOutputsAsTheFileSays) {
  Model model = Sketch(13).input("x", {2, 3}).node("Mystery", {"x"}, {"m"}).node("Relu", {"m"}, {"y"}).output("y").model();
  EXPECT_EQ(info_of(model, "m").type, DataType::undefined);
  EXPECT_EQ(info_of(model, "m").shape, std::nullopt);
  model.graph[model.graph.find_value("m").value()].info = ValueInfo{.type = DataType::float32, .shape = {{{-1, "N"}, {7, ""}}}};
  EXPECT_THAT(sizes_of(model, "y"), ElementsAre(-1, 7));
}

TEST(InferShapes, KeepsSymbolsOfUnknownSizes) {
  Model model = Sketch(13).input("x", {-1, 3}).node("Relu", {"x"}, {"y"}).output("y").model();
  model.graph[model.graph.outputs[0]].info = ValueInfo{.type = DataType::float32, .shape = {{{-1, "batch"}, {-1, "classes"}}}};
  infer_shapes(model);
  EXPECT_EQ(model.graph[model.graph.outputs[0]].info->shape->at(0), (Dimension{-1, "batch"}));
  EXPECT_EQ(model.graph[model.graph.outputs[0]].info->shape->at(1), (Dimension{3, ""}));
}

TEST(InferShapes, SeesEnclosingGraphsFromBodies) {
  const auto branch = [](const std::string& name) { return Sketch(13).outer("x").node("Relu", {"x"}, {name}).output(name).body(); };
  Sketch sketch(13);
  sketch.input("x", {2, 3}).input("which", {}, DataType::boolean);
  Model model = sketch.node("If", {"which"}, {"y"}, {attribute("then_branch", branch("a")), attribute("else_branch", branch("b"))})
                    .output("y")
                    .model();
  for (const std::string name : {"then_branch", "else_branch"}) {
    auto body = std::make_shared<Graph>(*model.graph.nodes[0].graph(name));
    body->values[static_cast<std::size_t>(body->outputs[0])].info.reset();
    model.graph.nodes[0].set(name, std::shared_ptr<const Graph>(body));
  }
  EXPECT_THAT(sizes_of(model, "y"), ElementsAre(2, 3));
  infer_shapes(model);
  const auto body = model.graph.nodes[0].graph("else_branch");
  EXPECT_EQ((*body)[body->outputs[0]].info->type, DataType::float32);
}

}  // namespace
}  // namespace titrate::engine
