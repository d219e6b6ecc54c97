// Overrides by position and by sub-graph on small graphs.
#include "engine/quant/node_selection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/quant/assignment.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"

namespace titrate::engine {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void conv(Sketch& sketch, const std::string& input, const std::string& output) {
  sketch.constant(output + "_w", numbers({4, 4, 1, 1}, static_cast<std::uint32_t>(output[0])));
  sketch.node("Conv", {input, output + "_w"}, {output});
}

// x -> a -> r, then two branches b and c that meet in s, then y. Nodes are named n_ and their output.
Model diamond() {
  Sketch sketch(13);
  sketch.input("x", {1, 4, 8, 8});
  conv(sketch, "x", "a");
  sketch.node("Relu", {"a"}, {"r"});
  conv(sketch, "r", "b");
  conv(sketch, "r", "c");
  sketch.node("Add", {"b", "c"}, {"s"});
  conv(sketch, "s", "y");
  return sketch.output("y").model();
}

std::vector<std::string> chosen(const std::string& selector) {
  const Model model = prepare_float_model(diamond());
  return resolve_selectors(model.graph, parse_config("rtn() | " + selector + " = float")).overrides.at(0).nodes;
}

std::string refusal(const std::string& selector) {
  try {
    (void)chosen(selector);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    return error.what();
  }
  return "accepted";
}

TEST(NodeSelection, CountsLayersThatCanBeQuantized) {
  EXPECT_THAT(chosen("position:first"), ElementsAre("n_a"));
  EXPECT_THAT(chosen("position:1"), ElementsAre("n_a"));
  EXPECT_THAT(chosen("position:3"), ElementsAre("n_c"));
  EXPECT_THAT(chosen("position:last"), ElementsAre("n_y"));
  EXPECT_THAT(refusal("position:5"), AllOf(HasSubstr("position:5 matches no node"), HasSubstr("position:1 to position:4")));
}

TEST(NodeSelection, TakesWhatLiesBetweenTwoSetsOfNodes) {
  EXPECT_THAT(chosen("between:n_r->n_s"), ElementsAre("n_r", "n_b", "n_c", "n_s")) << "both branches, ends included";
  EXPECT_THAT(chosen("between:n_b->n_y"), ElementsAre("n_b", "n_s", "n_y"));
  EXPECT_THAT(chosen("between:n_b,n_c->n_s"), ElementsAre("n_b", "n_c", "n_s"));
  EXPECT_THAT(chosen("between:n_a->n_a"), ElementsAre("n_a"));
}

TEST(NodeSelection, RefusesWhatIsNotThere) {
  EXPECT_THAT(refusal("between:n_y->n_a"), HasSubstr("no output can be reached"));
  EXPECT_THAT(refusal("between:n_aa->n_y"), AllOf(HasSubstr("no node is called 'n_aa'"), HasSubstr("did you mean 'n_a'")));
}

// NNCF looks at every path one by one: with thirty diamonds in a row there are a thousand million.
TEST(NodeSelection, TakesLinearTimeForManyPaths) {
  Sketch sketch(13);
  sketch.input("x", {1, 4}).node("Relu", {"x"}, {"v0"});
  for (int step = 0; step < 200; ++step) {
    const std::string from = "v" + std::to_string(step);
    sketch.node("Relu", {from}, {"l" + std::to_string(step)}).node("Sigmoid", {from}, {"r" + std::to_string(step)});
    sketch.node("Add", {"l" + std::to_string(step), "r" + std::to_string(step)}, {"v" + std::to_string(step + 1)});
  }
  const Model model = sketch.output("v200").model();
  const Config resolved = resolve_selectors(model.graph, parse_config("rtn() | between:n_v0->n_v200 = float"));
  EXPECT_EQ(resolved.overrides[0].nodes.size(), 601U);
}

// name beats regex beats between beats position beats type.
TEST(NodeSelection, Ranks) {
  const Model model = prepare_float_model(diamond());
  const auto schemes = [&](const std::string& overrides) {
    std::vector<std::string> found;
    for (const Assignment& each : assign(model.graph, parse_config("rtn() | " + overrides))) found.push_back(each.decision.scheme);
    return found;
  };
  EXPECT_THAT(
      schemes("type:Conv = float | position:first = fp8() | between:n_a->n_b = rtn(bits=8) | regex:_b = rtn(bits=2) | name:n_b = fp8()"),
      ElementsAre("rtn(bits=8,group_size=-1)", "fp8()", "float", "float"));
  EXPECT_THAT(schemes("type:Conv = float | position:first = fp8() | between:n_r->n_b = rtn(bits=8) | regex:_b = rtn(bits=2)"),
              ElementsAre("fp8()", "rtn(bits=2,group_size=-1)", "float", "float"));
}

TEST(NodeSelection, ActsInAConversion) {
  const Conversion conversion = converted(diamond(), "static_int8() | between:n_r->n_s = float");
  EXPECT_EQ(decision_of(conversion, "n_a").scheme, "static_int8()");
  EXPECT_EQ(decision_of(conversion, "n_b").scheme, "float");
  EXPECT_EQ(decision_of(conversion, "n_c").scheme, "float");
  EXPECT_EQ(decision_of(conversion, "n_y").scheme, "static_int8()");
}

}  // namespace
}  // namespace titrate::engine
