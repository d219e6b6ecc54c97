#include "engine/run/executor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

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
