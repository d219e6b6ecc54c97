// float32 regions run in blocks of channels; values are reordered at their edges and nowhere else, and every output keeps its bits.
#include "engine/passes/channel_blocks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "engine/base/text.hpp"
#include "engine/ops/channel_blocks.hpp"
#include "engine/passes/fuse_activations.hpp"
#include "engine/run/executor.hpp"
#include "tests/engine/passes/convolutional_sketch.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;

// Names of operators in blocks begin with "b.".
std::vector<std::string> types_of(const Model& model) {
  std::vector<std::string> types;
  for (const Node& node : model.graph.nodes) types.push_back((node.domain == ops::blocks_domain ? "b." : "") + node.type);
  return types;
}

class Network : public ConvolutionalSketch<Network> {
 public:
  using ConvolutionalSketch::ConvolutionalSketch;

  /// The network after the passes, which gives the bits that it gave before and does not change any more.
  [[nodiscard]] Model moved() const {
    const Model before = model();
    Model after = before;
    (void)fuse_activations(after);
    (void)channel_blocks(after);
    EXPECT_EQ(channel_blocks(after), 0U);
    const std::vector<Tensor> inputs = {numbers(fed(), 99)};
    const std::vector<Tensor> expected = Executor(std::make_shared<const Plan>(before)).run(inputs);
    Executor executor(std::make_shared<const Plan>(after));
    for (int run = 0; run < 2; ++run) {  // from the second one on values are computed where they are joined
      const std::vector<Tensor> found = executor.run(inputs);
      for (std::size_t output = 0; output < expected.size(); ++output) {
        EXPECT_EQ(after.graph[after.graph.outputs[output]].name, before.graph[before.graph.outputs[output]].name);
        EXPECT_EQ(found[output].shape(), expected[output].shape());
        if (found[output].shape() != expected[output].shape()) continue;
        EXPECT_EQ(std::memcmp(expected[output].bytes().data(), found[output].bytes().data(), expected[output].bytes().size()), 0);
      }
    }
    return after;
  }
  [[nodiscard]] std::vector<std::string> moved_types() const { return types_of(moved()); }
};

// Stem, MaxPool, residual block, global pooling, classifier: nothing is reordered.
TEST(ChannelBlocks, AResidualNetworkReordersNothing) {
  Network net({2, 3, 20, 22});
  net.conv("x", "a", 3, 32, 5).node("Relu", {"a"}, {"r"});
  net.node("MaxPool", {"r"}, {"m"}, {ints("kernel_shape", {3, 3}), ints("strides", {2, 2}), ints("pads", {1, 1, 1, 1})});
  net.conv("m", "b", 32, 32).node("Relu", {"b"}, {"c"});
  net.conv("c", "d", 32, 32).node("Add", {"d", "m"}, {"e"}).node("Relu", {"e"}, {"f"});
  net.node("GlobalAveragePool", {"f"}, {"p"}).node("Flatten", {"p"}, {"l"}).constant("v", numbers({32, 10}, 7));
  net.node("Gemm", {"l", "v"}, {"out"}).output("out");
  const Model model = net.moved();
  EXPECT_THAT(types_of(model), ElementsAre("b.Conv", "b.MaxPool", "b.Conv", "b.Conv", "b.GlobalAveragePool", "Reshape", "Flatten", "Gemm"));
  EXPECT_EQ(model.graph.nodes[0].integer("planes", 0), 1);
  EXPECT_EQ(model.graph.nodes[0].text("activation", ""), "Relu");
  EXPECT_EQ(model.graph.nodes[0].name, "n_a");
  EXPECT_EQ(model.graph.nodes[3].inputs.size(), 4U);
  EXPECT_EQ(model.opset(ops::blocks_domain), 1);
}

TEST(ChannelBlocks, FireModulesAreJoinedInBlocks) {
  Network net({1, 3, 15, 15});
  net.conv("x", "a", 3, 64).conv("a", "s", 64, 16, 1).conv("s", "e", 16, 64, 1).conv("s", "f", 16, 64);
  net.node("Concat", {"e", "f"}, {"j"}, {one("axis", 1)}).conv("j", "t", 128, 32, 1).node("Relu", {"t"}, {"u"});
  net.conv("u", "g", 32, 64, 1).conv("u", "h", 32, 64).node("Concat", {"g", "h"}, {"out"}, {one("axis", -3)}).output("out");
  EXPECT_THAT(net.moved_types(),
              ElementsAre("b.Conv", "b.Conv", "b.Conv", "b.Conv", "Concat", "b.Conv", "b.Conv", "b.Conv", "Concat", "b.FromBlocks"));
}

