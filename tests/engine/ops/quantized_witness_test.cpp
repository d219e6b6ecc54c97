// Quantized operators give the codes that ONNX Runtime gives, on random codes and scales.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "tests/engine/ops/quantized_node.hpp"
#include "tests/witness/ort_run.hpp"

namespace titrate::engine {
namespace {

using Integers = std::vector<std::int64_t>;

// The node as a model: 8-bit tensors of more than one element are fed, the rest is constant.
witness::OrtRun as_model(const SingleNode& single) {
  witness::OrtRun run;
  Model& model = run.model;
  model.ir_version = 9;
  model.set_opset("", single.node.domain.empty() ? single.opset : 20);
  model.set_opset("com.microsoft", 1);
  Graph& graph = model.graph;
  graph.name = "one_node";
  Node node = single.node;
  for (std::size_t index = 0; index < single.inputs.size(); ++index) {
    if (!single.inputs[index]) continue;
    const Tensor& tensor = *single.inputs[index];
    const std::string name = cat("in", index);
    if (bits_of(tensor.type()) == 8 && tensor.rank() > 0) {
      ValueInfo info{.type = tensor.type(), .shape = std::vector<Dimension>{}};
      for (const std::int64_t size : tensor.shape()) info.shape->push_back({.size = size, .symbol = {}});
      node.inputs[index] = graph.add_value(name, info);
      graph.inputs.push_back(node.inputs[index]);
      run.inputs.push_back(tensor);
    } else {
      node.inputs[index] = graph.add_constant(name, tensor);
    }
  }
  node.outputs = {graph.add_value("out")};
  graph.outputs = node.outputs;
  const std::size_t codes = single.inputs[0]->type() == DataType::float32 ? 2 : 0;  // Concat starts with the result's scale
  graph[graph.outputs[0]].info = ValueInfo{.type = single.inputs[codes]->type(), .shape = std::nullopt};
  graph.nodes.push_back(node);
  return run;
}

class QuantizedWitness : public testing::Test {
 protected:
  std::mt19937 random_{11};
  std::vector<SingleNode> nodes_;

  float scale() { return std::exp(std::uniform_real_distribution<float>(-6, 0)(random_)); }
  int zero_point(DataType type) {
    const int code = random_() % 3 == 0 ? static_cast<int>(random_() % 2) * 255 : static_cast<int>(random_() % 256);
    return type == DataType::int8 ? code - 128 : code;
  }
  void add_quantization(DataType type, std::vector<std::optional<Tensor>>& inputs) {
    inputs.push_back(Tensor::scalar(scale()));
    inputs.push_back(zero_point_of(type, zero_point(type)));
  }
  SingleNode unary(const std::string& op, DataType type, const Shape& shape) {
    std::vector<std::optional<Tensor>> inputs{random_codes(type, shape, random_)};
    add_quantization(type, inputs);
    add_quantization(type, inputs);
    return quantized_node(op, std::move(inputs));
  }
  // All nodes in ONNX Runtime and here: every code must be equal.
  void expect_equal_codes() {
    std::vector<witness::OrtRun> runs;
    for (const SingleNode& node : nodes_) runs.push_back(as_model(node));
    const std::vector<witness::OrtResult> results = witness::run_in_onnxruntime(runs);
    ASSERT_EQ(results.size(), runs.size()) << "ort_run.mjs failed";
    std::size_t all = 0;
    std::size_t different = 0;
    for (std::size_t index = 0; index < results.size(); ++index) {
      const std::string what = cat(nodes_[index].node.type, " number ", index);
      ASSERT_EQ(results[index].error, "") << what;
      const Tensor ours = nodes_[index].run()[0];
      ASSERT_EQ(ours.type(), results[index].outputs[0].type()) << what;
      ASSERT_EQ(ours.shape(), results[index].outputs[0].shape()) << what;
      const std::vector<double> here = to_doubles(ours);
      const std::vector<double> there = to_doubles(results[index].outputs[0]);
      std::size_t wrong = 0;
      for (std::size_t element = 0; element < here.size(); ++element) wrong += here[element] != there[element];
      EXPECT_EQ(wrong, 0U) << what << ": of " << here.size();
      all += here.size();
      different += wrong;
    }
    RecordProperty("elements", static_cast<int>(all));
    RecordProperty("different", static_cast<int>(different));
    EXPECT_GT(all, 0U);
  }
};

constexpr DataType both_types[] = {DataType::uint8, DataType::int8};

TEST_F(QuantizedWitness, AddAndMul) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  const std::pair<Shape, Shape> shapes[] = {{{3, 333}, {3, 333}}, {{2, 5, 7, 11}, {1, 5, 1, 1}}, {{2, 7, 11, 37}, {37}}, {{1}, {4, 100}},
                                            {{4, 100}, {1}},      {{3, 1, 50}, {1, 4, 1}},       {{50000}, {50000}},     {{1}, {1}}};
  for (const std::string op : {"QLinearAdd", "QLinearMul"}) {
    for (const DataType type : both_types) {
      for (const auto& [a, b] : shapes) {
        for (int repeat = 0; repeat < 6; ++repeat) {
          std::vector<std::optional<Tensor>> inputs{random_codes(type, a, random_)};
          add_quantization(type, inputs);
          inputs.push_back(random_codes(type, b, random_));
          add_quantization(type, inputs);
          add_quantization(type, inputs);
          // Powers of two make ties.
          if (repeat % 2 == 1) {
            inputs[1] = Tensor::scalar(0.5F);
            inputs[4] = Tensor::scalar(0.25F);
            inputs[6] = Tensor::scalar(op == "QLinearAdd" ? 1.0F : 16.0F);
          }
          nodes_.push_back(quantized_node(op, std::move(inputs)));
        }
      }
    }
  }
  expect_equal_codes();
}

TEST_F(QuantizedWitness, Activations) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  for (const DataType type : both_types) {
    for (int repeat = 0; repeat < 60; ++repeat) {
      nodes_.push_back(unary("QLinearSigmoid", type, {3, 400}));
      nodes_.push_back(unary("QLinearLeakyRelu", type, {3, 400}));
      nodes_.back().set("alpha", scale());
    }
  }
  expect_equal_codes();
}

