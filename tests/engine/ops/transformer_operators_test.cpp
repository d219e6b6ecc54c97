// RMSNormalization, RotaryEmbedding and Attention against ONNX Runtime, and what they refuse. The node cases of ONNX (onnx_node_test.cpp)
// hold their other forms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/text.hpp"
#include "engine/run/executor.hpp"
#include "tests/datasets/data_files.hpp"
#include "tests/engine/ops/one_node.hpp"
#include "tests/engine/passes/sketch.hpp"
#include "tests/witness/ort_run.hpp"

namespace titrate::engine {
namespace {

using testing::HasSubstr;

struct Example {
  std::string name;
  std::string type;
  std::vector<Tensor> inputs;
  std::vector<Attribute> attributes;
};

Tensor angles(const Shape& shape, bool sine) {
  Tensor tensor = numbers(shape, 5, 3.0F);
  for (float& number : tensor.mutable_data<float>()) number = sine ? std::sin(number) : std::cos(number);
  return tensor;
}

Tensor positions(const Shape& shape, const std::vector<std::int64_t>& numbers) { return Tensor::of<std::int64_t>(shape, numbers); }

Tensor mask(const Shape& shape) {
  Tensor tensor = numbers(shape, 9);
  for (float& number : tensor.mutable_data<float>()) number = number < -0.4F ? -std::numeric_limits<float>::infinity() : number;
  // The first key is seen by all.
  for (std::size_t row = 0; row < tensor.mutable_data<float>().size(); row += static_cast<std::size_t>(shape.back()))
    tensor.mutable_data<float>()[row] = 0;
  return tensor;
}

std::vector<Example> examples() {
  const Shape heads4 = {2, 4, 3, 8};
  return {
      {"RMSNormalization of the last axis", "RMSNormalization", {numbers({2, 3, 17}), numbers({17}, 2)}, {real("epsilon", 1e-3F)}},
      {"RMSNormalization of two axes", "RMSNormalization", {numbers({2, 3, 5}), numbers({3, 5}, 2)}, {one("axis", 1)}},
      {"RotaryEmbedding of halves",
       "RotaryEmbedding",
       {numbers(heads4), angles({9, 4}, false), angles({9, 4}, true), positions({2, 3}, {0, 1, 2, 5, 8, 3})},
       {}},
      {"RotaryEmbedding of neighbours, three axes",
       "RotaryEmbedding",
       {numbers({2, 3, 32}), angles({9, 4}, false), angles({9, 4}, true), positions({2, 3}, {0, 1, 2, 5, 8, 3})},
       {one("num_heads", 4), one("interleaved", 1)}},
      {"RotaryEmbedding of a part",
       "RotaryEmbedding",
       {numbers(heads4), angles({9, 2}, false), angles({9, 2}, true), positions({2, 3}, {0, 1, 2, 5, 8, 3})},
       {one("rotary_embedding_dim", 4)}},
      {"Attention", "Attention", {numbers(heads4), numbers({2, 4, 7, 8}, 2), numbers({2, 4, 7, 6}, 3)}, {}},
      {"Attention with a mask",
       "Attention",
       {numbers(heads4), numbers({2, 4, 7, 8}, 2), numbers({2, 4, 7, 6}, 3), mask({3, 7})},
       {real("scale", 0.3F)}},
      {"Attention, causal, grouped queries",
       "Attention",
       {numbers({2, 4, 5, 8}), numbers({2, 2, 5, 8}, 2), numbers({2, 2, 5, 8}, 3)},
       {one("is_causal", 1)}},
      {"Attention of three axes",
       "Attention",
       {numbers({2, 5, 32}), numbers({2, 5, 16}, 2), numbers({2, 5, 16}, 3)},
       {one("q_num_heads", 4), one("kv_num_heads", 2)}},
  };
}

Model model_of(const Example& example) {
  Sketch sketch(23);
  std::vector<std::string> names;
  for (std::size_t index = 0; index < example.inputs.size(); ++index) {
    names.push_back("in" + std::to_string(index));
    sketch.input(names.back(), example.inputs[index].shape(), example.inputs[index].type());
  }
  return sketch.node(example.type, names, {"out"}, example.attributes).output("out").model();
}

TEST(TransformerOperators, AgreeWithOnnxRuntime) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  std::vector<witness::OrtRun> runs;
  for (const Example& example : examples()) runs.push_back({.model = model_of(example), .inputs = example.inputs});
  const std::vector<witness::OrtResult> results = witness::run_in_onnxruntime(runs);
  ASSERT_EQ(results.size(), runs.size());
  for (std::size_t index = 0; index < runs.size(); ++index) {
    SCOPED_TRACE(examples()[index].name);
    EXPECT_EQ(results[index].error, "");
    if (!results[index].error.empty()) continue;
    const Tensor own = Executor(std::make_shared<const Plan>(runs[index].model)).run(runs[index].inputs)[0];
    const Tensor& wanted = results[index].outputs[0];
    ASSERT_EQ(own.shape(), wanted.shape());
    for (std::size_t i = 0; i < own.data<float>().size(); ++i) ASSERT_NEAR(own.data<float>()[i], wanted.data<float>()[i], 2e-5) << i;
  }
}

std::string refusal(const std::string& type, std::vector<Tensor> inputs, std::vector<Attribute> attributes = {}) {
  const OneNode node{.type = type, .opset = 23, .inputs = std::move(inputs), .attributes = std::move(attributes)};
  return error_of([&] {
    std::vector<Operand> operands;
    for (const Tensor& input : node.inputs)
      operands.push_back({.present = input.exists(), .type = input.type(), .shape = input.shape(), .value = nullptr});
    (void)node.infer(operands);
  });
}

TEST(TransformerOperators, RefuseWhatDoesNotFit) {
  EXPECT_THAT(refusal("RMSNormalization", {numbers({2, 6}), numbers({5})}), HasSubstr("do not broadcast"));
  EXPECT_THAT(refusal("RMSNormalization", {numbers({2, 6}), numbers({2, 6})}), HasSubstr("more axes"));
  EXPECT_THAT(refusal("RotaryEmbedding", {numbers({2, 3, 32}), numbers({9, 4}), numbers({9, 4})}), HasSubstr("num_heads"));
  EXPECT_THAT(refusal("RotaryEmbedding", {numbers({1, 2, 3, 8}), numbers({1, 3, 3}), numbers({1, 3, 3})}), HasSubstr("[1,3,4]"));
  EXPECT_THAT(refusal("Attention", {numbers({1, 3, 2, 8}), numbers({1, 2, 4, 8}), numbers({1, 2, 4, 8})}), HasSubstr("share"));
  EXPECT_THAT(refusal("Attention", {numbers({1, 2, 2, 8}), numbers({1, 2, 4, 6}), numbers({1, 2, 4, 8})}), HasSubstr("a key 6"));
  EXPECT_THAT(refusal("Attention", {numbers({1, 2, 2, 8}), numbers({1, 2, 4, 8}), numbers({1, 2, 5, 8})}), HasSubstr("length"));
  EXPECT_THAT(refusal("Attention", {numbers({1, 2, 8}), numbers({1, 2, 8}), numbers({1, 2, 8})}), HasSubstr("q_num_heads"));
  EXPECT_THAT(refusal("Attention", {numbers({1, 2, 2, 8}), numbers({1, 2, 4, 8}), numbers({1, 2, 4, 8}), numbers({3, 4})}),
              HasSubstr("mask"));
}

TEST(TransformerOperators, APositionOutsideTheAnglesIsRefused) {
  const Example example{"", "RotaryEmbedding", {numbers({1, 1, 1, 4}), numbers({3, 2}), numbers({3, 2}), positions({1, 1}, {3})}, {}};
  EXPECT_THAT(error_of([&] { (void)Executor(std::make_shared<const Plan>(model_of(example))).run(example.inputs); }),
              HasSubstr("position 3"));
}

}  // namespace
}  // namespace titrate::engine
