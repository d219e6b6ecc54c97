// Formats in blocks as they stand in the converted graph: weights and activations are the very numbers that the formats' own code gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "engine/base/text.hpp"
#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"
#include "engine/quant/formats/mx.hpp"
#include "engine/quant/formats/nf4.hpp"
#include "engine/quant/formats/nvfp4.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"
#include "tests/witness/ort_run.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

struct NamedFormat {
  std::string name;
  MxFormat format;
};
const std::vector<NamedFormat> mx_formats = {{"fp8_e4m3", MxFormat::fp8_e4m3}, {"fp8_e5m2", MxFormat::fp8_e5m2},
                                             {"fp6_e3m2", MxFormat::fp6_e3m2}, {"fp6_e2m3", MxFormat::fp6_e2m3},
                                             {"fp4", MxFormat::fp4},           {"int8", MxFormat::int8}};
const std::vector<std::pair<std::string, MxRule>> mx_rules = {
    {"floor", MxRule::floor}, {"even", MxRule::even}, {"rceil", MxRule::rceil}, {"best", MxRule::best}};

// One node of the type whose sums have `depth` products; Conv: channels of 9 products, the depth must be a multiple of 9.
Model one_node(const std::string& type, std::int64_t depth) {
  Sketch sketch(13);
  if (type == "Conv") {
    sketch.input("x", {2, depth / 9, 4, 3}).constant("w", numbers({5, depth / 9, 3, 3}));
    return sketch.node("Conv", {"x", "w"}, {"y"}, {ints("pads", {1, 1, 1, 1})}).output("y").model();
  }
  const bool transposed = type == "Gemm transB";
  sketch.input("x", {3, depth}).constant("w", numbers(transposed ? Shape{5, depth} : Shape{depth, 5}));
  std::vector<Attribute> attributes;
  if (transposed) attributes = {one("transB", 1)};
  return sketch.node(type.substr(0, type.find(' ')), {"x", "w"}, {"y"}, attributes).output("y").model();
}

const std::vector<std::pair<std::string, std::int64_t>> nodes = {{"Conv", 9},      {"Conv", 45},       {"Conv", 288}, {"MatMul", 7},
                                                                 {"MatMul", 32},   {"MatMul", 45},     {"Gemm", 64},  {"Gemm transB", 77},
                                                                 {"MatMul", 1025}, {"Gemm transB", 16}};

Tensor input_of(const Model& model, std::uint32_t seed = 5) {
  Shape shape;
  for (const Dimension& each : *model.graph[model.graph.inputs.at(0)].info->shape) shape.push_back(each.size);
  return numbers(shape, seed, 3.0F);
}

// What the node of a converted model reads there, computed by the executor.
Tensor read_by_node(Model model, std::size_t input, const Tensor& fed) {
  const ValueId value = node_named(model, "n_y").inputs.at(input);
  model.graph.outputs = {value};
  return run_once(model, {fed}).at(0);
}

void expect_weights(const Model& model, const std::string& config, const std::function<std::vector<float>(const WeightMatrix&)>& rounded) {
  SCOPED_TRACE(config);
  const Conversion conversion = converted(model, config);
  const Tensor found = read_by_node(conversion.model, 1, input_of(model));
  const WeightMatrix weights = weight_matrix_of(model.graph, model.graph.nodes[0]);
  const std::vector<float> expected = rounded(weights);
  const bool columns_first = model.graph.nodes[0].type == "MatMul";
  ASSERT_EQ(found.elements(), std::ssize(expected));
  for (std::int64_t row = 0; row < weights.rows; ++row) {
    for (std::int64_t column = 0; column < weights.columns; ++column) {
      const std::int64_t at = columns_first ? column * weights.rows + row : row * weights.columns + column;
      ASSERT_EQ(found.data<float>()[static_cast<std::size_t>(at)], expected[static_cast<std::size_t>(row * weights.columns + column)]);
    }
  }
}

TEST(BlockFormats, WeightsAreThoseOfTheFormat) {
  for (const auto& [type, depth] : nodes) {
    SCOPED_TRACE(cat(type, " ", depth));
    const Model model = one_node(type, depth);
    for (const NamedFormat& format : mx_formats) {
      for (const auto& [rule_name, rule] : mx_rules) {
        const auto rounded = [&, rule = rule](const WeightMatrix& weights) {
          return dequantized(quantize_mx(weights, mx_element(format.format), rule), mx_element(format.format));
        };
        expect_weights(model, cat("mx(format=", format.name, ",rule=", rule_name, ")"), rounded);
        if (format.format == MxFormat::fp4) expect_weights(model, cat("mx(format=fp4,rule=", rule_name, ",storage=table)"), rounded);
      }
    }
    for (const bool search : {false, true}) {
      for (const std::string storage : {"type", "table"}) {
        expect_weights(model, cat("nvfp4(rule=", search ? "best" : "nearest", ",storage=", storage, ")"),
                       [&](const WeightMatrix& weights) { return dequantized(quantize_nvfp4(weights, search)); });
      }
    }
    for (const std::int64_t group : {-1, 16, 64, 1024}) {  // 1024 of 1025: many zeros in the last group
      expect_weights(model, cat("nf4(group_size=", group, ")"),
                     [&](const WeightMatrix& weights) { return dequantized(quantize_nf4(weights, group)); });
    }
  }
}