// Of fire modules whose blocks have an odd number of pixels parts are computed in their places too: they begin with a register.
TEST(ChannelBlocks, PartsAreComputedWhereTheyAreJoined) {
  Network net({1, 3, 5, 5});
  net.conv("x", "a", 3, 64).conv("a", "e", 64, 48, 1).conv("a", "f", 64, 48).node("Concat", {"e", "f"}, {"j"}, {one("axis", 1)});
  net.conv("j", "out", 96, 64).output("out");
  const auto plan = std::make_shared<const Plan>(net.moved());
  Executor executor(plan);
  std::map<std::string, const std::byte*> places;
  const auto observe = [&](ValueId id, const Tensor& tensor) { places[plan->graph()[id].name] = tensor.bytes().data(); };
  for (int run = 0; run < 2; ++run) (void)executor.run(std::vector{numbers({1, 3, 5, 5})}, observe);
  EXPECT_EQ(places.at("e_blocks"), places.at("j_blocks"));
  EXPECT_EQ(places.at("f_blocks"), places.at("j_blocks") + 48 * 25 * sizeof(float));
}

TEST(ChannelBlocks, ImagesAreResized) {
  struct Case {
    std::string mode, coordinates;
    bool by_sizes;
  };
  const Case cases[] = {{"nearest", "asymmetric", false},
                        {"nearest", "half_pixel", true},
                        {"linear", "half_pixel", false},
                        {"linear", "align_corners", true}};
  for (const Case& resized : cases) {
    SCOPED_TRACE(resized.mode + " " + resized.coordinates);
    Network net({2, 3, 7, 9});
    net.conv("x", "a", 3, 20).constant("scales", floats({1, 1, 2, 1.5F})).constant("sizes", int64s({2, 20, 13, 10}));
    const std::vector<std::string> inputs =
        resized.by_sizes ? std::vector<std::string>{"a", "", "", "sizes"} : std::vector<std::string>{"a", "", "scales"};
    net.node("Resize", inputs, {"r"}, {text("mode", resized.mode), text("coordinate_transformation_mode", resized.coordinates)});
    net.conv("r", "out", 20, 32).output("out");
    EXPECT_THAT(net.moved_types(), ElementsAre("b.Conv", "Resize", "b.Conv", "b.FromBlocks"));
  }
  Network channels({2, 8, 7, 9});
  channels.conv("x", "a", 8, 20).constant("scales", floats({1, 2, 2, 2})).node("Resize", {"a", "", "scales"}, {"r"}).output("r");
  EXPECT_THAT(channels.moved_types(), ElementsAre("b.Conv", "b.FromBlocks", "Resize"));
}

TEST(ChannelBlocks, WholeBlocksAreSplit) {
  Network net({1, 3, 9, 9});
  net.conv("x", "a", 3, 64).constant("parts", int64s({16, 48})).node("Split", {"a", "parts"}, {"p", "q"}, {one("axis", 1)});
  net.conv("p", "r", 16, 16).conv("q", "s", 48, 16).node("Mul", {"r", "s"}, {"t"}).output("t");
  EXPECT_THAT(net.moved_types(), ElementsAre("b.Conv", "Split", "b.Conv", "b.Conv", "Mul", "b.FromBlocks"));
  Network parts({1, 8, 9, 9});
  parts.conv("x", "a", 8, 72).node("Split", {"a"}, {"p", "q", "r"}, {one("axis", 1)}).output("p").output("q").output("r");
  EXPECT_EQ(parts.moved_types()[1], ops::block_lanes() == 8 ? "Split" : "b.FromBlocks");
  Network rows({1, 8, 9, 9});
  rows.conv("x", "a", 8, 32).node("Split", {"a"}, {"p", "q", "r"}, {one("axis", 2)}).output("p").output("q").output("r");
  EXPECT_THAT(rows.moved_types(), ElementsAre("b.Conv", "b.FromBlocks", "Split"));
}

