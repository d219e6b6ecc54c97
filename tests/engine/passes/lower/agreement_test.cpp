// What lowered graphs compute: at most one quantum from the emulation at each node, the same bits for any number of threads and on every
// instruction set.
#include "tests/engine/passes/lower/agreement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "engine/base/cpu.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/passes/channels_last.hpp"
#include "tests/engine/passes/lower/qdq_sketch.hpp"
#include "tests/witness/ort_run.hpp"

namespace titrate::engine {
namespace {

struct Graphs {
  std::string what;
  Model model;
  std::vector<Tensor> inputs;
  float quantum = 0;  ///< of the output
};

const Parameters narrow{.scale = 0.013F, .zero_point = 77, .type = DataType::uint8};
const Parameters positive_only{.scale = 0.02F, .zero_point = 0, .type = DataType::uint8};
const Parameters signed_codes{.scale = 0.017F, .zero_point = -9, .type = DataType::int8};

class Builder : public QdqSketch {
 public:
  explicit Builder(const Shape& shape, const Parameters& parameters = {.scale = 1 / 127.0F, .zero_point = 128, .type = DataType::uint8})
      : shape_(shape) {
    input("x", shape);
    pair("x", "xd", parameters);
  }
  Graphs finished(const std::string& what, const std::string& value, const Parameters& parameters = narrow) {
    pair(value, "out", parameters);
    output("out");
    return {what, model(), {numbers(shape_, 7)}, parameters.scale};
  }

