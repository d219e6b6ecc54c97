// Products with stored weights: which become MatMulNBits, that every output keeps its bits, and what is left alone.
#include "engine/passes/fuse_weight_dequantization.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "engine/run/executor.hpp"
#include "tests/engine/passes/sketch.hpp"

namespace titrate::engine {
namespace {

using testing::ElementsAre;

constexpr std::int64_t depth = 300;  // no multiple of any block
constexpr std::int64_t columns = 230;

std::vector<std::string> types_of(const Graph& graph) {
  std::vector<std::string> types;
  for (const Node& node : graph.nodes) types.push_back(node.type);
  return types;
}

// Any bytes are codes; a nibble that the last element leaves free stays 0.
Tensor codes(DataType type, Shape shape, std::uint32_t seed = 1) {
  Tensor tensor = Tensor::zeros(type, std::move(shape));
  const std::int64_t whole = tensor.elements() * bits_of(type) / 8;
  std::uint32_t state = seed;
  for (std::int64_t index = 0; index < whole; ++index) {
    state = state * 1664525U + 1013904223U;
    tensor.mutable_bytes()[static_cast<std::size_t>(index)] = static_cast<std::byte>(state >> 24);
  }
  return tensor;
}

std::vector<Tensor> run(const Model& model, const std::vector<Tensor>& inputs) {
  return Executor(std::make_shared<const Plan>(model)).run(inputs);
}

Model fused(const Model& before, const Shape& input) {
  Model model = before;
  (void)fuse_weight_dequantization(model);
  verify(model.graph);
  EXPECT_EQ(fuse_weight_dequantization(model), 0U) << "again";
  const Tensor expected = run(before, {numbers(input, 9)})[0];
  const Tensor found = run(model, {numbers(input, 9)})[0];
  EXPECT_EQ(expected.shape(), found.shape());
  EXPECT_GT(expected.elements(), 0);
  EXPECT_EQ(std::memcmp(expected.bytes().data(), found.bytes().data(), expected.bytes().size()), 0);
  return model;
}

struct Stored {
  DataType type;
  std::int64_t block;  // along K; 0: a scale a column; -1: one for all
  bool zero_points;
  int opset = 21;
};

// Codes as [N, K] behind a Transpose, or as [K, N].
Model matmul(const Stored& stored, bool columns_first, const Shape& input) {
  const std::int64_t groups = stored.block > 0 ? (depth + stored.block - 1) / stored.block : 0;
  Shape parameters = columns_first ? Shape{columns, groups} : Shape{groups, columns};
  if (stored.block == 0) parameters = {columns};
  if (stored.block < 0) parameters = {};
  std::vector<Attribute> attributes;
  const std::int64_t depth_axis = columns_first ? 1 : 0;
  if (stored.block >= 0) attributes.push_back(one("axis", stored.block > 0 ? depth_axis : 1 - depth_axis));
  if (stored.block > 0) attributes.push_back(one("block_size", stored.block));
  Sketch sketch(stored.opset);
  sketch.input("x", input).constant("codes", codes(stored.type, columns_first ? Shape{columns, depth} : Shape{depth, columns}));
  sketch.constant("scale", numbers(parameters, 3, 0.1F));
  std::vector<std::string> inputs = {"codes", "scale"};
  if (stored.zero_points) {
    sketch.constant("zero", codes(stored.type, parameters, 5));
    inputs.push_back("zero");
  }
  sketch.node("DequantizeLinear", inputs, {"w"}, attributes);
  if (columns_first) sketch.node("Transpose", {"w"}, {"t"}, {ints("perm", {1, 0})});
  return sketch.node("MatMul", {"x", columns_first ? "t" : "w"}, {"y"}).output("y").model();
}

TEST(FuseWeightDequantization, MatMulOfEveryForm) {
  for (const Stored& stored : {Stored{DataType::int4, 32, false}, Stored{DataType::uint4, 16, true}, Stored{DataType::uint4, 128, false},
                               Stored{DataType::int4, 48, true}, Stored{DataType::int8, 0, true, 13}, Stored{DataType::uint8, 64, true},
                               Stored{DataType::uint8, -1, false, 13}, Stored{DataType::int8, -1, true, 13},
                               Stored{DataType::int2, 16, true, 25}, Stored{DataType::uint2, 0, true, 25}}) {
    for (const bool columns_first : {true, false}) {
      for (const Shape& input : {Shape{1, depth}, Shape{2, 3, depth}, Shape{depth}}) {
        SCOPED_TRACE(testing::Message() << name_of(stored.type) << " block " << stored.block << (columns_first ? " [N, K]" : " [K, N]"));
        EXPECT_THAT(types_of(fused(matmul(stored, columns_first, input), input).graph), ElementsAre("MatMulNBits"));
      }
    }
  }
}

TEST(FuseWeightDequantization, SeesThroughAReshapeThatChangesNothing) {
  const auto model = [](const std::vector<std::int64_t>& shape, const Shape& input) {
    Sketch sketch(21);
    sketch.input("x", input).constant("codes", codes(DataType::uint4, {depth, columns})).constant("scale", numbers({columns}, 3, 0.1F));
    sketch.node("DequantizeLinear", {"codes", "scale"}, {"w"}, {one("axis", 1)}).constant("shape", int64s(shape));
    return sketch.node("Reshape", {"w", "shape"}, {"r"}).node("MatMul", {"x", "r"}, {"y"}).output("y").model();
  };
  EXPECT_THAT(types_of(fused(model({depth, columns}, {3, depth}), {3, depth}).graph), ElementsAre("MatMulNBits"));
  EXPECT_EQ(fused(model({columns, depth}, {3, columns}), {3, columns}).opset("com.microsoft"), 0);
}

Sketch gemm_weights() {
  Sketch sketch(21);
  sketch.input("x", {3, depth}).constant("codes", codes(DataType::int4, {columns, depth})).constant("bias", numbers({columns}, 4));
  sketch.constant("scale", numbers({columns, 10}, 3, 0.1F));
  return sketch.node("DequantizeLinear", {"codes", "scale"}, {"w"}, {one("axis", 1), one("block_size", 32)});
}

TEST(FuseWeightDequantization, GemmStartsFromItsBias) {
  const Model with = gemm_weights().node("Gemm", {"x", "w", "bias"}, {"y"}, {one("transB", 1)}).output("y").model();
  EXPECT_THAT(types_of(fused(with, {3, depth}).graph), ElementsAre("MatMulNBits"));
  const Model without = gemm_weights().node("Gemm", {"x", "w"}, {"y"}, {one("transB", 1)}).output("y").model();
  EXPECT_THAT(types_of(fused(without, {3, depth}).graph), ElementsAre("MatMulNBits"));
}

TEST(FuseWeightDequantization, LeavesWhatMatMulNBitsCannotSay) {
  const auto left = [](const Model& model, const Shape& input) { EXPECT_EQ(fused(model, input).opset("com.microsoft"), 0); };
  left(matmul({DataType::int4, 24, false}, true, {1, depth}), {1, depth});
  left(gemm_weights().node("Gemm", {"x", "w"}, {"y"}, {one("transB", 1), real("alpha", 2)}).output("y").model(), {3, depth});
  left(gemm_weights().node("ReduceMax", {"x"}, {"c"}).node("Gemm", {"x", "w", "c"}, {"y"}, {one("transB", 1)}).output("y").model(),
       {3, depth});
  // A scale for each row of [K, N].
  left(Sketch(21)
           .input("x", {1, depth})
           .constant("codes", codes(DataType::int8, {depth, columns}))
           .constant("scale", numbers({depth}, 3, 0.1F))
           .node("DequantizeLinear", {"codes", "scale"}, {"w"}, {one("axis", 0)})
           .node("MatMul", {"x", "w"}, {"y"})
           .output("y")
           .model(),
       {1, depth});
  // Few weights.
  left(Sketch(21)
           .input("x", {1, 32})
           .constant("codes", codes(DataType::int8, {32, 16}))
           .constant("scale", numbers({16}, 3, 0.1F))
           .node("DequantizeLinear", {"codes", "scale"}, {"w"}, {one("axis", 1)})
           .node("MatMul", {"x", "w"}, {"y"})
           .output("y")
           .model(),
       {1, 32});
}

TEST(FuseWeightDequantization, LeavesProductsOfQuantizedActivations) {
  Sketch sketch(21);
  sketch.input("x", {2, depth}).constant("s", Tensor::scalar(0.05F)).constant("z", Tensor::scalar<std::uint8_t>(128));
  sketch.constant("codes", codes(DataType::int8, {depth, columns})).constant("scale", numbers({columns}, 3, 0.1F));
  sketch.node("QuantizeLinear", {"x", "s", "z"}, {"q"}).node("DequantizeLinear", {"q", "s", "z"}, {"d"});
  sketch.node("DequantizeLinear", {"codes", "scale"}, {"w"}, {one("axis", 1)}).node("MatMul", {"d", "w"}, {"y"});
  EXPECT_EQ(fused(sketch.output("y").model(), {2, depth}).opset("com.microsoft"), 0);
}

}  // namespace
}  // namespace titrate::engine