TEST(ChannelBlocks, WhatHandsItsInputOnVanishes) {
  Network net({1, 3, 9, 9});
  net.conv("x", "a", 3, 64).node("Dropout", {"a"}, {"d"}).node("Identity", {"d"}, {"i"}).conv("i", "b", 64, 32).output("d").output("b");
  EXPECT_THAT(net.moved_types(), ElementsAre("b.Conv", "b.Conv", "b.FromBlocks", "b.FromBlocks"));
}

// Blocks that are not whole cannot be joined.
TEST(ChannelBlocks, PartsOfBlocksAreJoinedInPlanes) {
  Network net({1, 3, 15, 15});
  net.conv("x", "a", 3, 64).conv("a", "b", 64, 20).conv("a", "c", 64, 32).node("Concat", {"b", "c"}, {"out"}, {one("axis", 1)});
  EXPECT_THAT(net.output("out").moved_types(), ElementsAre("b.Conv", "b.Conv", "b.Conv", "b.FromBlocks", "b.FromBlocks", "Concat"));
}

TEST(ChannelBlocks, ChannelsNeedNotFillTheBlocks) {
  for (const std::int64_t channels : {8, 9, 17, 23, 31, 33}) {
    SCOPED_TRACE(channels);
    Network net({3, 3, 11, 9});
    net.conv("x", "a", 3, channels).node("Sigmoid", {"a"}, {"s"}).conv("s", "b", channels, channels + 3);
    net.node("AveragePool", {"b"}, {"p"},
             {ints("kernel_shape", {3, 3}), ints("pads", {1, 1, 1, 1}), ints("strides", {2, 2}), one("count_include_pad", 1)});
    net.conv("p", "c", channels + 3, 16).node("GlobalAveragePool", {"c"}, {"g"}).output("p").output("g");
    EXPECT_EQ(net.moved_types()[0], "b.Conv");
  }
}

TEST(ChannelBlocks, BranchesAreAdded) {
  Network net({1, 8, 12, 12});
  net.conv("x", "a", 8, 24).conv("x", "b", 8, 24).node("Mul", {"a", "b"}, {"c"}).node("Sum", {"a", "c", "b"}, {"d"});
  net.conv("d", "out", 24, 24).output("out");
  EXPECT_THAT(net.moved_types(), ElementsAre("b.Conv", "b.Conv", "Mul", "Sum", "b.Conv", "b.FromBlocks"));
}

// A number for all, one for each channel, one for each pixel, all of them; and a gate that is computed.
TEST(ChannelBlocks, OperandsBroadcastAsBefore) {
  Network net({2, 3, 10, 12});
  net.conv("x", "a", 3, 20).constant("k0", Tensor::scalar(0.5F)).constant("k1", numbers({20, 1, 1}, 3)).constant("k2", numbers({10, 1}, 4));
  net.constant("k3", numbers({1, 20, 10, 12}, 5)).constant("k4", numbers({1, 1, 1, 1}, 6)).constant("slope", numbers({20, 1, 1}, 8));
  net.node("Mul", {"a", "k0"}, {"b"}).node("Add", {"k1", "b"}, {"c"}).node("Sub", {"c", "k2"}, {"d"}).node("Max", {"d", "k3"}, {"e"});
  net.node("Mul", {"e", "k4"}, {"f"}).node("PRelu", {"f", "slope"}, {"g"});
  net.node("GlobalAveragePool", {"g"}, {"p"}).conv("p", "q", 20, 12, 1).conv("q", "r", 12, 20, 1).node("HardSigmoid", {"r"}, {"s"});
  net.node("Mul", {"g", "s"}, {"t"}).conv("t", "out", 20, 16).output("out");
  EXPECT_THAT(net.moved_types(), ElementsAre("b.Conv", "Mul", "Add", "Sub", "Max", "Mul", "PRelu", "b.GlobalAveragePool", "b.Conv",
                                             "b.Conv", "Mul", "b.Conv", "b.FromBlocks"));
}

// Spatial gates: one channel against many does not broadcast in blocks.
TEST(ChannelBlocks, AGateOfOneChannelStaysInPlanes) {
  Network net({1, 3, 10, 12});
  net.conv("x", "a", 3, 64).conv("a", "b", 64, 1).node("Mul", {"a", "b"}, {"out"}).output("out");
  EXPECT_THAT(net.moved_types(), ElementsAre("b.Conv", "b.Conv", "b.FromBlocks", "b.FromBlocks", "Mul"));
}