 private:
  Shape shape_;
};

std::vector<float> channel_scales(int channels) {
  std::vector<float> scales;
  for (int channel = 0; channel < channels; ++channel) scales.push_back(0.002F + 0.0007F * static_cast<float>(channel % 7));
  return scales;
}

Graphs convolution(const std::string& what, int groups, int kernel, int stride, DataType weight_type, const Parameters& from,
                   const Parameters& to) {
  constexpr int in = 12;
  constexpr int out = 24;
  Builder sketch({2, in, 11, 9}, from);
  sketch.weights("w", random_codes({out, in / groups, kernel, kernel}, weight_type), channel_scales(out), 0,
                 weight_type == DataType::uint8 ? 131 : 0);
  std::vector<int> bias(out);
  std::vector<float> scales = channel_scales(out);
  for (int channel = 0; channel < out; ++channel) {
    bias[static_cast<std::size_t>(channel)] = 900 * channel - 9000;
    scales[static_cast<std::size_t>(channel)] *= from.scale;
  }
  sketch.bias("b", bias, scales);
  sketch.node("Conv", {"xd", "w", "b"}, {"y"}, {one("group", groups), ints("strides", {stride, stride}), ints("pads", {1, 0, 1, 2})});
  return sketch.finished(what, "y", to);
}

// Stem, MaxPool, a residual block, a gate with Sigmoid and Mul, Concat, pooling, classifier.
Graphs network() {
  Builder sketch({1, 3, 16, 16});
  const auto conv = [&](const std::string& from, const std::string& to, int in, int out, int kernel, const Parameters& parameters) {
    sketch.weights(to + "_w", random_codes({out, in, kernel, kernel}, DataType::int8, static_cast<std::uint32_t>(to[0])),
                   channel_scales(out));
    const std::int64_t pad = kernel / 2;
    sketch.node("Conv", {from, to + "_w"}, {to + "_c"}, {ints("pads", {pad, pad, pad, pad})}).node("Relu", {to + "_c"}, {to + "_r"});
    sketch.pair(to + "_r", to, parameters);
  };
  const auto unary = [&](const std::string& type, const std::string& from, const std::string& to, const Parameters& parameters,
                         std::vector<Attribute> attributes = {}) {
    sketch.node(type, {from}, {to + "_f"}, std::move(attributes));
    sketch.pair(to + "_f", to, parameters);
  };
  const auto join = [&](const std::string& type, const std::string& a, const std::string& b, const std::string& to,
                        std::vector<Attribute> attributes = {}) {
    sketch.node(type, {a, b}, {to + "_f"}, std::move(attributes));
    sketch.pair(to + "_f", to, {.scale = 0.031F, .zero_point = 3, .type = DataType::uint8});
  };
  conv("xd", "a", 3, 8, 3, positive_only);
  unary("MaxPool", "a", "m", positive_only, {ints("kernel_shape", {2, 2}), ints("strides", {2, 2})});
  conv("m", "b", 8, 8, 3, positive_only);
  join("Add", "m", "b", "c");
  unary("Sigmoid", "c", "s", {.scale = 1 / 256.0F, .zero_point = 0, .type = DataType::uint8});
  join("Mul", "c", "s", "d");
  conv("d", "e", 8, 4, 1, {.scale = 0.05F, .zero_point = 0, .type = DataType::uint8});
  join("Concat", "d", "e", "f", {one("axis", 1)});
  unary("AveragePool", "f", "g", narrow, {ints("kernel_shape", {3, 3}), ints("pads", {1, 1, 1, 1}), one("count_include_pad", 1)});
  unary("GlobalAveragePool", "g", "h", narrow);
  sketch.node("Flatten", {"h"}, {"i_f"});
  sketch.pair("i_f", "i", narrow).weights("v", random_codes({10, 12}, DataType::int8), channel_scales(10), 0);
  sketch.node("Gemm", {"i", "v"}, {"k_f"}, {one("transB", 1)});
  sketch.pair("k_f", "k", narrow);
  sketch.node("Softmax", {"k"}, {"y"});
  return sketch.finished("network", "y", {.scale = 1 / 256.0F, .zero_point = 0, .type = DataType::uint8});
}

std::vector<Graphs> graphs() {
  const Parameters symmetric{.scale = 1 / 127.0F, .zero_point = 128, .type = DataType::uint8};
  std::vector<Graphs> all;
  all.push_back(convolution("Conv 3x3", 1, 3, 1, DataType::int8, symmetric, {.scale = 0.3F, .zero_point = 100, .type = DataType::uint8}));
  all.push_back(
      convolution("Conv 1x1 stride 2", 1, 1, 2, DataType::int8, symmetric, {.scale = 0.1F, .zero_point = 100, .type = DataType::uint8}));
  all.push_back(convolution("Conv grouped, uint8 weights", 3, 3, 1, DataType::uint8, symmetric,
                            {.scale = 0.2F, .zero_point = 100, .type = DataType::uint8}));
  all.push_back(convolution("Conv depthwise, two filters a channel", 12, 3, 1, DataType::int8, symmetric,
                            {.scale = 0.05F, .zero_point = 100, .type = DataType::uint8}));
  all.push_back(convolution("Conv int8", 1, 3, 1, DataType::int8, signed_codes, {.scale = 0.3F, .zero_point = 20, .type = DataType::int8}));
  all.push_back(
      convolution("Conv uint8 to int8", 1, 3, 1, DataType::int8, symmetric, {.scale = 0.3F, .zero_point = 20, .type = DataType::int8}));
  for (const std::string type : {"Add", "Mul"}) {
    for (const Parameters& parameters : {narrow, signed_codes}) {
      Builder sketch({2, 5, 7}, parameters);
      // ONNX Runtime makes uint8 of int8 activations, but not of constants: these would keep the node in float there.
      if (parameters.type == DataType::int8) {
        sketch.pair("x", "c", {.scale = 0.011F, .zero_point = 5, .type = DataType::int8});
      } else {
        sketch.weights("c", random_codes({5, 1}, parameters.type), {0.011F}, 0, 5);
      }
      sketch.node(type, {"xd", "c"}, {"y"});
      all.push_back(sketch.finished(type + " " + std::string(name_of(parameters.type)), "y",
                                    {.scale = 0.02F, .zero_point = 9, .type = parameters.type}));
    }
  }
  for (const std::string type : {"Sigmoid", "LeakyRelu", "Softmax", "GlobalAveragePool", "AveragePool", "MaxPool"}) {
    Builder sketch({2, 5, 7, 6}, narrow);
    const bool window = type == "AveragePool" || type == "MaxPool";
    sketch.node(type, {"xd"}, {"y"},
                window ? std::vector<Attribute>{ints("kernel_shape", {3, 2}), ints("pads", {1, 0, 1, 1})} : std::vector<Attribute>{});
    all.push_back(
        sketch.finished(type, "y", type == "MaxPool" ? narrow : Parameters{.scale = 0.009F, .zero_point = 40, .type = DataType::uint8}));
  }
  for (const int rank : {2, 3}) {
    Builder sketch(rank == 2 ? Shape{7, 19} : Shape{3, 7, 19}, narrow);
    sketch.weights("w", random_codes({19, 11}, DataType::int8), channel_scales(11), 1).node("MatMul", {"xd", "w"}, {"m"});
    if (rank == 2) sketch.constant("bias", numbers({11}, 5)).node("Add", {"m", "bias"}, {"y"});
    all.push_back(sketch.finished(rank == 2 ? "MatMul + Add" : "MatMul", rank == 2 ? "y" : "m"));
  }
  all.push_back(network());
  return all;
}

TEST(LowerAgreement, EachNodeIsWithinAQuantumOfTheEmulation) {
  for (const Graphs& graph : graphs()) {
    const NodeAgreement found = node_by_node(graph.model, graph.inputs);
    EXPECT_GT(found.compared, 0) << graph.what;
    EXPECT_LE(found.codes.largest, 1) << graph.what;
    EXPECT_GE(found.codes.share_equal(), 0.97) << graph.what;
    std::cout << graph.what << ": " << found.codes.codes - found.codes.different << " of " << found.codes.codes
              << " codes equal, largest difference " << found.codes.largest << "\n";
  }
}

// Nothing of the graph is left in float, and channels last computes the very same.
TEST(LowerAgreement, ChannelsLastKeepsEveryBit) {
  for (const Graphs& graph : graphs()) {
    Model first = graph.model;
    (void)lower(first);
    Model last = first;
    (void)channels_last(last);
    const Agreement found = compared(run_model(first, graph.inputs).at(0), run_model(last, graph.inputs).at(0), graph.quantum);
    EXPECT_EQ(found.different, 0) << graph.what;
    for (const LoweredNode& node : lowered(graph.model).report.nodes)
      EXPECT_TRUE(node.integer) << graph.what << " " << node.name << node.reason;
  }
}

TEST(LowerAgreement, ThreadsDoNotMatter) {
  const int before = omp_get_max_threads();
  for (const Graphs& graph : graphs()) {
    const Model model = prepared_for_running(graph.model);
    omp_set_num_threads(1);
    const Tensor one = run_model(model, graph.inputs).at(0);
    omp_set_num_threads(2);
    const Tensor two = run_model(model, graph.inputs).at(0);
    EXPECT_TRUE(std::ranges::equal(one.bytes(), two.bytes())) << graph.what;
  }
  omp_set_num_threads(before);
}

// FNV-1a over all outputs: what one instruction set gives.
std::string digest_of_outputs() {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const Graphs& graph : graphs()) {
    const Tensor output = run_model(prepared_for_running(graph.model), graph.inputs).at(0);
    for (const std::byte byte : output.bytes()) hash = (hash ^ static_cast<std::uint8_t>(byte)) * 1099511628211ULL;
  }
  return std::to_string(hash);
}

// Run by the test below in a process of its own: the instruction set is chosen once.
TEST(LowerDigest, DISABLED_IsPrinted) { std::cout << "digest " << digest_of_outputs() << "\n"; }

TEST(LowerAgreement, EveryInstructionSetGivesTheSameBits) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  std::map<std::string, std::string> digests;
  for (const Isa isa : runnable_isas()) {
    const std::string command =
        cat("TITRATE_ISA=", name_of(isa), " '", self, "' --gtest_filter='LowerDigest.*' --gtest_also_run_disabled_tests");
    FILE* pipe = popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string said;
    std::array<char, 512> part{};
    while (std::fgets(part.data(), static_cast<int>(part.size()), pipe) != nullptr) said += part.data();
    EXPECT_EQ(pclose(pipe), 0) << said;
    const std::size_t at = said.find("digest ");
    ASSERT_NE(at, std::string::npos) << said;
    digests[std::string(name_of(isa))] = said.substr(at, said.find('\n', at) - at);
  }
  for (const auto& [isa, digest] : digests) EXPECT_EQ(digest, cat("digest ", digest_of_outputs())) << isa;
  EXPECT_GE(digests.size(), 1U);
}

