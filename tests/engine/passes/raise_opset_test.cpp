#include "engine/passes/raise_opset.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "engine/passes/raise_opset/table.hpp"
#include "tests/engine/passes/sketch.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Model raised(const Sketch& sketch, int target) {
  Model model = sketch.model();
  raise_opset(model, target);
  return model;
}

std::vector<std::string> types_of(const Graph& graph) {
  std::vector<std::string> types;
  for (const Node& node : graph.nodes) types.push_back(node.type);
  return types;
}

std::string refusal(const Sketch& sketch, int target) {
  Model model = sketch.model();
  try {
    raise_opset(model, target);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_EQ(model.opset(), sketch.model().opset()) << "the model was changed";
    return error.what();
  }
  return "accepted";
}

TEST(RaiseOpset, ClipTakesItsLimitsAsInputs) {
  const Model model = raised(Sketch(7).input("x", {2}).node("Clip", {"x"}, {"y"}, {real("min", -1), real("max", 6)}).output("y"), 13);
  const Node& clip = model.graph.nodes.at(0);
  EXPECT_EQ(clip.name, "n_y");
  EXPECT_TRUE(clip.attributes.empty());
  EXPECT_EQ(model.graph.constant_input(clip, 1)->data<float>()[0], -1.0F);
  EXPECT_EQ(model.graph.constant_input(clip, 1)->rank(), 0);
  EXPECT_EQ(model.graph.constant_input(clip, 2)->data<float>()[0], 6.0F);
  EXPECT_EQ(model.graph[clip.inputs[1]].name, "n_y_min");
  EXPECT_EQ(model.graph[clip.outputs[0]].name, "y");
}

TEST(RaiseOpset, ClipTakesLimitsOfItsElementType) {
  const Model model =
      raised(Sketch(7).input("x", {2}, DataType::float16).node("Clip", {"x"}, {"y"}, {real("max", 6)}).output("y", DataType::float16), 13);
  const Node& clip = model.graph.nodes.at(0);
  EXPECT_FALSE(clip.has_input(1));
  EXPECT_EQ(model.graph.constant_input(clip, 2)->type(), DataType::float16);
  EXPECT_EQ(model.graph.constant_input(clip, 2)->bits<std::uint16_t>()[0], 0x4600);
}

TEST(RaiseOpset, SoftmaxOverOneAxisStaysOneNode) {
  const Model channels = raised(Sketch(7).input("x", {1, 1000, 1, 1}).node("Softmax", {"x"}, {"y"}).output("y"), 13);
  EXPECT_THAT(types_of(channels.graph), ElementsAre("Softmax"));
  EXPECT_EQ(channels.graph.nodes[0].integer("axis", -7), 1);
  const Model last = raised(Sketch(7).input("x", {-1, 10}).node("Softmax", {"x"}, {"y"}).output("y"), 13);
  EXPECT_THAT(types_of(last.graph), ElementsAre("Softmax"));
  EXPECT_EQ(last.graph.nodes[0].integer("axis", -7), 1);
}

TEST(RaiseOpset, SoftmaxOverSeveralAxesWorksOnRows) {
  const Model known = raised(Sketch(7).input("x", {-1, 3, 4}).node("Softmax", {"x"}, {"y"}).output("y"), 13);
  EXPECT_THAT(types_of(known.graph), ElementsAre("Flatten", "Softmax", "Reshape"));
  EXPECT_EQ(known.graph.nodes[1].name, "n_y");
  EXPECT_EQ(known.graph[known.graph.nodes[2].outputs[0]].name, "y");
  EXPECT_THAT(known.graph.constant_input(known.graph.nodes[2], 1)->data<std::int64_t>(), ElementsAre(-1, 3, 4));
  const Model unknown = raised(Sketch(7).unranked_input("x").node("Softmax", {"x"}, {"y"}).output("y"), 13);
  EXPECT_THAT(types_of(unknown.graph), ElementsAre("Shape", "Flatten", "Softmax", "Reshape"));
}

