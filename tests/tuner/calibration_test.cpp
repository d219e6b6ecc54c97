// Calibration runs the graph that evaluation runs: fused, in blocks of channels. What it finds are the statistics of the model as it was,
// bit for bit.
#include "tuner/calibration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <limits>

#include "engine/run/executor.hpp"
#include "tests/engine/passes/convolutional_sketch.hpp"
#include "tuner/load.hpp"

namespace titrate {
namespace {

using engine::ints;
using engine::Model;
using engine::numbers;
using engine::one;
using engine::Shape;
using engine::Tensor;

class Network : public engine::ConvolutionalSketch<Network> {
 public:
  using ConvolutionalSketch::ConvolutionalSketch;
};

// Samples of one shape that become larger and smaller; one of them has an infinity.
class Noise : public Dataset {
 public:
  explicit Noise(Shape shape) : shape_(std::move(shape)) {}
  [[nodiscard]] std::int64_t size() const override { return 5; }
  [[nodiscard]] std::vector<Tensor> sample(std::int64_t index) const override {
    Tensor tensor = numbers(shape_, static_cast<std::uint32_t>(index + 7), index == 3 ? 4.0F : 1.0F + 0.1F * static_cast<float>(index));
    if (index == 2) tensor.mutable_data<float>()[1] = std::numeric_limits<float>::infinity();
    return {tensor};
  }
  [[nodiscard]] bool has_labels() const override { return false; }
  [[nodiscard]] Tensor labels(std::int64_t) const override { return {}; }
  [[nodiscard]] std::string description() const override { return "noise"; }
  [[nodiscard]] std::vector<std::filesystem::path> files() const override { return {}; }

 private:
  Shape shape_;
};

// Of a run of the model as it is: every value in planes, looked at where it is computed.
engine::CalibrationStatistics statistics_as_it_is(const Model& model, const Dataset& data, bool histograms,
                                                  const std::set<std::string>& observed) {
  engine::CalibrationStatistics statistics;
  for (const std::string& name : observed) statistics[name];
  const auto plan = std::make_shared<const engine::Plan>(model);
  const auto observe = [&](engine::ValueId id, const Tensor& tensor) {
    const auto found = statistics.find(plan->graph()[id].name);
    if (found == statistics.end() || tensor.type() != engine::DataType::float32) return;
    found->second.add(engine::extent_of(tensor.data<float>()));
    if (histograms) (void)found->second.histogram.add(tensor.data<float>());
  };
  engine::Executor executor(plan);
  for (std::int64_t index = 0; index < data.size(); ++index) {
    const std::vector<Tensor> sample = data.sample(index);
    for (std::size_t input = 0; input < sample.size(); ++input) observe(plan->graph().inputs[input], sample[input]);
    (void)executor.run(sample, observe);
  }
  return statistics;
}

void expect_same_bits(float found, float expected) {
  EXPECT_EQ(std::bit_cast<std::uint32_t>(found), std::bit_cast<std::uint32_t>(expected)) << found << " and " << expected;
}

void expect_same(const engine::CalibrationStatistics& found, const engine::CalibrationStatistics& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, wanted] : expected) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(found.contains(name));
    const engine::ValueStatistics& own = found.at(name);
    expect_same_bits(own.low, wanted.low);
    expect_same_bits(own.high, wanted.high);
    expect_same_bits(own.average_low, wanted.average_low);
    expect_same_bits(own.average_high, wanted.average_high);
    EXPECT_EQ(own.samples, wanted.samples);
    EXPECT_EQ(own.not_finite, wanted.not_finite);
    EXPECT_EQ(own.histogram.width_log2(), wanted.histogram.width_log2());
    EXPECT_TRUE(std::ranges::equal(own.histogram.positive(), wanted.histogram.positive()));
    EXPECT_TRUE(std::ranges::equal(own.histogram.negative(), wanted.histogram.negative()));
  }
}

std::set<std::string> all_values(const Model& model) {
  std::set<std::string> names;
  for (const engine::Value& value : model.graph.values) {
    if (!value.constant) names.insert(value.name);
  }
  return names;
}

// What configs may quantize, and everything.
void expect_same_statistics(const Model& model, const Dataset& data) {
  for (const std::set<std::string>& observed : {engine::observed_values(model.graph), all_values(model)}) {
    SCOPED_TRACE(testing::Message() << observed.size() << " values");
    const engine::CalibrationStatistics expected = statistics_as_it_is(model, data, true, observed);
    for (const int threads : {1, 3}) expect_same(collect_statistics(model, data, true, {.threads = threads}, observed), expected);
    expect_same(collect_statistics(model, data, false, {.threads = 2}, observed), statistics_as_it_is(model, data, false, observed));
  }
}

void expect_same_statistics(const Network& network) { expect_same_statistics(network.model(), Noise(network.fed())); }

TEST(Calibration, FillsBlocksOrNot) {
  for (const std::int64_t channels : {8, 9, 17, 23, 32, 33}) {
    SCOPED_TRACE(channels);
    Network net({2, 3, 11, 9});
    net.conv("x", "a", 3, channels).node("Relu", {"a"}, {"r"}).conv("r", "b", channels, channels + 3);
    net.node("AveragePool", {"b"}, {"p"}, {ints("kernel_shape", {3, 3}), ints("pads", {1, 1, 1, 1}), ints("strides", {2, 2})});
    net.conv("p", "c", channels + 3, 16).node("GlobalAveragePool", {"c"}, {"g"}).output("p").output("g");
    expect_same_statistics(net);
  }
}