TEST_F(QuantizedWitness, Softmax) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  for (const DataType type : both_types) {
    for (const std::int64_t opset : {11, 13}) {
      for (const std::int64_t axis : {0, 1, 2, -1}) {
        for (int repeat = 0; repeat < 5; ++repeat) {
          SingleNode node = unary("QLinearSoftmax", type, {3, 17, 29});
          node.inputs[3] = Tensor::scalar(repeat == 0 ? 1.0F / 256 : 0.003F * scale() + 1.0F / 256);
          node.inputs[4] = zero_point_of(type, type == DataType::int8 ? -128 : 0);
          node.set("opset", opset).set("axis", axis);
          nodes_.push_back(node);
        }
      }
    }
  }
  expect_equal_codes();
}

TEST_F(QuantizedWitness, Concat) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  for (const DataType type : both_types) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      std::vector<std::optional<Tensor>> inputs;
      add_quantization(type, inputs);
      for (const std::int64_t size : {3, 1, 40}) {
        inputs.push_back(random_codes(type, {2, 9, size}, random_));
        add_quantization(type, inputs);
      }
      if (repeat % 2 == 0) {  // the last part as it is
        inputs[9] = inputs[0];
        inputs[10] = inputs[1];
      }
      nodes_.push_back(quantized_node("QLinearConcat", std::move(inputs)));
      nodes_.back().set("axis", std::int64_t{2});
    }
  }
  expect_equal_codes();
}

TEST_F(QuantizedWitness, Pooling) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  for (const DataType type : both_types) {
    for (const std::int64_t channels_last : {0, 1}) {
      for (const std::int64_t channels : {1, 7, 33}) {
        for (int repeat = 0; repeat < 8; ++repeat) {
          const Shape shape = channels_last != 0 ? Shape{2, 9, 8, channels} : Shape{2, channels, 9, 8};
          SingleNode window = unary("QLinearAveragePool", type, shape);
          window.set("channels_last", channels_last)
              .set("kernel_shape", Integers{3, 2 + repeat % 2})
              .set("strides", Integers{1 + repeat % 3, 2});
          window.set("pads", Integers{1, 0, 1, 1})
              .set("count_include_pad", std::int64_t{repeat % 2})
              .set("ceil_mode", std::int64_t{repeat / 4});
          nodes_.push_back(window);
          nodes_.push_back(unary("QLinearGlobalAveragePool", type, shape));
          nodes_.back().set("channels_last", channels_last);
          nodes_.push_back(unary("QLinearAveragePool", type, shape));
          nodes_.back().set("channels_last", channels_last).set("kernel_shape", Integers{9, 8}).set("strides", Integers{2, 2});
          if (channels_last == 0) continue;
          nodes_.push_back(quantized_node("NhwcMaxPool", {random_codes(type, shape, random_)}));
          nodes_.back().set("kernel_shape", Integers{3, 2}).set("strides", Integers{1 + repeat % 3, 2}).set("pads", Integers{1, 1, 0, 1});
          nodes_.back().set("dilations", Integers{1 + repeat % 2, 1}).set("ceil_mode", std::int64_t{repeat / 4});
        }
      }
    }
  }
  expect_equal_codes();
}

}  // namespace
}  // namespace titrate::engine