// Rounds numbers that lie `step` apart, in blocks.
using RoundBlock = std::function<void(std::span<float>)>;
void round_strided(std::span<float> all, std::size_t first, std::size_t step, std::size_t count, std::size_t block,
                   const RoundBlock& round) {
  for (std::size_t begin = 0; begin < count; begin += block) {
    std::vector<float> numbers;
    for (std::size_t index = begin; index < std::min(begin + block, count); ++index) numbers.push_back(all[first + index * step]);
    round(numbers);
    for (std::size_t index = 0; index < numbers.size(); ++index) all[first + (begin + index) * step] = numbers[index];
  }
}

// Products: along the last dimension; Conv: along the channels of each pixel.
std::vector<float> rounded_input(const Tensor& input, std::size_t block, const RoundBlock& round) {
  std::vector<float> all(input.data<float>().begin(), input.data<float>().end());
  const bool picture = input.rank() == 4;
  const auto size = static_cast<std::size_t>(input.shape()[picture ? 1 : 1]);
  const std::size_t inner = picture ? static_cast<std::size_t>(input.shape()[2] * input.shape()[3]) : 1;
  for (std::size_t outer = 0; outer < static_cast<std::size_t>(input.shape()[0]); ++outer) {
    for (std::size_t pixel = 0; pixel < inner; ++pixel) round_strided(all, outer * size * inner + pixel, inner, size, block, round);
  }
  return all;
}

// Random numbers, rows of zeros, powers of two, numbers just below them, and some that are very large or small.
std::vector<Tensor> odd_inputs(const Model& model) {
  std::vector<Tensor> inputs = {input_of(model), input_of(model, 9)};
  Tensor zeros = input_of(model);
  std::fill(zeros.mutable_data<float>().begin(), zeros.mutable_data<float>().end(), 0.0F);
  inputs.push_back(zeros);
  for (const float start :
       {1.0F, std::nextafter(1.0F, 0.0F), 1.75F, std::nextafter(1.75F, 2.0F), 1.9375F, 1.984375F, 1e30F, 1e-38F, 1e-44F}) {
    Tensor odd = input_of(model);
    for (float& element : odd.mutable_data<float>()) element = element < 0 ? -start : element < 0.5F ? start * 0.37F : start;
    inputs.push_back(odd);
  }
  return inputs;
}

TEST(BlockFormats, MxActivationsAreThoseOfTheFormat) {
  for (const auto& [type, depth] : nodes) {
    const Model model = one_node(type, depth);
    for (const NamedFormat& format : mx_formats) {
      for (const auto& [rule_name, rule] : mx_rules) {
        const std::string config = cat("mx(format=", format.name, ",rule=", rule_name, ",weights_only=false)");
        SCOPED_TRACE(cat(type, " ", depth, " ", config));
        const Conversion conversion = converted(model, config);
        const std::string& reason = decision_of(conversion, "n_y").reason;
        if (format.name.starts_with("fp6")) {
          EXPECT_THAT(reason, HasSubstr("activations stay float: no ONNX operator rounds to 6 bits"));
          continue;
        }
        const MxElement& element = mx_element(format.format);
        // Activations have no search.
        const MxRule acting = rule != MxRule::best ? rule : format.name.starts_with("fp8") ? MxRule::rceil : MxRule::even;
        const RoundBlock round = [&](std::span<float> block) {
          std::vector<std::uint8_t> codes(block.size());
          const std::uint8_t scale = quantize_mx(block, element, acting, codes);
          dequantize_mx(codes, element, scale, block);
        };
        for (const Tensor& input : odd_inputs(model)) {
          const Tensor found = read_by_node(conversion.model, 0, input);
          ASSERT_EQ(found.shape(), input.shape());
          ASSERT_THAT(found.data<float>(), ElementsAreArray(rounded_input(input, mx_block, round)));
        }
      }
    }
  }
}

TEST(BlockFormats, Nvfp4ActivationsAreThoseOfTheFormat) {
  for (const auto& [type, depth] : nodes) {
    SCOPED_TRACE(cat(type, " ", depth));
    const Model model = one_node(type, depth);
    const Conversion conversion = converted(model, "nvfp4(weights_only=false)", {{"x", {-2.5F, 2.0F}}});
    const float tensor_scale = nvfp4_tensor_scale(2.5F);
    const RoundBlock round = [&](std::span<float> block) {
      std::vector<std::uint8_t> codes(block.size());
      const float scale = nvfp4_scale(quantize_nvfp4(block, tensor_scale, false, codes), tensor_scale);
      for (std::size_t index = 0; index < block.size(); ++index) block[index] = decode(float4e2m1, codes[index]) * scale;
    };
    for (const Tensor& input : odd_inputs(model)) {
      const Tensor found = read_by_node(conversion.model, 0, input);
      ASSERT_EQ(found.shape(), input.shape());
      ASSERT_THAT(found.data<float>(), ElementsAreArray(rounded_input(input, nvfp4_block, round)));
    }
  }
}