TEST(Calibration, ResidualsAndClassifier) {
  Network net({1, 3, 20, 22});
  net.conv("x", "a", 3, 36, 5).node("Relu", {"a"}, {"r"});
  net.node("MaxPool", {"r"}, {"m"}, {ints("kernel_shape", {3, 3}), ints("strides", {2, 2}), ints("pads", {1, 1, 1, 1})});
  net.conv("m", "b", 36, 36).node("Relu", {"b"}, {"c"});
  net.conv("c", "d", 36, 36).node("Add", {"d", "m"}, {"e"}).node("Relu", {"e"}, {"f"});
  net.node("GlobalAveragePool", {"f"}, {"p"}).node("Flatten", {"p"}, {"l"}).constant("v", numbers({36, 10}, 7));
  net.node("Gemm", {"l", "v"}, {"h"}).node("Relu", {"h"}, {"out"}).output("out");
  expect_same_statistics(net);
}

TEST(Calibration, DepthwiseGroupsAndGates) {
  Network net({1, 3, 14, 14});
  net.conv("x", "a", 3, 44).node("Sigmoid", {"a"}, {"s"}).node("Mul", {"a", "s"}, {"t"}).conv("t", "b", 44, 44, 3, 44);
  net.constant("low", Tensor::scalar(0.0F)).constant("high", Tensor::scalar(6.0F));
  net.node("Clip", {"b", "low", "high"}, {"c"});
  net.conv("c", "d", 44, 64, 1).conv("d", "e", 64, 64, 3, 2).conv("e", "f", 64, 64, 3, 32).output("f");
  expect_same_statistics(net);
}

TEST(Calibration, FireModules) {
  Network net({1, 3, 15, 15});
  net.conv("x", "a", 3, 64).conv("a", "s", 64, 16, 1).node("Relu", {"s"}, {"q"}).conv("q", "e", 16, 64, 1).conv("q", "f", 16, 64);
  net.node("Relu", {"e"}, {"g"}).node("Relu", {"f"}, {"h"}).node("Concat", {"g", "h"}, {"j"}, {one("axis", 1)});
  net.node("Dropout", {"j"}, {"k"})
      .conv("k", "t", 128, 20, 1)
      .conv("k", "u", 128, 12)
      .node("Concat", {"t", "u"}, {"out"}, {one("axis", 1)});
  net.output("out").output("t");
  expect_same_statistics(net);
}

// Read in both orders, and outputs besides.
TEST(Calibration, ValuesInBothOrders) {
  Network net({1, 3, 12, 12});
  net.conv("x", "a", 3, 30).node("Softmax", {"a"}, {"s"}, {one("axis", 3)}).node("Exp", {"a"}, {"e"}).conv("a", "b", 30, 32);
  net.node("Identity", {"b"}, {"i"}).node("Relu", {"i"}, {"r"}).conv("r", "c", 32, 24).output("a").output("c").output("s").output("e");
  expect_same_statistics(net);
}

TEST(Calibration, SizesMayBeUnknown) {
  Network net({-1, 3, -1, -1});
  net.conv("x", "a", 3, 24).conv("a", "b", 24, 28).node("Relu", {"b"}, {"r"}).conv("r", "c", 28, 24).node("Add", {"a", "c"}, {"out"});
  net.output("out");
  expect_same_statistics(net);
}

// Numbers that are joined, moved or handed on, some of them of constants, some twice.
TEST(Calibration, RegroupedNumbers) {
  Network net({1, 3, 10, 12});
  net.constant("k", numbers({1, 8, 10, 12}, 5, 30.0F)).node("Neg", {"k"}, {"folded"});
  net.conv("x", "a", 3, 8).node("Relu", {"a"}, {"r"}).node("Concat", {"r", "folded"}, {"c"}, {one("axis", 1)});
  net.node("Concat", {"r", "x", "r"}, {"d"}, {one("axis", 1)}).node("Transpose", {"d"}, {"t"}, {ints("perm", {0, 2, 3, 1})});
  net.node("Flatten", {"t"}, {"f"}).node("Concat", {"f", "f"}, {"g"}, {one("axis", 1)}).node("Relu", {"g"}, {"h"});
  net.conv("c", "out", 16, 8).output("out").output("h");
  expect_same_statistics(net);
}

TEST(Calibration, RealModels) {
  const std::filesystem::path folder = std::filesystem::path(TITRATE_SHARED_DIR) / "models";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no models at " << folder;
  for (const std::string name : {"m1_mnist_cnn", "m2_squeezenet_imagenet", "m3_resnet4b_cifar10", "m6_yolox_nano_coco"}) {
    SCOPED_TRACE(name);
    const Model model = load_runnable_model(folder / name / "model.onnx");
    const auto data = load_data(model, (folder / name / "calibration.json").string());
    const Model prepared = engine::prepare_float_model(model);
    const auto part = part_of(data, 0, 3);
    const std::set<std::string> observed = engine::observed_values(prepared.graph);
    expect_same(collect_statistics(prepared, *part, true, {.threads = 2}), statistics_as_it_is(prepared, *part, true, observed));
  }
}

}  // namespace
}  // namespace titrate
