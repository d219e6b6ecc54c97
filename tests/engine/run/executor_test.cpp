#include "engine/run/executor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace titrate::engine {
namespace {

using testing::ElementsAre;

// y = Relu(Relu(x)), x of shape [N,2].
Model two_relus() {
  Model model;
  model.ir_version = 8;
  model.set_opset("", 13);
  Graph& graph = model.graph;
  const ValueInfo info{.type = DataType::float32, .shape = {{{.size = -1, .symbol = "N"}, {.size = 2, .symbol = {}}}}};
  const ValueId x = graph.add_value("x", info);
  const ValueId middle = graph.add_value("middle");
  const ValueId y = graph.add_value("y");
  graph.inputs = {x};
  graph.outputs = {y};
  graph.nodes.push_back({.name = "first", .type = "Relu", .domain = {}, .inputs = {x}, .outputs = {middle}, .attributes = {}, .extra = {}});
  graph.nodes.push_back(
      {.name = "second", .type = "Relu", .domain = {}, .inputs = {middle}, .outputs = {y}, .attributes = {}, .extra = {}});
  return model;
}

TEST(Executor, RunsNodesInOrderAndKeepsWhatIsReturned) {
  Executor executor(std::make_shared<const Plan>(two_relus()));
  std::vector<std::string> seen;
  const Tensor first = executor.run(std::vector{Tensor::of<float>({1, 2}, {-1.0F, 2.0F})}).at(0);
  const Tensor second = executor.run(std::vector{Tensor::of<float>({2, 2}, {3, -4, -5, 6})}).at(0);
  EXPECT_THAT(first.data<float>(), ElementsAre(0, 2));
  EXPECT_THAT(second.data<float>(), ElementsAre(3, 0, 0, 6));
}

TEST(Executor, ShowsEveryComputedValueToTheObserver) {
  const auto plan = std::make_shared<const Plan>(two_relus());
  Executor executor(plan);
  std::vector<std::string> seen;
  const auto observe = [&](ValueId id, const Tensor&) { seen.push_back(plan->graph()[id].name); };
  (void)executor.run(std::vector{Tensor::of<float>({1, 2}, {-1.0F, 2.0F})}, observe);
  EXPECT_THAT(seen, ElementsAre("middle", "y"));
}

TEST(Executor, TellsTheTimerWhenEachNodeRan) {
  const auto plan = std::make_shared<const Plan>(two_relus());
  Executor executor(plan);
  std::vector<std::string> nodes;
  std::vector<Executor::Clock::time_point> moments{Executor::Clock::now()};
  const auto timer = [&](std::size_t node, Executor::Clock::time_point begin, Executor::Clock::time_point end) {
    nodes.push_back(plan->graph().nodes[node].name);
    moments.insert(moments.end(), {begin, end});
  };
  (void)executor.run(std::vector{Tensor::of<float>({1, 2}, {-1.0F, 2.0F})}, {}, timer);
  moments.push_back(Executor::Clock::now());
  EXPECT_THAT(nodes, ElementsAre("first", "second"));
  EXPECT_EQ(moments.size(), 6U);
  EXPECT_TRUE(std::is_sorted(moments.begin(), moments.end()));
}

TEST(Executor, RefusesWhatDoesNotFit) {
  Executor executor(std::make_shared<const Plan>(two_relus()));
  EXPECT_THROW((void)executor.run(std::vector{Tensor::of<float>({1, 3}, {1, 2, 3})}), Error);
  EXPECT_THROW((void)executor.run(std::vector{Tensor::of<std::int64_t>({1, 2}, {1, 2})}), Error);
  EXPECT_THROW((void)executor.run({}), Error);
}

// whole = Concat(Concat(Relu(x), Sigmoid(x)), x, Relu(x)) along the axis 1, x of any shape.
Model joined_values() {
  Model model;
  model.ir_version = 8;
  model.set_opset("", 13);
  Graph& graph = model.graph;
  const auto add = [&](const char* type, std::vector<ValueId> inputs, const char* output) {
    const ValueId id = graph.add_value(output);
    graph.nodes.push_back(
        {.name = output, .type = type, .domain = {}, .inputs = std::move(inputs), .outputs = {id}, .attributes = {}, .extra = {}});
    if (graph.nodes.back().type == "Concat") graph.nodes.back().set("axis", std::int64_t{1});
    return id;
  };
  const ValueId x = graph.add_value("x", ValueInfo{.type = DataType::float32, .shape = std::nullopt});
  const ValueId left = add("Relu", {x}, "left");
  const ValueId right = add("Sigmoid", {x}, "right");
  const ValueId inner = add("Concat", {left, right}, "inner");
  const ValueId whole = add("Concat", {inner, x, left}, "whole");
  graph.inputs = {x};
  graph.outputs = {whole};
  return model;
}

// What joined_values() gives, and whether its values lie where they are joined.
struct JoinedRun {
  std::vector<float> whole;
  std::map<std::string, const std::byte*> places;