TEST(RaiseOpset, ResizeKeepsItsCoordinates) {
  const auto resize = [](std::vector<float> scales) {
    return Sketch(10).input("x", {1, 1, 4, 4}).constant("s", floats(scales)).node("Resize", {"x", "s"}, {"y"}).output("y");
  };
  const Model up = raised(resize({1, 1, 2, 2}), 13);
  EXPECT_EQ(up.graph.nodes.at(0).text("coordinate_transformation_mode", ""), "asymmetric");
  EXPECT_EQ(up.graph.nodes.at(0).text("nearest_mode", ""), "floor");
  EXPECT_FALSE(up.graph.nodes.at(0).has_input(1));
  const Model down = raised(resize({1, 1, 0.5F, 0.5F}), 11);
  EXPECT_EQ(down.graph.nodes.at(0).text("nearest_mode", ""), "ceil");
  EXPECT_TRUE(down.graph.nodes.at(0).has_input(1)) << "Resize-11 wants a roi";
  EXPECT_THAT(types_of(raised(resize({1, 1, 0.5F, 2}), 13).graph), ElementsAre("Resize", "Resize"));
}

TEST(RaiseOpset, UpsampleIsResize) {
  const Model model = raised(
      Sketch(7).input("x", {1, 1, 2, 2}).node("Upsample", {"x"}, {"y"}, {attribute("scales", std::vector<float>{1, 1, 2, 2})}).output("y"),
      9);
  EXPECT_THAT(types_of(model.graph), ElementsAre("Upsample"));
  EXPECT_THAT(model.graph.constant_input(model.graph.nodes[0], 1)->data<float>(), ElementsAre(1, 1, 2, 2));
  const Model later = raised(Sketch(9).input("x", {1, 1, 2, 2}).input("s", {4}).node("Upsample", {"x", "s"}, {"y"}).output("y"), 21);
  EXPECT_THAT(types_of(later.graph), ElementsAre("Resize"));
  EXPECT_EQ(later.graph.nodes[0].text("nearest_mode", ""), "floor");
}

TEST(RaiseOpset, OpsetAndIrVersionRiseTogether) {
  const Sketch sketch = Sketch(7).input("x", {2}).constant("c", floats({1, 2})).node("Add", {"x", "c"}, {"y"}).output("y");
  ASSERT_TRUE(sketch.model().graph.values[1].also_input);
  const std::pair<int, std::int64_t> expected[] = {{8, 4},  {9, 4},  {10, 5},  {11, 6},  {13, 7},  {15, 8},
                                                   {17, 8}, {19, 9}, {21, 10}, {23, 11}, {24, 12}, {25, 13}};
  for (const auto& [opset, ir] : expected) {
    const Model model = raised(sketch, opset);
    EXPECT_EQ(model.opset(), opset);
    EXPECT_EQ(model.ir_version, ir) << opset;
    EXPECT_FALSE(model.graph.values[1].also_input);
  }
  Model newer = sketch.model();
  newer.ir_version = 10;
  raise_opset(newer, 13);
  EXPECT_EQ(newer.ir_version, 10);
}

TEST(RaiseOpset, ALowerTargetChangesNothing) {
  const Sketch sketch = Sketch(12).input("x", {2, 3, 4}).node("Softmax", {"x"}, {"y"}).output("y");
  EXPECT_EQ(raised(sketch, 7).opset(), 12);
  EXPECT_EQ(raised(sketch, 12).graph.nodes.size(), 1U);
}

TEST(RaiseOpset, NamesEverythingThatStandsInTheWay) {
  const std::string said = refusal(Sketch(7)
                                       .input("x", {2})
                                       .node("Affine", {"x"}, {"a"})
                                       .node("ScaledTanh", {"a"}, {"b"})
                                       .node("Clip", {"b"}, {"y"}, {real("min", 0)})
                                       .output("y"),
                                   13);
  EXPECT_THAT(said, HasSubstr("'n_a' (Affine)"));
  EXPECT_THAT(said, HasSubstr("'n_b' (ScaledTanh)"));
  EXPECT_THAT(said, HasSubstr("'n_y' (Clip)")) << "its element type is unknown";
}