// ONNX Runtime on the same QDQ graphs. Where the processor has no VNNI it saturates sums of two products of uint8 and int8, and so do we.
TEST(LowerAgreement, OnnxRuntimeGivesTheSameCodes) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  std::vector<witness::OrtRun> runs;
  const std::vector<Graphs> all = graphs();
  for (const Graphs& graph : all) runs.push_back({.model = graph.model, .inputs = graph.inputs});
  const std::vector<witness::OrtResult> results = witness::run_in_onnxruntime(runs);
  ASSERT_EQ(results.size(), all.size());
  for (std::size_t index = 0; index < all.size(); ++index) {
    const Graphs& graph = all[index];
    ASSERT_EQ(results[index].error, "") << graph.what;
    const Tensor own = run_model(as_onnxruntime_here(graph.model), graph.inputs).at(0);
    const Agreement found = compared(results[index].outputs.at(0), own, static_cast<double>(graph.quantum));
    std::cout << graph.what << ": " << found.codes - found.different << " of " << found.codes << " codes equal, largest difference "
              << found.largest << "\n";
    // ONNX Runtime adds int8 as uint8 with zero points that are 128 higher, which float32 rounds otherwise here and there.
    EXPECT_LE(found.different, graph.what == "Add int8" ? 1 : 0) << graph.what;
    EXPECT_LE(found.largest, 1) << graph.what;
  }
}

