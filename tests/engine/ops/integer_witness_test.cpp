// Convolutions and products of codes give what ONNX Runtime gives. Weights lie in [-64, 63] around their zero point: so 16-bit sums of
// pairs of products, which ONNX Runtime uses on machines without VNNI, do not saturate.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/engine/ops/quantized_node.hpp"
#include "tests/witness/ort_run.hpp"

namespace titrate::engine {
namespace {

class IntegerWitness : public testing::Test {
 protected:
  std::mt19937 random_{17};
  std::vector<SingleNode> nodes_;

  Tensor weights(DataType type, const Shape& shape) {
    Tensor tensor = Tensor::uninitialized(type, shape);
    for (auto& code : tensor.mutable_bits<std::uint8_t>()) {
      code = static_cast<std::uint8_t>(static_cast<int>(random_() % 128) - 64 + (type == DataType::uint8 ? 128 : 0));
    }
    return tensor;
  }
  Tensor scales(std::int64_t count) { return random_floats(count == 1 ? Shape{} : Shape{count}, random_, 0.004F, 0.02F); }
  Tensor bias(std::int64_t count) {
    std::vector<std::int32_t> numbers(static_cast<std::size_t>(count));
    for (auto& number : numbers) number = static_cast<std::int32_t>(random_() % 4000) - 2000;
    return Tensor::of<std::int32_t>({count}, numbers);
  }

  // Input 0 is fed, everything else is constant.
  static witness::OrtRun as_model(const SingleNode& single, DataType result) {
    witness::OrtRun run;
    Model& model = run.model;
    model.ir_version = 9;
    model.set_opset("", 20);
    model.set_opset("com.microsoft", 1);
    Graph& graph = model.graph;
    graph.name = "one_node";
    Node node = single.node;
    for (std::size_t index = 0; index < single.inputs.size(); ++index) {
      if (!single.inputs[index]) continue;
      const Tensor& tensor = *single.inputs[index];
      const std::string name = cat("in", index);
      if (index > 0) {
        node.inputs[index] = graph.add_constant(name, tensor);
        continue;
      }
      ValueInfo info{.type = tensor.type(), .shape = std::vector<Dimension>{}};
      for (const std::int64_t size : tensor.shape()) info.shape->push_back({.size = size, .symbol = {}});
      node.inputs[index] = graph.add_value(name, info);
      graph.inputs.push_back(node.inputs[index]);
      run.inputs.push_back(tensor);
    }
    node.outputs = {graph.add_value("out")};
    graph.outputs = node.outputs;
    graph[graph.outputs[0]].info = ValueInfo{.type = result, .shape = std::nullopt};
    graph.nodes.push_back(node);
    return run;
  }

