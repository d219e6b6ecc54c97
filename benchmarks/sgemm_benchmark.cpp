// float32 matrix products and the convolutions of ResNet-18, MobileNetV2, SqueezeNet and of small networks at batch 1, on the kernels
// alone.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "engine/kernels/convolution/convolution.hpp"
#include "engine/kernels/convolution/depthwise.hpp"
#include "engine/kernels/sgemm/matrix.hpp"

namespace titrate::kernels {
namespace {

std::vector<float> numbers(std::size_t count) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> distribution(-0.5F, 0.5F);
  std::vector<float> made(count);
  for (float& number : made) number = distribution(random);
  return made;
}

void count_flops(benchmark::State& state, double flops) {
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void matrix_product(benchmark::State& state) {
  const SgemmKernels& sgemm = sgemm_kernels(selected_isa());
  const auto rows = static_cast<std::size_t>(state.range(0));
  const auto depth = static_cast<std::size_t>(state.range(1));
  const auto columns = static_cast<std::size_t>(state.range(2));
  const auto a = numbers(rows * depth);
  const auto b = numbers(depth * columns);
  std::vector<float> packed_a(a.size());
  std::vector<float> packed_b(packed_columns_size(sgemm, depth, columns));
  std::vector<float> c(rows * columns);
  pack_columns(sgemm, {b.data(), depth, columns, columns, 1}, packed_b.data());
  for (auto _ : state) {  // the right matrix is a constant weight, the left one is packed at every run
    pack_rows(sgemm, {a.data(), rows, depth, depth, 1}, packed_a.data());
    multiply(sgemm, {rows, columns, depth, packed_a.data(), packed_b.data(), c.data(), columns});
    benchmark::DoNotOptimize(c.data());
  }
  count_flops(state, 2.0 * static_cast<double>(rows * depth * columns));
}
BENCHMARK(matrix_product)
    ->ArgNames({"M", "K", "N"})
    ->Args({1, 512, 1000})
    ->Args({1, 4096, 4096})
    ->Args({16, 4096, 4096})
    ->Args({256, 256, 256})
    ->Args({1024, 1024, 1024})
    ->Args({128, 768, 3072})
    ->Args({49, 512, 2048})
    ->UseRealTime();

ConvolutionGeometry square(std::int64_t channels, std::int64_t size, std::int64_t filters, std::int64_t kernel, std::int64_t stride) {
  ConvolutionGeometry geometry;
  const std::int64_t pad = kernel / 2;
  const std::int64_t output = (size + 2 * pad - kernel) / stride + 1;
  geometry.channels = channels;
  geometry.filters = filters;
  geometry.input = {1, size, size};
  geometry.kernel = {1, kernel, kernel};
  geometry.output = {1, output, output};
  geometry.stride = {1, stride, stride};
  geometry.pad = {0, pad, pad};
  return geometry;
}

void convolution(benchmark::State& state) {
  const SgemmKernels& sgemm = sgemm_kernels(selected_isa());
  const ConvolutionGeometry geometry = square(state.range(0), state.range(1), state.range(2), state.range(3), state.range(4));
  const auto weights = numbers(static_cast<std::size_t>(geometry.filters * geometry.depth()));
  const auto input = numbers(static_cast<std::size_t>(geometry.channels * geometry.input_size()));
  std::vector<float> output(static_cast<std::size_t>(geometry.filters * geometry.output_size()));
  const ConvolutionForm form = preferred_form(sgemm, geometry);
  std::vector<float> scratch(convolution_scratch(sgemm, geometry, form));
  const PackedFilters packed(sgemm, geometry, weights.data(), form);
  for (auto _ : state) {
    convolve(sgemm, geometry, packed, nullptr, input.data(), output.data(), scratch);
    benchmark::DoNotOptimize(output.data());
  }
  count_flops(state, 2.0 * static_cast<double>(geometry.filters * geometry.depth() * geometry.output_size()));
}
BENCHMARK(convolution)
    ->ArgNames({"channels", "size", "filters", "kernel", "stride"})
    ->Args({3, 224, 64, 7, 2})
    ->Args({64, 56, 64, 3, 1})
    ->Args({64, 56, 128, 3, 2})
    ->Args({64, 56, 128, 1, 2})
    ->Args({128, 28, 128, 3, 1})
    ->Args({256, 14, 256, 3, 1})
    ->Args({512, 7, 512, 3, 1})
    ->Args({64, 56, 256, 1, 1})
    ->Args({16, 112, 96, 1, 1})
    ->Args({24, 56, 144, 1, 1})
    ->Args({144, 56, 24, 1, 1})
    ->Args({128, 55, 16, 1, 1})
    ->Args({96, 14, 576, 1, 1})
    ->Args({512, 13, 1000, 1, 1})
    ->Args({32, 4, 32, 3, 1})
    ->UseRealTime();

void depthwise(benchmark::State& state) {
  ConvolutionGeometry geometry = square(1, state.range(1), 1, 3, state.range(2));
  geometry.groups = state.range(0);
  const auto weights = numbers(static_cast<std::size_t>(geometry.groups * geometry.taps()));
  const auto input = numbers(static_cast<std::size_t>(geometry.groups * geometry.input_size()));
  std::vector<float> output(static_cast<std::size_t>(geometry.groups * geometry.output_size()));
  const DepthwiseKernel kernel = depthwise_kernel(selected_isa());
  std::vector<float> scratch(depthwise_scratch(kernel, geometry));
  for (auto _ : state) {
    convolve_depthwise(kernel, geometry, weights.data(), nullptr, input.data(), output.data(), scratch);
    benchmark::DoNotOptimize(output.data());
  }
  count_flops(state, 2.0 * static_cast<double>(geometry.groups * geometry.taps() * geometry.output_size()));
}
BENCHMARK(depthwise)
    ->ArgNames({"channels", "size", "stride"})
    ->Args({144, 56, 1})
    ->Args({144, 56, 2})
    ->Args({192, 28, 1})
    ->Args({576, 14, 1})
    ->Args({576, 14, 2})
    ->Args({960, 7, 1})
    ->UseRealTime();

}  // namespace
}  // namespace titrate::kernels

BENCHMARK_MAIN();
