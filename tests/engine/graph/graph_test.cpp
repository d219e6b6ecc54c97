#include "engine/graph/graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Adds a node; values that are new are made.
Node& add_node(Graph& graph, std::string type, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
               std::string name = {}) {
  const auto id = [&](const std::string& value) {
    if (value.empty()) return ValueId::none;
    const auto found = graph.find_value(value);
    return found ? *found : graph.add_value(value);
  };
  Node node;
  node.name = std::move(name);
  node.type = std::move(type);
  for (const std::string& value : inputs) node.inputs.push_back(id(value));
  for (const std::string& value : outputs) node.outputs.push_back(id(value));
  graph.nodes.push_back(std::move(node));
  return graph.nodes.back();
}

Graph graph_with_input() {
  Graph graph;
  graph.inputs.push_back(graph.add_value("x"));
  return graph;
}

std::vector<std::string> node_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  return names;
}

std::vector<std::string> value_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const Value& value : graph.values) names.push_back(value.name);
  return names;
}

// A sub-graph that computes `out` from `captured`, a value of the graph around it.
std::shared_ptr<const Graph> body_reading(const std::string& captured) {
  Graph body;
  body.outer.push_back(body.add_value(captured));
  add_node(body, "Relu", {captured}, {"out"}, "inner");
  body.outputs.push_back(*body.find_value("out"));
  return std::make_shared<const Graph>(std::move(body));
}

template <class Act>
void expect_invalid(Act&& act, const std::string& words) {
  try {
    act();
    ADD_FAILURE() << "no error, but expected one about: " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_THAT(std::string(error.what()), HasSubstr(words));
  }
}

TEST(Node, AttributesByKind) {
  Node node;
  node.name = "n";
  node.type = "T";
  node.set("axis", std::int64_t{-1});
  node.set("alpha", 0.5F);
  node.set("pads", std::vector<std::int64_t>{1, 2});
  EXPECT_EQ(node.integer("axis", 0), -1);
  EXPECT_EQ(node.integer("missing", 7), 7);
  EXPECT_EQ(node.number("alpha", 0), 0.5F);
  EXPECT_THAT(node.integers("pads"), ElementsAre(1, 2));
  EXPECT_THAT(node.integers("missing", {3}), ElementsAre(3));
  EXPECT_EQ(node.tensor("missing"), nullptr);
  expect_invalid([&] { std::ignore = node.number("axis", 0); }, "node 'n' (T)");
  node.set("axis", std::int64_t{2});
  EXPECT_EQ(node.integer("axis", 0), 2);
  EXPECT_EQ(node.attributes.size(), 3U);
  node.remove("axis");
  EXPECT_EQ(node.find("axis"), nullptr);
}

TEST(NameNodes, DependOnTypeAndFirstOutput) {
  Graph graph = graph_with_input();
  add_node(graph, "Conv", {"x"}, {"a"});
  add_node(graph, "Split", {"a"}, {"", "b"});
  add_node(graph, "Sink", {"b"}, {});
  name_nodes(graph);
  EXPECT_THAT(node_names(graph), ElementsAre("Conv:a", "Split:b", "Sink"));
}

TEST(NameNodes, RepeatedNamesAreNumberedFromTwo) {
  Graph graph = graph_with_input();
  for (const char* output : {"a", "b", "c", "d"}) add_node(graph, "Relu", {"x"}, {output}, "same");
  graph.nodes[2].name = "same_2";
  add_node(graph, "Neg", {"x"}, {"e"});
  add_node(graph, "Neg", {"x"}, {"f"}, "Neg:e");
  name_nodes(graph);
  EXPECT_THAT(node_names(graph), ElementsAre("same", "same_3", "same_2", "same_4", "Neg:e_2", "Neg:e"));
  const auto once = node_names(graph);
  name_nodes(graph);
  EXPECT_EQ(node_names(graph), once);
}

TEST(NameNodes, SubGraphsToo) {
  Graph graph = graph_with_input();
  Graph body = *body_reading("x");
  body.nodes[0].name.clear();
  add_node(graph, "If", {"x"}, {"y"}).set("then_branch", std::make_shared<const Graph>(std::move(body)));
  name_nodes(graph);
  EXPECT_EQ(graph.nodes[0].graph("then_branch")->nodes[0].name, "Relu:out");
}

