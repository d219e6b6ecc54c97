// 3x3 depthwise convolutions of MobileNetV2 at batch 1: float32 (channels first) beside 8-bit codes (channels last). Process CPU time, one
// thread: OMP_NUM_THREADS=1.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <random>
#include <vector>

#include "engine/kernels/convolution/depthwise.hpp"
#include "engine/kernels/convolution/depthwise_int8.hpp"

namespace titrate::kernels {
namespace {

ConvolutionGeometry square(const benchmark::State& state) {
  ConvolutionGeometry geometry;
  geometry.groups = state.range(0);
  geometry.input = {1, state.range(1), state.range(1)};
  geometry.kernel = {1, state.range(3), state.range(3)};
  geometry.stride = {1, state.range(2), state.range(2)};
  geometry.pad = {0, state.range(3) / 2, state.range(3) / 2};
  const std::int64_t output = (state.range(1) - 1) / state.range(2) + 1;
  geometry.output = {1, output, output};
  return geometry;
}

void count_products(benchmark::State& state, const ConvolutionGeometry& geometry) {
  const auto products = static_cast<double>(geometry.groups * geometry.taps() * geometry.output_size());
  state.counters["Gmultiply-adds/s"] = benchmark::Counter(products * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void depthwise_float32(benchmark::State& state) {
  const ConvolutionGeometry geometry = square(state);
  const std::vector<float> weights(static_cast<std::size_t>(geometry.groups * geometry.taps()), 0.5F);
  const std::vector<float> input(static_cast<std::size_t>(geometry.groups * geometry.input_size()), 0.25F);
  std::vector<float> output(static_cast<std::size_t>(geometry.groups * geometry.output_size()));
  const DepthwiseKernel kernel = depthwise_kernel(selected_isa());
  std::vector<float> scratch(depthwise_scratch(kernel, geometry));
  for (auto _ : state) {
    convolve_depthwise(kernel, geometry, weights.data(), nullptr, input.data(), output.data(), scratch);
    benchmark::DoNotOptimize(output.data());
  }
  count_products(state, geometry);
}

void depthwise_int8(benchmark::State& state) {
  const ConvolutionGeometry geometry = square(state);
  std::mt19937 random(1);
  std::vector<std::int16_t> weights(static_cast<std::size_t>(geometry.groups * geometry.taps()));
  for (std::int16_t& weight : weights) weight = static_cast<std::int16_t>(static_cast<int>(random() % 255) - 127);
  std::vector<std::uint8_t> input(static_cast<std::size_t>(geometry.groups * geometry.input_size()));
  for (std::uint8_t& code : input) code = static_cast<std::uint8_t>(random());
  std::vector<std::uint8_t> output(static_cast<std::size_t>(geometry.groups * geometry.output_size()));
  const std::vector<std::int32_t> bias(static_cast<std::size_t>(geometry.groups), 100);
  const std::vector<float> multipliers(static_cast<std::size_t>(geometry.groups), 0.003F);
  const PackedDepthwise packed(geometry, weights, bias, 128, multipliers);
  std::vector<std::byte> scratch(depthwise_int8_scratch(geometry));
  const DepthwiseInt8Kernels& kernels = depthwise_int8_kernels(selected_isa());
  for (auto _ : state) {
    convolve_depthwise(kernels, geometry, packed, input.data(), 128, output.data(), std::span(scratch));
    benchmark::DoNotOptimize(output.data());
  }
  count_products(state, geometry);
}

void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"channels", "size", "stride", "kernel"});
  benchmark->Args({144, 56, 1, 3})->Args({960, 7, 1, 3})->Args({96, 112, 2, 3})->Args({32, 112, 1, 3})->Args({240, 28, 1, 5});
}
BENCHMARK(depthwise_float32)->Apply(shapes);
BENCHMARK(depthwise_int8)->Apply(shapes);

}  // namespace
}  // namespace titrate::kernels

BENCHMARK_MAIN();
