// What is stored, dequantized by the executor, is what the quantizer meant.
#include "engine/quant/stored_weights.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/text.hpp"
#include "engine/quant/round_to_nearest.hpp"
#include "tests/engine/quant/golden.hpp"
#include "tests/engine/quant/quantized_sketch.hpp"
#include "tests/engine/quant/random_weights.hpp"
#include "tests/witness/ort_run.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAreArray;

std::vector<int> bytes_of_tensor(const Tensor& tensor) {
  std::vector<int> bytes;
  for (const std::byte byte : tensor.bytes()) bytes.push_back(static_cast<int>(byte));
  return bytes;
}

TEST(PackCodes, GivesTheGoldenBytes) {
  for (const auto& each : golden_cases("int4_pack.json")) {
    const bool is_signed = each["signed"];
    const DataType type =
        each["bits"] == 4 ? (is_signed ? DataType::int4 : DataType::uint4) : (is_signed ? DataType::int2 : DataType::uint2);
    const auto codes = each["values"].get<std::vector<std::int32_t>>();
    const Tensor tensor = pack_codes(codes, type, {static_cast<std::int64_t>(codes.size())});
    EXPECT_THAT(bytes_of_tensor(tensor), ElementsAreArray(each["bytes"].get<std::vector<int>>())) << each.dump();
    EXPECT_THAT(to_doubles(tensor), ElementsAreArray(std::vector<double>(codes.begin(), codes.end())));
  }
}

// Zero points of two rows with three groups each are packed on without a gap: six nibbles are three bytes (anchors: fault 4).
TEST(PackCodes, PacksAcrossRows) {
  const std::vector<std::int32_t> zero_points = {1, 2, 3, 4, 5, 6};
  EXPECT_THAT(bytes_of_tensor(pack_codes(zero_points, DataType::uint4, {2, 3})), testing::ElementsAre(0x21, 0x43, 0x65));
}

TEST(StorageType, IsTheNarrowestThatHoldsTheCodes) {
  EXPECT_EQ(storage_type(narrow_range(2)), DataType::int2);
  EXPECT_EQ(storage_type(unsigned_range(2)), DataType::uint2);
  EXPECT_EQ(storage_type(narrow_range(3)), DataType::int4);
  EXPECT_EQ(storage_type(signed_range(4)), DataType::int4);
  EXPECT_EQ(storage_type(unsigned_range(4)), DataType::uint4);
  EXPECT_EQ(storage_type(narrow_range(5)), DataType::int8);
  EXPECT_EQ(storage_type(unsigned_range(8)), DataType::uint8);
  EXPECT_EQ(opset_of(DataType::int8, false), 13);
  EXPECT_EQ(opset_of(DataType::int8, true), 21);
  EXPECT_EQ(opset_of(DataType::uint4, false), 21);
  EXPECT_EQ(opset_of(DataType::int2, false), 25);
}

// A node of the type whose weights have the shape.
Model one_node(const std::string& type, const Shape& weights) {
  Sketch sketch(13);
  Shape input = {1, weights[0]};
  if (type == "Conv") {
    input = weights;
    input[0] = 1;
  }
  return sketch.input("x", input).constant("w", numbers(weights)).node(type, {"x", "w"}, {"y"}).output("y").model();
}

// The weights that the node would read, computed by the executor from what is stored.
Tensor read_back(const Model& model, const QuantizedMatrix& quantized, bool rows_first, bool hide) {
  const Shape shape = model.graph.constant_input(model.graph.nodes[0], 1)->shape();
  GraphRewriter rewriter(model);
  const Node node = rewriter.graph().nodes[0];
  const StoredWeights stored = store_weights(rewriter, node, quantized, shape, rows_first, hide);
  rewriter.graph().outputs = {stored.value};
  const std::int64_t opset = rewriter.required_opset();
  Model alone = rewriter.finish();
  alone.set_opset("", opset);
  std::int64_t bytes = 0;
  for (const Value& value : alone.graph.values) {
    const bool weights = value.constant && value.name != "w_shape";
    if (weights) bytes += static_cast<std::int64_t>(value.constant->bytes().size());
  }
  EXPECT_EQ(stored.bytes, bytes);
  const ValueId input = alone.graph.inputs.at(0);
  Shape fed;
  for (const Dimension& each : *alone.graph[input].info->shape) fed.push_back(each.size);
  return run_once(alone, {Tensor::zeros(DataType::float32, fed)}).at(0);
}

