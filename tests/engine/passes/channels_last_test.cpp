// Integer regions run channels last; Transposes stand at their edges and nowhere else.
#include "engine/passes/channels_last.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "tests/engine/passes/lower/qdq_sketch.hpp"

namespace titrate::engine {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

class Network : public QdqSketch {
 public:
  Network() { input("x", {1, 4, 8, 8}).output("out"); }

  Network& pair(const std::string& from, const std::string& to) {
    QdqSketch::pair(from, to);
    return *this;
  }
  /// Convolution and quantizer; the name of what comes out is `to`.
  Network& conv(const std::string& from, const std::string& to, int channels = 4, int kernel = 3) {
    weights(to + "_w", random_codes({channels, 4, kernel, kernel}, DataType::int8), {0.01F});
    const std::int64_t pad = kernel / 2;
    node("Conv", {from, to + "_w"}, {to + "_c"}, {ints("pads", {pad, pad, pad, pad})});
    pair(to + "_c", to);
    return *this;
  }
  Network& add(const std::string& a, const std::string& b, const std::string& to) {
    node("Add", {a, b}, {to + "_s"});
    pair(to + "_s", to);
    return *this;
  }
  [[nodiscard]] Model lowered_last() const {
    Model result = model();
    (void)lower(result);
    (void)channels_last(result);
    return result;
  }
};

std::vector<std::string> types_of(const Model& model) {
  std::vector<std::string> types;
  for (const Node& node : model.graph.nodes) types.push_back(node.type);
  return types;
}

auto transposes(const Model& model) { return std::ranges::count(model.graph.nodes, "Transpose", &Node::type); }

// Stem, MaxPool, two residual blocks, global pooling, classifier: one Transpose on the way in, one on the way out.
TEST(ChannelsLast, AResidualNetworkHasTwoTransposes) {
  Network net;
  net.pair("x", "xd").conv("xd", "a", 4, 3);
  net.node("MaxPool", {"a"}, {"m"}, {ints("kernel_shape", {2, 2}), ints("strides", {2, 2})});
  net.pair("m", "md");
  net.conv("md", "b").conv("b", "c").add("md", "c", "d").conv("d", "e").conv("d", "f", 4, 1).add("e", "f", "g");
  net.node("GlobalAveragePool", {"g"}, {"p"});
  net.pair("p", "pd").node("Flatten", {"pd"}, {"l"});
  net.pair("l", "ld").weights("v", random_codes({4, 10}, DataType::int8), {0.01F}).node("Gemm", {"ld", "v"}, {"out"});
  const Model model = net.lowered_last();
  EXPECT_EQ(transposes(model), 2) << join(types_of(model), " ");
  EXPECT_THAT(types_of(model), Contains("NhwcMaxPool"));
  for (const Node& node : model.graph.nodes) {
    if (node.type == "QLinearConv" || node.type == "QLinearGlobalAveragePool") {
      EXPECT_EQ(node.integer("channels_last", 0), 1) << node.name;
      EXPECT_EQ(node.domain, "com.microsoft");
    }
  }
}

TEST(ChannelsLast, AConcatOfFireModulesJoinsAlongTheLastAxis) {
  Network net;
  net.pair("x", "xd").conv("xd", "a", 4, 1).conv("a", "b", 4, 1).conv("a", "c");
  net.node("Concat", {"b", "c"}, {"j"}, {one("axis", 1)});
  net.pair("j", "out");
  const Model model = net.lowered_last();
  EXPECT_EQ(transposes(model), 2);
  const auto concat = std::ranges::find(model.graph.nodes, "QLinearConcat", &Node::type);
  ASSERT_NE(concat, model.graph.nodes.end());
  EXPECT_EQ(concat->integer("axis", 0), 3);
}

// The model's own Transposes from and to channels last vanish.
TEST(ChannelsLast, TransposesOfTheModelCancel) {
  QdqSketch net;
  net.input("x", {1, 8, 8, 4}).node("Transpose", {"x"}, {"t"}, {ints("perm", {0, 3, 1, 2})});
  net.pair("t", "td").weights("w", random_codes({4, 4, 3, 3}, DataType::int8), {0.01F});
  net.node("Conv", {"td", "w"}, {"c"});
  net.pair("c", "cd").node("Transpose", {"cd"}, {"u"}, {ints("perm", {0, 2, 3, 1})});
  net.pair("u", "out").output("out");
  Model model = net.model();
  (void)lower(model);
  EXPECT_EQ(channels_last(model), 3U);
  EXPECT_THAT(types_of(model), ElementsAre("QuantizeLinear", "QLinearConv", "DequantizeLinear"));
}

// A gate of one number a channel, and constants of fewer axes, are turned along.
TEST(ChannelsLast, BroadcastOperandsAreTurned) {
  Network net;
  net.pair("x", "xd").conv("xd", "a").node("GlobalAveragePool", {"a"}, {"p"});
  net.pair("p", "pd").conv("pd", "g", 4, 1).node("Mul", {"a", "g"}, {"s"});
  net.pair("s", "sd").weights("k", random_codes({4, 1, 1}, DataType::uint8), {0.1F}).node("Add", {"sd", "k"}, {"t"});
  net.pair("t", "out");
  const Model model = net.lowered_last();
  EXPECT_EQ(transposes(model), 2) << join(types_of(model), " ");
  const auto add = std::ranges::find(model.graph.nodes, "QLinearAdd", &Node::type);
  ASSERT_NE(add, model.graph.nodes.end());
  EXPECT_EQ(model.graph.constant_input(*add, 3)->shape(), (Shape{1, 1, 1, 4}));
}

TEST(ChannelsLast, SlicesSplitsAndResizesMoveAlong) {
  Network net;
  net.pair("x", "xd").conv("xd", "a").node("Split", {"a"}, {"p", "q"}, {one("axis", 1)});
  net.pair("p", "pd").pair("q", "qd").constant("scales", floats({1, 1, 2, 2}));
  net.node("Resize", {"pd", "", "scales"}, {"r"}, {text("mode", "nearest")}).constant("from", int64s({0})).constant("to", int64s({1}));
  net.pair("r", "rd").constant("axes", int64s({-3})).node("Slice", {"rd", "from", "to", "axes"}, {"s"});
  net.pair("s", "out").output("qd");
  const Model model = net.lowered_last();
  const auto node = [&](const std::string& type) { return *std::ranges::find(model.graph.nodes, type, &Node::type); };
  EXPECT_EQ(node("Split").integer("axis", 0), 3);
  EXPECT_THAT(to_doubles(*model.graph.constant_input(node("Resize"), 2)), ElementsAre(1, 2, 2, 1));
  EXPECT_THAT(to_integers(*model.graph.constant_input(node("Slice"), 3)), ElementsAre(3));
  EXPECT_EQ(transposes(model), 3) << "one in, one for each output";
}

// An operator that knows nothing of it gets its value back in the order of the graph, once.
TEST(ChannelsLast, OtherReadersShareOneTranspose) {
  Network net;
  net.pair("x", "xd").conv("xd", "a");
  net.node("Softmax", {"a"}, {"s"}, {one("axis", 2)}).node("Abs", {"a"}, {"b"}).node("Add", {"s", "b"}, {"out"});
  EXPECT_EQ(transposes(net.lowered_last()), 2);
}

TEST(ChannelsLast, LeavesModelsWithoutIntegerConvolutions) {
  QdqSketch net;
  net.input("x", {1, 4, 8, 8});
  net.pair("x", "xd").node("MaxPool", {"xd"}, {"m"}, {ints("kernel_shape", {2, 2})});
  net.pair("m", "out").output("out");
  Model model = net.model();
  (void)lower(model);
  EXPECT_EQ(channels_last(model), 0U);
  EXPECT_EQ(transposes(model), 0);
}

}  // namespace
}  // namespace titrate::engine
