// What stands between the convolutions of a CNN, at batch 1: float32 (channels first) beside 8-bit codes (channels last), each as the
// operator runs it. Process CPU time, one thread: OMP_NUM_THREADS=1.
#include <benchmark/benchmark.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/ops/operator.hpp"

namespace titrate::engine {
namespace {

using Integers = std::vector<std::int64_t>;

struct Operator {
  Node node;
  std::vector<Tensor> inputs;

  Operator(std::string type, std::string domain, std::vector<Tensor> operands) : inputs(std::move(operands)) {
    node.name = "measured";
    node.type = std::move(type);
    node.domain = std::move(domain);
    for (std::size_t index = 0; index < inputs.size(); ++index) node.inputs.push_back(static_cast<ValueId>(index));
    node.outputs = {static_cast<ValueId>(inputs.size())};
  }
  Operator& set(const std::string& name, Attribute::Content content) {
    node.set(name, std::move(content));
    return *this;
  }
};

void measure(benchmark::State& state, const Operator& measured) {
  const std::int64_t opset = measured.node.domain.empty() ? 13 : 1;
  const OperatorDefinition* row = find_operator(measured.node.type, measured.node.domain, opset);
  std::vector<Operand> operands;
  std::vector<const Tensor*> inputs;
  for (const Tensor& input : measured.inputs) {
    operands.push_back({.present = true, .type = input.type(), .shape = input.shape(), .value = &input});
    inputs.push_back(&input);
  }
  const auto types = infer_outputs(*row, {measured.node, opset, operands});
  std::vector<Tensor> outputs{Tensor::uninitialized(types[0].type, *types[0].shape)};
  const Step step = row->prepare({measured.node, opset, operands});
  Scratch scratch;
  RunContext context{inputs, outputs, scratch};
  for (auto _ : state) {
    step(context);
    benchmark::DoNotOptimize(outputs[0].bytes().data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(measured.inputs[0].bytes().size() + outputs[0].bytes().size()));
}

Tensor floats(Shape shape) {
  std::mt19937 random(1);
  Tensor tensor = Tensor::uninitialized(DataType::float32, std::move(shape));
  for (float& number : tensor.mutable_data<float>()) number = std::uniform_real_distribution<float>(-1, 1)(random);
  return tensor;
}

Tensor codes(Shape shape) {
  std::mt19937 random(1);
  Tensor tensor = Tensor::uninitialized(DataType::uint8, std::move(shape));
  for (std::uint8_t& code : tensor.mutable_data<std::uint8_t>()) code = static_cast<std::uint8_t>(random());
  return tensor;
}

const Tensor scale = Tensor::scalar(0.02F);
const Tensor other_scale = Tensor::scalar(0.03F);
const Tensor zero = Tensor::scalar(std::uint8_t{128});

void add_float32(benchmark::State& state) { measure(state, {"Add", "", {floats({1, 256, 56, 56}), floats({1, 256, 56, 56})}}); }
void add_int8(benchmark::State& state) {
  const Tensor x = codes({1, 56, 56, 256});
  measure(state, {"QLinearAdd", "com.microsoft", {x, scale, zero, x, other_scale, zero, other_scale, zero}});
}
void multiply_channel_float32(benchmark::State& state) { measure(state, {"Mul", "", {floats({1, 96, 56, 56}), floats({1, 96, 1, 1})}}); }
void multiply_channel_int8(benchmark::State& state) {
  measure(state,
          {"QLinearMul", "com.microsoft", {codes({1, 56, 56, 96}), scale, zero, codes({1, 1, 1, 96}), scale, zero, other_scale, zero}});
}
void sigmoid_float32(benchmark::State& state) { measure(state, {"Sigmoid", "", {floats({1, 96, 56, 56})}}); }
void sigmoid_int8(benchmark::State& state) {
  measure(state, {"QLinearSigmoid", "com.microsoft", {codes({1, 56, 56, 96}), scale, zero, other_scale, zero}});
}

Operator windowed(Operator pool, std::int64_t stride, std::int64_t pad) {
  pool.set("kernel_shape", Integers{3, 3}).set("strides", Integers{stride, stride}).set("pads", Integers(4, pad));
  return pool;
}
void max_pool_float32(benchmark::State& state) { measure(state, windowed({"MaxPool", "", {floats({1, 64, 112, 112})}}, 2, 1)); }
void max_pool_int8(benchmark::State& state) {
  measure(state, windowed({"NhwcMaxPool", "com.microsoft", {codes({1, 112, 112, 64})}}, 2, 1));
}
void average_pool_float32(benchmark::State& state) { measure(state, windowed({"AveragePool", "", {floats({1, 192, 28, 28})}}, 1, 1)); }
void average_pool_int8(benchmark::State& state) {
  Operator pool = windowed({"QLinearAveragePool", "com.microsoft", {codes({1, 28, 28, 192}), scale, zero, scale, zero}}, 1, 1);
  measure(state, pool.set("channels_last", std::int64_t{1}));
}
void global_average_float32(benchmark::State& state) { measure(state, {"GlobalAveragePool", "", {floats({1, 2048, 7, 7})}}); }
void global_average_int8(benchmark::State& state) {
  Operator pool{"QLinearGlobalAveragePool", "com.microsoft", {codes({1, 7, 7, 2048}), scale, zero, scale, zero}};
  measure(state, pool.set("channels_last", std::int64_t{1}));
}
void concat_float32(benchmark::State& state) {
  measure(state, Operator{"Concat", "", {floats({1, 64, 55, 55}), floats({1, 64, 55, 55})}}.set("axis", std::int64_t{1}));
}
void concat_int8(benchmark::State& state) {
  const Tensor x = codes({1, 55, 55, 64});
  measure(state,
          Operator{"QLinearConcat", "com.microsoft", {scale, zero, x, scale, zero, x, other_scale, zero}}.set("axis", std::int64_t{3}));
}

BENCHMARK(add_float32);
BENCHMARK(add_int8);
BENCHMARK(multiply_channel_float32);
BENCHMARK(multiply_channel_int8);
BENCHMARK(sigmoid_float32);
BENCHMARK(sigmoid_int8);
BENCHMARK(max_pool_float32);
BENCHMARK(max_pool_int8);
BENCHMARK(average_pool_float32);
BENCHMARK(average_pool_int8);
BENCHMARK(global_average_float32);
BENCHMARK(global_average_int8);
BENCHMARK(concat_float32);
BENCHMARK(concat_int8);

}  // namespace
}  // namespace titrate::engine

BENCHMARK_MAIN();