void expect_exact(const Model& model, const RoundToNearest& how, bool hide) {
  SCOPED_TRACE(cat(how.bits, " bits, mode ", static_cast<int>(how.mode), ", group ", how.group_size, hide ? ", hidden" : ""));
  const Node& node = model.graph.nodes[0];
  const WeightMatrix weights = weight_matrix_of(model.graph, node);
  const QuantizedMatrix quantized = quantize_weights(weights, how);
  const Tensor found = read_back(model, quantized, !weights.transposed, hide);
  ASSERT_EQ(found.shape(), model.graph.constant_input(node, 1)->shape());
  const auto elements = found.data<float>();
  for (std::int64_t row = 0; row < weights.rows; ++row) {
    for (std::int64_t column = 0; column < weights.columns; ++column) {
      const std::int64_t at = weights.transposed ? column * weights.rows + row : row * weights.columns + column;
      ASSERT_EQ(elements[static_cast<std::size_t>(at)], quantized.dequantized(row, column)) << row << ", " << column;
    }
  }
}

void expect_exact_in_every_form(const Model& model) {
  for (const int bits : {2, 3, 4, 5, 8}) {
    for (const WeightMode mode : {WeightMode::narrow, WeightMode::signed_max, WeightMode::asymmetric}) {
      for (const std::int64_t group : {-1, 0, 16, 32}) {
        for (const bool hide : {false, true}) {
          if (hide && model.graph.nodes[0].type != "MatMul") continue;
          expect_exact(model, {.bits = bits, .mode = mode, .group_size = group, .search_clip = false}, hide);
        }
      }
    }
  }
}

// K = 45: three groups of 16 or two of 32, the last one short; rows of odd length.
TEST(StoredWeights, AreExactForConv) { expect_exact_in_every_form(one_node("Conv", {3, 5, 3, 3})); }
TEST(StoredWeights, AreExactForMatMul) { expect_exact_in_every_form(one_node("MatMul", {45, 3})); }
TEST(StoredWeights, AreExactForGemm) { expect_exact_in_every_form(one_node("Gemm", {37, 5})); }

float largest_difference(const Tensor& left, const Tensor& right) {
  float largest = 0;
  for (std::size_t index = 0; index < left.data<float>().size(); ++index)
    largest = std::max(largest, std::fabs(left.data<float>()[index] - right.data<float>()[index]));
  return largest;
}

// K = 40 and 100: odd and even numbers of groups, the last one short or whole.
TEST(MatMulNBits, ComputesWhatTheQdqFormDoes) {
  for (const std::int64_t columns : {40, 64, 100}) {
    Sketch sketch(13);
    sketch.input("x", {2, columns}).constant("w", numbers({columns, 5}));
    sketch.constant("bias", numbers({5}, 9)).node("MatMul", {"x", "w"}, {"m"});
    sketch.constant("v", numbers({5, 48}, 3)).node("Gemm", {"m", "v"}, {"n"});
    sketch.constant("u", numbers({7, 48}, 4)).constant("bias7", numbers({7}, 6));
    const Model model = sketch.node("Gemm", {"n", "u", "bias7"}, {"y"}, {one("transB", 1)}).output("y").model();
    const Tensor input = numbers({2, columns}, 11);
    for (const std::string config :
         {"rtn(bits=4,group_size=16)", "rtn(bits=4,sym=false,group_size=16)", "rtn(bits=8,sym=false,group_size=32)",
          "rtn(bits=2,sym=false,group_size=16)", "rtn(bits=3)", "rtn(bits=4,full_range=true)", "rtn(bits=4,sym=false,group_size=-1)",
          "rtn(bits=8,group_size=0)", "rtn(bits=5,sym=false)"}) {
      SCOPED_TRACE(cat(config, " K = ", columns));
      const Conversion qdq = converted(model, config);
      const Conversion nbits = converted(model, config, {}, WeightForm::nbits);
      EXPECT_EQ(node_named(qdq.model, "n_m").type, "MatMul");
      EXPECT_EQ(node_named(nbits.model, "n_m").type, "MatMulNBits");
      EXPECT_EQ(node_named(nbits.model, "n_y").type, "MatMulNBits");
      EXPECT_GT(decision_of(nbits, "n_m").stored_bytes, 0);
      const Tensor expected = run_once(qdq.model, {input}).at(0);
      float magnitude = 0;
      for (const float element : expected.data<float>()) magnitude = std::max(magnitude, std::fabs(element));
      EXPECT_LT(largest_difference(expected, run_once(nbits.model, {input}).at(0)), 1e-5F * magnitude);
    }
  }
}