TEST(ChannelBlocks, SizesMayBeUnknown) {
  Network net({-1, 3, -1, -1});
  net.conv("x", "a", 3, 24).conv("a", "b", 24, 24).node("Add", {"a", "b"}, {"c"});
  net.node("MaxPool", {"c"}, {"m"}, {ints("kernel_shape", {2, 2}), ints("strides", {2, 2}), one("ceil_mode", 1)}).output("m");
  EXPECT_THAT(net.moved_types(), ElementsAre("b.Conv", "b.Conv", "Add", "b.MaxPool", "b.FromBlocks"));
  Sketch unranked(13);
  unranked.unranked_input("x").constant("w", numbers({32, 32, 3, 3}, 3)).constant("v", numbers({32, 32, 3, 3}, 4));
  Model model = unranked.node("Conv", {"x", "w"}, {"a"}).node("Conv", {"a", "v"}, {"b"}).output("b").model();
  EXPECT_EQ(channel_blocks(model), 2U);
  EXPECT_EQ(Executor(std::make_shared<const Plan>(model)).run(std::vector{numbers({1, 32, 9, 8})}).at(0).shape(), (Shape{1, 32, 5, 4}));
}

// A value that is read in both forms exists once in each.
TEST(ChannelBlocks, OutputsAndOtherReadersGetPlanesOnce) {
  Network net({1, 3, 12, 12});
  net.conv("x", "a", 3, 32).node("Softmax", {"a"}, {"s"}, {one("axis", 3)}).node("Exp", {"a"}, {"e"}).conv("a", "b", 32, 32);
  net.output("a").output("s").output("e").output("b");
  EXPECT_THAT(net.moved_types(), ElementsAre("b.Conv", "b.FromBlocks", "Softmax", "Exp", "b.Conv", "b.FromBlocks"));
}

// What may turn zeros into what is not finite stays: it would spread from behind the last channel.
TEST(ChannelBlocks, DivisionsAndLogarithmsStay) {
  Network net({1, 8, 12, 12});
  net.conv("x", "a", 8, 30).conv("x", "b", 8, 30).node("Div", {"a", "b"}, {"d"}).node("Sigmoid", {"a"}, {"g"}).node("Log", {"g"}, {"l"});
  EXPECT_THAT(net.output("d").output("l").moved_types(),
              ElementsAre("b.Conv", "b.Conv", "b.FromBlocks", "b.FromBlocks", "Div", "Sigmoid", "b.FromBlocks", "Log"));
}

TEST(ChannelBlocks, DepthwiseAndGroups) {
  Network net({2, 3, 14, 14});
  net.conv("x", "a", 3, 40)
      .conv("a", "b", 40, 40, 3, 40)
      .conv("b", "c", 40, 64, 1)
      .conv("c", "d", 64, 64, 3, 2)
      .conv("d", "e", 64, 64, 3, 32);
  net.output("e");
  EXPECT_THAT(net.moved_types(), ElementsAre("b.Conv", "b.Conv", "b.Conv", "b.Conv", "b.FromBlocks", "Conv"));
}

TEST(ChannelBlocks, ADepthwiseConvolutionAloneStays) {
  Network net({1, 32, 14, 14});
  net.conv("x", "a", 32, 32, 3, 32).output("a");
  EXPECT_THAT(net.moved_types(), ElementsAre("Conv"));
}

// Reordering the output takes longer than such a convolution wins.
TEST(ChannelBlocks, RegionsThatDoNotPayStay) {
  Network small({1, 8, 14, 14});
  EXPECT_THAT(small.conv("x", "a", 8, 16, 1).node("Exp", {"a"}, {"out"}).output("out").moved_types(), ElementsAre("Conv", "Exp"));
  Network narrow({1, 64, 14, 14});
  EXPECT_THAT(narrow.conv("x", "a", 64, 3).output("a").moved_types(), ElementsAre("Conv"));
  // The one that pays moves, the other one behind it does not.
  Network both({1, 8, 14, 14});
  both.conv("x", "a", 8, 16).node("Exp", {"a"}, {"e"}).conv("e", "b", 16, 16, 1).node("Exp", {"b"}, {"out"}).output("out");
  EXPECT_THAT(both.moved_types(), ElementsAre("b.Conv", "b.FromBlocks", "Exp", "Conv", "Exp"));
}