  JoinedRun(Executor& executor, const Plan& plan, const Tensor& x) {
    const auto observe = [&](ValueId id, const Tensor& tensor) { places[plan.graph()[id].name] = tensor.bytes().data(); };
    const Tensor result = executor.run(std::vector{x}, observe).at(0);
    whole.assign(result.data<float>().begin(), result.data<float>().end());
  }
};

Tensor counted(const Shape& shape) {
  Tensor x = Tensor::uninitialized(DataType::float32, shape);
  float next = -10;
  for (float& element : x.mutable_data<float>()) element = next += 1;
  return x;
}

std::vector<float> joined_by_definition(const Tensor& x, std::int64_t batch) {
  std::vector<float> whole;
  const std::size_t size = x.data<float>().size() / static_cast<std::size_t>(batch);
  for (std::size_t sample = 0; sample < static_cast<std::size_t>(batch); ++sample) {
    const auto own = x.data<float>().subspan(sample * size, size);
    for (const float value : own) whole.push_back(std::max(value, 0.0F));
    for (const float value : own) whole.push_back(static_cast<float>(1 / (1 + std::exp(-static_cast<double>(value)))));
    whole.insert(whole.end(), own.begin(), own.end());
    for (const float value : own) whole.push_back(std::max(value, 0.0F));
  }
  return whole;
}

TEST(Executor, ComputesValuesWhereTheyAreJoined) {
  const auto plan = std::make_shared<const Plan>(joined_values());
  Executor executor(plan);
  const std::vector<Shape> shapes = {{1, 2, 16}, {1, 2, 16}, {1, 4, 16}, {1, 4, 16}, {2, 4, 16}, {2, 4, 16},
                                     {1, 3, 5},  {1, 3, 5},  {1, 2, 16}, {1, 2, 16}, {1, 3, 8},  {1, 3, 8}};
  for (std::size_t index = 0; index < shapes.size(); ++index) {
    const Tensor x = counted(shapes[index]);
    const JoinedRun run(executor, *plan, x);
    EXPECT_THAT(run.whole, testing::Pointwise(testing::FloatEq(), joined_by_definition(x, shapes[index][0]))) << index;
    // From the second run with the same sizes on, if nothing lies between the parts and they begin with half a line.
    const std::byte* whole = run.places.at("whole");
    const bool in_place = index % 2 == 1 && shapes[index][0] == 1;
    EXPECT_EQ(run.places.at("inner") == whole, in_place) << index;
    EXPECT_EQ(run.places.at("left") == whole, in_place) << index;
    EXPECT_EQ(run.places.at("right") == whole + x.bytes().size(), in_place && x.bytes().size() % 32 == 0) << index;
  }
}

// Three values joined; their sizes change, but not those of the second one and of all together.
TEST(Executor, JoinsValuesWhosePlacesAreOthersThanBefore) {
  Model model;
  model.ir_version = 8;
  model.set_opset("", 13);
  Graph& graph = model.graph;
  const auto node = [&](const char* type, std::vector<ValueId> inputs, ValueId output) {
    graph.nodes.push_back(
        {.name = {}, .type = type, .domain = {}, .inputs = std::move(inputs), .outputs = {output}, .attributes = {}, .extra = {}});
  };
  std::vector<ValueId> parts;
  for (const char* name : {"a", "b", "c"}) {
    graph.inputs.push_back(graph.add_value(name, ValueInfo{.type = DataType::float32, .shape = std::nullopt}));
    parts.push_back(graph.add_value(std::string(name) + "_part"));
    node("Neg", {graph.inputs.back()}, parts.back());
  }
  graph.outputs = {graph.add_value("whole")};
  node("Concat", parts, graph.outputs[0]);
  graph.nodes.back().set("axis", std::int64_t{0});
  Executor executor(std::make_shared<const Plan>(model));
  for (const Shape& sizes :
       {Shape{32, 64, 32}, Shape{32, 64, 32}, Shape{64, 64, 16}, Shape{16, 64, 64}, Shape{48, 64, 16}, Shape{16, 64, 48}}) {
    std::vector<Tensor> inputs;
    std::vector<float> expected;
    for (const std::int64_t size : sizes) {
      inputs.push_back(counted({size}));
      for (const float value : inputs.back().data<float>()) expected.push_back(-value);
    }
    const Tensor whole = executor.run(inputs).at(0);
    EXPECT_EQ(std::vector<float>(whole.data<float>().begin(), whole.data<float>().end()), expected);
  }
}

// A kernel reads one bias for each filter: what is fed under a size that the model leaves open must be held against the weights.
TEST(Executor, RefusesABiasThatIsShorterThanTheFilters) {
  Model model;
  model.ir_version = 8;
  model.set_opset("", 13);
  Graph& graph = model.graph;
  const ValueId x = graph.add_value("x", ValueInfo{.type = DataType::float32, .shape = std::nullopt});
  const ValueId bias = graph.add_value("bias", ValueInfo{.type = DataType::float32, .shape = {{{.size = -1, .symbol = "B"}}}});
  const ValueId weights = graph.add_constant("weights", Tensor::zeros(DataType::float32, {4, 1, 1, 1}));
  const ValueId y = graph.add_value("y");
  graph.inputs = {x, bias};
  graph.outputs = {y};
  graph.nodes.push_back(
      {.name = "conv", .type = "Conv", .domain = {}, .inputs = {x, weights, bias}, .outputs = {y}, .attributes = {}, .extra = {}});
  Executor executor(std::make_shared<const Plan>(model));
  const Tensor image = Tensor::zeros(DataType::float32, {1, 1, 2, 2});
  EXPECT_EQ(executor.run(std::vector{image, Tensor::zeros(DataType::float32, {4})}).at(0).shape(), (Shape{1, 4, 2, 2}));
  EXPECT_THROW((void)executor.run(std::vector{image, Tensor::zeros(DataType::float32, {3})}), Error);
  EXPECT_THROW((void)executor.run(std::vector{image, Tensor::zeros(DataType::float32, {0})}), Error);
}

TEST(Plan, NamesEveryUnknownOperatorAtOnce) {
  Model model = two_relus();
  model.graph.nodes[0].type = "Zebra";
  model.graph.nodes[1].type = "Aardvark";
  try {
    const Plan plan(model);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), testing::HasSubstr("Aardvark (opset 13), Zebra (opset 13)"));
  }
}

}  // namespace
}  // namespace titrate::engine