TEST(MatMulNBits, SaysWhyANodeKeepsTheQdqForm) {
  const Conversion conv = converted(one_node("Conv", {3, 5, 3, 3}), "rtn()", {}, WeightForm::nbits);
  EXPECT_THAT(decision_of(conv, "n_y").reason, testing::HasSubstr("stored as QDQ"));
  const Conversion odd = converted(one_node("MatMul", {45, 3}), "rtn(group_size=24)", {}, WeightForm::nbits);
  EXPECT_THAT(decision_of(odd, "n_y").reason, testing::HasSubstr("power of two"));
  EXPECT_EQ(node_named(odd.model, "n_y").type, "MatMul");
}

// Also what ONNX Runtime would like to fuse: a MatMulNBits of its own making would round the activations to 8 bits.
TEST(StoredWeights, OnnxRuntimeComputesTheSame) {
  if (!witness::has_onnxruntime()) GTEST_SKIP() << witness::how_to_get_onnxruntime();
  std::vector<witness::OrtRun> runs;
  std::vector<std::string> names;
  const auto add = [&](const Model& model, const std::string& config, WeightForm form) {
    Shape fed;
    for (const Dimension& each : *model.graph[model.graph.inputs.at(0)].info->shape) fed.push_back(each.size);
    names.push_back(cat(model.graph.nodes[0].type, " ", to_text(fed), " ", config, form == WeightForm::nbits ? " nbits" : ""));
    runs.push_back({converted(model, config, {}, form).model, {numbers(fed, 11)}});
  };
  for (const int bits : {2, 3, 4, 8}) {
    for (const std::string sym : {"true", "false"}) {
      for (const int group : {-1, 0, 16}) {
        const std::string config = cat("rtn(bits=", bits, ",sym=", sym, ",group_size=", group, ")");
        for (const WeightForm form : {WeightForm::qdq, WeightForm::nbits}) {
          for (const std::int64_t depth : {7, 45, 64}) {
            for (const std::string type : {"MatMul", "Gemm"}) add(one_node(type, {depth, 5}), config, form);
          }
        }
        add(one_node("Conv", {3, 5, 3, 3}), config, WeightForm::qdq);
      }
    }
  }
  const std::vector<witness::OrtResult> results = witness::run_in_onnxruntime(runs);
  ASSERT_EQ(results.size(), runs.size());
  for (std::size_t index = 0; index < runs.size(); ++index) {
    SCOPED_TRACE(names[index]);
    ASSERT_EQ(results[index].error, "");
    const Tensor own = run_once(runs[index].model, runs[index].inputs).at(0);
    float largest = 0;
    for (const float element : own.data<float>()) largest = std::max(largest, std::fabs(element));
    EXPECT_LE(largest_difference(own, results[index].outputs.at(0)), 1e-5F * largest);
  }
}

}  // namespace
}  // namespace titrate::engine