// A kept value stays where a node makes it in blocks; it is neither fused nor reordered. Where it is in planes too, it is kept in planes.
TEST(ChannelBlocks, KeptValuesStayInBlocks) {
  Network net({1, 3, 12, 12});
  net.conv("x", "a", 3, 20).node("Relu", {"a"}, {"r"}).conv("r", "b", 20, 32).node("Relu", {"b"}, {"s"}).node("Exp", {"s"}, {"e"});
  Model model = net.conv("s", "c", 32, 8).output("c").output("e").model();
  keep_values(model.graph, {"x", "r", "b", "s", "none"});
  (void)fuse_activations(model);
  (void)channel_blocks(model);
  EXPECT_THAT(types_of(model), ElementsAre("b.Conv", "b.Conv", "Relu", "b.FromBlocks", "Exp", "b.Conv", "b.FromBlocks"));
  std::map<std::string, std::pair<std::string, std::int64_t>> kept;
  for (const KeptValue& each : model.graph.kept) kept[each.name] = {model.graph[each.value].name, each.channels};
  EXPECT_THAT(kept, testing::UnorderedElementsAre(testing::Pair("x", std::pair("x", 0)), testing::Pair("r", std::pair("r_blocks", 20)),
                                                  testing::Pair("b", std::pair("b_blocks", 32)), testing::Pair("s", std::pair("s", 0))));
}

// Many planes are as many streams: they are reordered first.
TEST(ChannelBlocks, ManyPlanesAreReordered) {
  Network net({1, 64, 12, 12});
  net.conv("x", "a", 64, 32).conv("x", "b", 64, 32).node("Add", {"a", "b"}, {"out"}).output("out");
  EXPECT_THAT(net.moved_types(), ElementsAre("b.ToBlocks", "b.Conv", "b.Conv", "b.FromBlocks"));
}

TEST(ChannelBlocks, LeavesWhatHasNoFormInBlocks) {
  Network line({1, 32, 64});
  line.constant("w", numbers({32, 32, 3}, 2)).node("Conv", {"x", "w"}, {"a"}).output("a");
  EXPECT_THAT(line.moved_types(), ElementsAre("Conv"));
  Sketch computed(13);
  computed.input("x", {1, 32, 9, 9}).input("w", {32, 32, 3, 3}).node("Conv", {"x", "w"}, {"a"}).output("a");
  Model model = computed.model();
  EXPECT_EQ(channel_blocks(model), 0U) << "weights that are computed";
  Sketch wide(13);
  wide.input("x", {1, 32, 9, 9}, DataType::float64).constant("w", Tensor::zeros(DataType::float64, {32, 32, 3, 3}));
  model = wide.node("Conv", {"x", "w"}, {"a"}).output("a", DataType::float64).model();
  EXPECT_EQ(channel_blocks(model), 0U) << "doubles";
  Network indices({1, 8, 12, 12});
  indices.conv("x", "a", 8, 32).node("MaxPool", {"a"}, {"m", "i"}, {ints("kernel_shape", {2, 2})}).output("m").output("i", DataType::int64);
  EXPECT_THAT(indices.moved_types(), ElementsAre("b.Conv", "b.FromBlocks", "MaxPool"));
}

// A branch reads by name: what it captures must be there.
TEST(ChannelBlocks, LeavesGraphsWhoseBranchesCapture) {
  Sketch branch(13);
  Sketch network(13);
  const auto body = branch.outer("c").node("Relu", {"c"}, {"y"}).output("y").body();
  network.input("x", {1, 32, 9, 9}).input("flag", {}, DataType::boolean).constant("w", numbers({32, 32, 3, 3}));
  network.node("Conv", {"x", "w"}, {"c"});
  Model model =
      network.node("If", {"flag"}, {"out"}, {attribute("then_branch", body), attribute("else_branch", body)}).output("out").model();
  EXPECT_EQ(channel_blocks(model), 0U);
}

}  // namespace
}  // namespace titrate::engine