  void expect_equal() {
    std::vector<witness::OrtRun> runs;
    std::vector<Tensor> ours;
    for (const SingleNode& node : nodes_) {
      ours.push_back(node.run()[0]);
      runs.push_back(as_model(node, ours.back().type()));
    }
    const std::vector<witness::OrtResult> results = witness::run_in_onnxruntime(runs);
    ASSERT_EQ(results.size(), runs.size()) << "ort_run.mjs failed";
    for (std::size_t index = 0; index < results.size(); ++index) {
      const std::string what = cat(nodes_[index].node.type, " number ", index);
      ASSERT_EQ(results[index].error, "") << what;
      ASSERT_EQ(ours[index].shape(), results[index].outputs[0].shape()) << what;
      const std::vector<double> here = to_doubles(ours[index]);
      const std::vector<double> there = to_doubles(results[index].outputs[0]);
      std::size_t different = 0;
      for (std::size_t element = 0; element < here.size(); ++element) different += here[element] != there[element];
      EXPECT_EQ(different, 0U) << what << ": of " << here.size();
    }
  }
};

TEST_F(IntegerWitness, Convolutions) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  struct Case {
    std::int64_t channels, filters, groups, size, kernel, stride, pad;
  };
  for (const Case& one : {Case{3, 16, 1, 21, 7, 2, 3}, Case{16, 24, 1, 9, 3, 1, 1}, Case{20, 20, 20, 12, 3, 1, 1},
                          Case{32, 48, 1, 7, 1, 1, 0}, Case{12, 8, 4, 8, 3, 2, 1}, Case{40, 40, 40, 9, 3, 2, 1}}) {
    for (const DataType w_type : {DataType::int8, DataType::uint8}) {
      for (const bool last : {false, true}) {
        Shape x{2, one.channels, one.size, one.size};
        if (last) x = {2, one.size, one.size, one.channels};
        SingleNode node("QLinearConv", last ? 1 : 10,
                        {random_codes(DataType::uint8, x, random_), Tensor::scalar(0.02F), zero_point_of(DataType::uint8, 113),
                         weights(w_type, {one.filters, one.channels / one.groups, one.kernel, one.kernel}), scales(one.filters),
                         zero_point_of(w_type, w_type == DataType::uint8 ? 128 : 0), Tensor::scalar(0.03F),
                         zero_point_of(DataType::uint8, 120), bias(one.filters)});
        node.constants = ~1U;
        if (last) {
          node.node.domain = "com.microsoft";
          node.set("channels_last", std::int64_t{1});
        }
        node.set("group", one.groups);
        node.set("kernel_shape", std::vector<std::int64_t>{one.kernel, one.kernel});
        node.set("strides", std::vector<std::int64_t>{one.stride, one.stride});
        node.set("pads", std::vector<std::int64_t>(4, one.pad));
        // ONNX Runtime wants one zero point a filter where it has one scale a filter.
        node.inputs[5] = Tensor::uninitialized(w_type, {one.filters});
        for (auto& code : node.inputs[5]->mutable_bits<std::uint8_t>()) code = w_type == DataType::uint8 ? 128 : 0;
        nodes_.push_back(std::move(node));
      }
    }
  }
  expect_equal();
}

TEST_F(IntegerWitness, Products) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  for (const auto& [rows, depth, columns] :
       {std::tuple<std::int64_t, std::int64_t, std::int64_t>{1, 64, 10}, {5, 131, 33}, {40, 300, 70}}) {
    for (const DataType b_type : {DataType::int8, DataType::uint8}) {
      const Tensor a = random_codes(DataType::uint8, {rows, depth}, random_);
      const Tensor a_scale = Tensor::scalar(0.02F), y_scale = Tensor::scalar(0.04F);
      const Tensor a_zero = zero_point_of(DataType::uint8, 130), y_zero = zero_point_of(DataType::uint8, 7);
      const Tensor b = weights(b_type, {depth, columns}), b_scale = scales(columns);
      Tensor b_zero = Tensor::uninitialized(b_type, {columns});
      for (auto& code : b_zero.mutable_bits<std::uint8_t>()) code = b_type == DataType::uint8 ? 128 : 0;
      nodes_.emplace_back("QLinearMatMul", 10, std::vector<std::optional<Tensor>>{a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero});
      const Tensor c = bias(columns);
      std::vector<SingleNode> of_microsoft;
      of_microsoft.emplace_back("QGemm", 1, std::vector<std::optional<Tensor>>{a, a_scale, a_zero, b, b_scale, b_zero, c, y_scale, y_zero});
      of_microsoft.emplace_back("QGemm", 1, std::vector<std::optional<Tensor>>{a, a_scale, a_zero, b, b_scale, b_zero, c});
      of_microsoft.emplace_back(
          "MatMulIntegerToFloat", 1,
          std::vector<std::optional<Tensor>>{a, b, a_scale, b_scale, a_zero, b_zero, random_floats({columns}, random_)});
      of_microsoft.emplace_back("DynamicQuantizeMatMul", 1,
                                std::vector<std::optional<Tensor>>{random_floats({rows, depth}, random_, -1, 3), b, b_scale, b_zero});
      for (SingleNode& node : of_microsoft) {
        node.node.domain = "com.microsoft";
        nodes_.push_back(std::move(node));
      }
    }
  }
  expect_equal();
}

}  // namespace
}  // namespace titrate::engine