// A model as the QOperator format of ONNX Runtime's quantize_static has it: operators on codes from the start, NCHW.
TEST(LowerAgreement, ModelsInOperatorFormRunAsTheyAre) {
  Sketch sketch(13);
  sketch.input("x", {1, 3, 8, 8});
  const auto scalar = [&](const std::string& name, float scale, int zero, DataType type = DataType::uint8) {
    sketch.constant(name + "_scale", Tensor::scalar(scale)).constant(name + "_zero", codes({}, {zero}, type));
  };
  scalar("x", 1 / 127.0F, 128);
  scalar("a", 0.05F, 0);
  scalar("p", 0.05F, 0);
  scalar("g", 0.03F, 0);
  scalar("y", 0.04F, 120);
  scalar("v", 0.01F, 0, DataType::int8);
  sketch.node("QuantizeLinear", {"x", "x_scale", "x_zero"}, {"x_quantized"});
  sketch.constant("w", random_codes({6, 3, 3, 3}, DataType::int8)).constant("w_scale", floats(channel_scales(6)));
  sketch.constant("w_zero", codes({6}, {0, 0, 0, 0, 0, 0}, DataType::int8))
      .constant("b", codes({6}, {1, 20, 300, -1, -20, -300}, DataType::int32));
  sketch.node("QLinearConv", {"x_quantized", "x_scale", "x_zero", "w", "w_scale", "w_zero", "a_scale", "a_zero", "b"}, {"a_quantized"});
  sketch.node("MaxPool", {"a_quantized"}, {"p_quantized"}, {ints("kernel_shape", {2, 2})});
  Model model =
      sketch
          .node("QLinearGlobalAveragePool", {"p_quantized", "p_scale", "p_zero", "g_scale", "g_zero"}, {"g_quantized"},
                {one("channels_last", 0)})
          .constant("shape", int64s({1, 6}))
          .node("Reshape", {"g_quantized", "shape"}, {"f_quantized"})
          .constant("v", random_codes({6, 4}, DataType::int8))
          .node("QLinearMatMul", {"f_quantized", "g_scale", "g_zero", "v", "v_scale", "v_zero", "y_scale", "y_zero"}, {"y_quantized"})
          .node("DequantizeLinear", {"y_quantized", "y_scale", "y_zero"}, {"y"})
          .output("y")
          .model();
  model.set_opset("com.microsoft", 1);
  for (Node& node : model.graph.nodes) {
    if (node.type == "QLinearGlobalAveragePool") node.domain = "com.microsoft";
  }
  const std::vector<Tensor> inputs{numbers({1, 3, 8, 8}, 3)};
  Model running = model;
  const LoweringReport report = lower(running);
  EXPECT_EQ(report.integer_coverage(), 1.0);
  (void)channels_last(running);
  EXPECT_EQ(compared(run_model(model, inputs).at(0), run_model(running, inputs).at(0), 0.04).different, 0);
  if (!witness::has_onnxruntime()) return;
  const auto results = witness::run_in_onnxruntime({{.model = model, .inputs = inputs}});
  ASSERT_EQ(results.size(), 1U);
  ASSERT_EQ(results[0].error, "");
  const Agreement found = compared(results[0].outputs.at(0), run_model(as_onnxruntime_here(model), inputs).at(0), 0.04);
  EXPECT_EQ(found.different, 0);
}

}  // namespace
}  // namespace titrate::engine