const std::vector<std::string> configs = {"mx()",
                                          "mx(format=fp8_e5m2,weights_only=false)",
                                          "mx(weights_only=false,rule=even)",
                                          "mx(format=fp6_e3m2,rule=best)",
                                          "mx(format=fp6_e2m3,weights_only=false)",
                                          "mx(format=fp4)",
                                          "mx(format=fp4,storage=table)",
                                          "mx(format=fp4,rule=best,weights_only=false)",
                                          "mx(format=int8,rule=rceil,weights_only=false)",
                                          "nvfp4()",
                                          "nvfp4(storage=table,rule=best)",
                                          "nvfp4(weights_only=false)",
                                          "nf4()",
                                          "nf4(group_size=16)",
                                          "nf4(group_size=1024)",
                                          "static_int8(act=u16)",
                                          "static_int8(act=s16,act_sym=true)",
                                          "static_int8(act=u16,act_sym=true)"};

bool same_bits(const Tensor& left, const Tensor& right) {
  return left.shape() == right.shape() && left.bytes().size() == right.bytes().size() &&
         std::memcmp(left.bytes().data(), right.bytes().data(), left.bytes().size()) == 0;
}

TEST(BlockFormats, WhatIsReadBackGivesTheSameBits) {
  for (const auto& [type, depth] : nodes) {
    const Model model = one_node(type, depth);
    for (const std::string& config : configs) {
      SCOPED_TRACE(cat(type, " ", depth, " ", config));
      const Conversion conversion = converted(model, config);
      const auto bytes = std::make_shared<const std::vector<std::byte>>(write_model(conversion.model));
      const Model again = read_model(*bytes, bytes, {});
      EXPECT_TRUE(same_bits(run_once(conversion.model, {input_of(model)}).at(0), run_once(again, {input_of(model)}).at(0)));
    }
  }
}

// A runtime may add the products in another order; at least 16-bit codes may then differ by one.
void expect_near(const Tensor& left, const Tensor& right, float tolerance) {
  ASSERT_EQ(left.shape(), right.shape());
  float largest = 0;
  for (const float element : left.data<float>()) largest = std::max(largest, std::fabs(element));
  for (std::size_t index = 0; index < left.data<float>().size(); ++index)
    ASSERT_NEAR(left.data<float>()[index], right.data<float>()[index], tolerance * largest);
}

TEST(BlockFormats, OnnxRuntimeComputesTheSame) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  std::vector<witness::OrtRun> runs;
  std::vector<std::string> names;
  std::vector<bool> has_float4;
  for (const auto& [type, depth] : nodes) {
    const Model model = one_node(type, depth);
    for (const std::string& config : configs) {
      const Conversion conversion = converted(model, config);
      names.push_back(cat(type, " ", depth, " ", config));
      has_float4.push_back(decision_of(conversion, "n_y").reason.find("no CPU kernel for float4e2m1") != std::string::npos);
      runs.push_back({conversion.model, {input_of(model)}});
    }
  }
  const std::vector<witness::OrtResult> results = witness::run_in_onnxruntime(runs);
  ASSERT_EQ(results.size(), runs.size());
  for (std::size_t index = 0; index < runs.size(); ++index) {
    SCOPED_TRACE(names[index]);
    if (has_float4[index]) {
      EXPECT_THAT(results[index].error, HasSubstr("Could not find an implementation"));
    } else {
      ASSERT_EQ(results[index].error, "");
      expect_near(run_once(runs[index].model, runs[index].inputs).at(0), results[index].outputs.at(0), 1e-5F);
    }
  }
}

TEST(BlockFormats, ActivationsThatCannotBeCutStayFloat) {
  Sketch sketch(13);
  sketch.input("x", {32, 4}).constant("w", numbers({32, 5}));
  const Model model = sketch.node("Gemm", {"x", "w"}, {"y"}, {one("transA", 1)}).output("y").model();
  for (const std::string config : {"mx(weights_only=false)", "nvfp4(weights_only=false)"}) {
    const Conversion conversion = converted(model, config);
    EXPECT_THAT(decision_of(conversion, "n_y").reason, HasSubstr("activations stay float: its input is transposed"));
    EXPECT_EQ(source_type(conversion.model, node_named(conversion.model, "n_y"), 0), "");
  }
}

}  // namespace
}  // namespace titrate::engine