TEST(SortNodes, ProducersComeFirstAndTheRestStays) {
  Graph graph = graph_with_input();
  add_node(graph, "Add", {"a", "b"}, {"c"}, "add");
  add_node(graph, "Neg", {"x"}, {"d"}, "neg");
  add_node(graph, "Relu", {"x"}, {"a"}, "relu");
  add_node(graph, "Mul", {"a", "a"}, {"b"}, "mul");
  EXPECT_TRUE(sort_nodes(graph));
  EXPECT_THAT(node_names(graph), ElementsAre("neg", "relu", "mul", "add"));
  EXPECT_FALSE(sort_nodes(graph));
}

TEST(SortNodes, CapturedValuesCount) {
  Graph graph = graph_with_input();
  add_node(graph, "If", {"x"}, {"y"}, "if").set("then_branch", body_reading("a"));
  add_node(graph, "Relu", {"x"}, {"a"}, "relu");
  EXPECT_TRUE(sort_nodes(graph));
  EXPECT_THAT(node_names(graph), ElementsAre("relu", "if"));
}

TEST(SortNodes, CyclesAreErrorsAndChangeNothing) {
  Graph graph = graph_with_input();
  add_node(graph, "Neg", {"a"}, {"b"}, "first");
  add_node(graph, "Abs", {"b"}, {"a"}, "second");
  add_node(graph, "Relu", {"x"}, {"y"}, "third");
  expect_invalid([&] { sort_nodes(graph); }, "node 'first' (Neg)");
  EXPECT_THAT(node_names(graph), ElementsAre("first", "second", "third"));
}

TEST(RemoveUnused, KeepsWhatOutputsNeed) {
  Graph graph = graph_with_input();
  graph.inputs.push_back(graph.add_value("unused input"));
  graph.add_constant("unused constant", Tensor::scalar(1.0F));
  graph.add_constant("k", Tensor::scalar(2.0F));
  add_node(graph, "Neg", {"x"}, {"dead"}, "dead end");
  add_node(graph, "Abs", {"dead"}, {"deader"}, "deader end");
  add_node(graph, "Add", {"x", "k", ""}, {"y", "second output"}, "add");
  graph.outputs.push_back(*graph.find_value("y"));
  remove_unused(graph);
  EXPECT_THAT(node_names(graph), ElementsAre("add"));
  EXPECT_THAT(value_names(graph), ElementsAre("x", "unused input", "k", "y", "second output"));
  EXPECT_EQ(graph[graph.nodes[0].inputs[1]].name, "k");
  EXPECT_EQ(graph.nodes[0].inputs[2], ValueId::none);
  EXPECT_EQ(graph[graph.outputs[0]].name, "y");
  verify(graph);
}

TEST(RemoveUnused, CapturedValuesAreUsed) {
  Graph graph = graph_with_input();
  graph.add_constant("k", Tensor::scalar(2.0F));
  add_node(graph, "Relu", {"k"}, {"a"}, "relu");
  add_node(graph, "If", {"x"}, {"y"}, "if").set("then_branch", body_reading("a"));
  graph.outputs.push_back(*graph.find_value("y"));
  remove_unused(graph);
  EXPECT_THAT(node_names(graph), ElementsAre("relu", "if"));
  verify(graph);
}

TEST(NameSource, NewNamesEverywhere) {
  Graph graph = graph_with_input();
  add_node(graph, "If", {"x"}, {"y"}, "if").set("then_branch", body_reading("a"));
  NameSource names(graph);
  EXPECT_EQ(names.value("new"), "new");
  EXPECT_EQ(names.value("new"), "new_2");
  EXPECT_EQ(names.value("new"), "new_3");
  EXPECT_EQ(names.value("x"), "x_2");
  EXPECT_EQ(names.value("a"), "a_2");      // captured by a sub-graph
  EXPECT_EQ(names.value("out"), "out_2");  // defined in a sub-graph
  EXPECT_EQ(names.node("if"), "if_2");
  EXPECT_EQ(names.node("x"), "x");  // nodes and values have names of their own
  EXPECT_EQ(names.value("x_2"), "x_2_2");
}