TEST(RaiseOpset, RefusesWhatHasNoEqual) {
  const auto trained = Sketch(9)
                           .input("x", {1, 2, 3})
                           .constant("c", floats({1, 1}))
                           .node("BatchNormalization", {"x", "c", "c", "c", "c"}, {"y", "mean"})
                           .output("y")
                           .output("mean");
  EXPECT_THAT(refusal(trained, 14), HasSubstr("training mode"));
  EXPECT_THAT(refusal(Sketch(8).input("x", {2}).node("Scan", {"x"}, {"y"}).output("y"), 9), HasSubstr("batches"));
  const auto nearest = Sketch(11).input("x", {1, 1, 2, 2}).constant("roi", floats({})).constant("s", floats({1, 1, 2, 2}));
  Sketch ceil = nearest;
  ceil.node("Resize", {"x", "roi", "s"}, {"y"},
            {text("coordinate_transformation_mode", "tf_half_pixel_for_nn"), text("nearest_mode", "ceil")})
      .output("y");
  EXPECT_THAT(refusal(ceil, 13), HasSubstr("tf_half_pixel_for_nn"));
  EXPECT_THAT(refusal(Sketch(6).input("x", {2}).node("Relu", {"x"}, {"y"}).output("y"), 13), HasSubstr("opset 6"));
  EXPECT_THAT(refusal(Sketch(7).input("x", {2}).node("Relu", {"x"}, {"y"}).output("y"), 26), HasSubstr("opset 26"));
}

TEST(RaiseOpset, OtherDomainsStay) {
  Sketch sketch = Sketch(7).input("x", {2}).node("Clip", {"x"}, {"y"}, {real("min", 0)}).output("y");
  Model model = sketch.model();
  model.graph.nodes[0].domain = "com.example";
  raise_opset(model, 21);
  EXPECT_NE(model.graph.nodes[0].find("min"), nullptr);
  EXPECT_EQ(model.opset(), 21);
}

TEST(RaiseOpset, UnusedExtraOutputsOfBatchNormalizationGo) {
  const Model model = raised(Sketch(7)
                                 .input("x", {1, 2, 3})
                                 .constant("c", floats({1, 1}))
                                 .node("BatchNormalization", {"x", "c", "c", "c", "c"}, {"y", "mean", "variance"})
                                 .output("y"),
                             15);
  EXPECT_EQ(model.graph.nodes[0].outputs.size(), 1U);
}

TEST(RaiseOpset, BodiesFollow) {
  const auto branch = [](const std::string& name) {
    return Sketch(9).outer("x").node("Unsqueeze", {"x"}, {name}, {ints("axes", {0})}).output(name).body();
  };
  const Model model =
      raised(Sketch(9)
                 .input("x", {2})
                 .input("which", {}, DataType::boolean)
                 .node("If", {"which"}, {"y"}, {attribute("then_branch", branch("a")), attribute("else_branch", branch("b"))})
                 .output("y"),
             13);
  const auto body = model.graph.nodes[0].graph("then_branch");
  EXPECT_TRUE(body->nodes[0].attributes.empty());
  EXPECT_THAT(body->constant_input(body->nodes[0], 1)->data<std::int64_t>(), ElementsAre(0));
}

TEST(RaiseTable, EachChangeIsThereOnceAndInRange) {
  for (const raise::Change& change : raise::changes()) {
    EXPECT_GT(change.version, least_opset) << change.type;
    EXPECT_LE(change.version, most_opset) << change.type;
    EXPECT_EQ(raise::find_change(change.type, change.version), &change) << change.type << " " << change.version;
  }
  EXPECT_TRUE(raise::is_listed("Conv"));
  EXPECT_FALSE(raise::is_listed("Affine"));
}

}  // namespace
}  // namespace titrate::engine