TEST(Uses, ProducersAndReaders) {
  Graph graph = graph_with_input();
  add_node(graph, "Mul", {"x", "x"}, {"a"}, "mul");
  add_node(graph, "If", {"a"}, {"y"}, "if").set("then_branch", body_reading("x"));
  graph.outputs.push_back(*graph.find_value("y"));
  const Uses uses(graph);
  EXPECT_EQ(uses.producer(*graph.find_value("x")), -1);
  EXPECT_EQ(uses.producer(*graph.find_value("y")), 1);
  EXPECT_EQ(uses.producer(ValueId::none), -1);
  EXPECT_THAT(uses.readers(*graph.find_value("x")), ElementsAre(0, 0, 1));
  EXPECT_TRUE(uses.is_output(*graph.find_value("y")));
  EXPECT_FALSE(uses.is_output(*graph.find_value("a")));
}

TEST(Verify, RefusesWhatCannotBe) {
  const auto refused = [](const std::function<void(Graph&)>& spoil, const std::string& words) {
    Graph graph = graph_with_input();
    graph.add_constant("k", Tensor::scalar(1.0F));
    add_node(graph, "Add", {"x", "k"}, {"a"}, "add");
    add_node(graph, "If", {"a"}, {"y"}, "if").set("then_branch", body_reading("a"));
    graph.outputs.push_back(*graph.find_value("y"));
    verify(graph);
    spoil(graph);
    expect_invalid([&] { verify(graph); }, words);
  };
  refused([](Graph& graph) { graph.add_value("x"); }, "'x' is defined twice");
  refused([](Graph& graph) { graph.nodes[0].name.clear(); }, "has no name");
  refused([](Graph& graph) { graph.nodes[0].name = "if"; }, "two nodes have the name 'if'");
  refused([](Graph& graph) { std::swap(graph.nodes[0], graph.nodes[1]); }, "nothing before makes it");
  refused([](Graph& graph) { graph.nodes[1].outputs = graph.nodes[0].outputs; }, "'a' is defined twice");
  refused([](Graph& graph) { graph.nodes[0].outputs = graph.inputs; }, "'x' is defined twice");
  refused([](Graph& graph) { graph.nodes[0].outputs = {*graph.find_value("k")}; }, "'k' is defined twice");
  refused([](Graph& graph) { graph.nodes[0].inputs[0] = static_cast<ValueId>(99); }, "out of range");
  refused([](Graph& graph) { graph.outputs.push_back(static_cast<ValueId>(99)); }, "out of range");
  refused([](Graph& graph) { graph.outputs.push_back(graph.add_value("z")); }, "'z' is read");
  refused([](Graph& graph) { graph.nodes[1].set("then_branch", body_reading("gone")); }, "no graph around defines it");
  refused([](Graph& graph) { graph.nodes[1].set("then_branch", body_reading("y")); }, "'y' is read, but nothing before makes it");
  refused(
      [](Graph& graph) {
        Graph body = *body_reading("a");
        body.nodes[0].inputs = body.nodes[0].outputs;
        graph.nodes[1].set("then_branch", std::make_shared<const Graph>(std::move(body)));
      },
      "a sub-graph of node 'if' (If)");
}

TEST(ForEachConstant, VisitsSubGraphsAndConstantNodes) {
  Graph body;
  body.add_constant("inner", Tensor::scalar(1.0F));
  Graph graph = graph_with_input();
  graph.add_constant("k", Tensor::scalar(2.0F));
  add_node(graph, "Constant", {}, {"c"}, "constant").set("value", Tensor::scalar(3.0F));
  add_node(graph, "If", {"x"}, {"y"}, "if").set("then_branch", std::make_shared<const Graph>(std::move(body)));
  std::vector<std::pair<std::string, double>> seen;
  for_each_constant(graph, [&](const std::string& name, const Tensor& tensor) { seen.emplace_back(name, to_doubles(tensor)[0]); });
  EXPECT_THAT(seen, ElementsAre(testing::Pair("k", 2.0), testing::Pair("c", 3.0), testing::Pair("inner", 1.0)));
}

TEST(Model, OpsetsByDomain) {
  Model model;
  model.set_opset("ai.onnx", 13);
  EXPECT_EQ(model.opset(), 13);
  model.set_opset("", 17);
  EXPECT_EQ(model.opset(), 17);
  EXPECT_EQ(model.opset("com.microsoft"), 0);
  model.set_opset("com.microsoft", 1);
  EXPECT_EQ(model.opsets.size(), 2U);
}

}  // namespace
}  // namespace titrate::engine
