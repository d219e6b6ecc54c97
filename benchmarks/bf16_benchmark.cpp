// bfloat16 products and convolutions beside the float32 kernels on the same numbers, which is what the lowering takes where the processor
// has no bfloat16 instructions: then the first column only shows what they would cost without. One thread unless OMP_NUM_THREADS says more.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "engine/base/float16.hpp"
#include "engine/kernels/bf16_gemm/matrix.hpp"
#include "engine/kernels/convolution/bf16.hpp"
#include "engine/kernels/convolution/convolution.hpp"

namespace titrate::kernels {
namespace {

std::vector<float> numbers(std::size_t count) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> distribution(-0.5F, 0.5F);
  std::vector<float> made(count);
  for (float& number : made) number = float_from_bfloat16(bfloat16_from_float(distribution(random)));
  return made;
}

std::vector<std::uint16_t> stored(const std::vector<float>& numbers) {
  std::vector<std::uint16_t> made;
  for (const float number : numbers) made.push_back(bfloat16_from_float(number));
  return made;
}

void count_flops(benchmark::State& state, double flops) {
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

struct Sizes {
  std::size_t rows, depth, columns;
  explicit Sizes(const benchmark::State& state)
      : rows(static_cast<std::size_t>(state.range(0))),
        depth(static_cast<std::size_t>(state.range(1))),
        columns(static_cast<std::size_t>(state.range(2))) {}
  [[nodiscard]] double flops() const { return 2.0 * static_cast<double>(rows * depth * columns); }
};

void bf16_product(benchmark::State& state) {
  const Bf16Kernels& kernels = bf16_kernels(selected_isa());
  const Sizes sizes(state);
  const auto a = numbers(sizes.rows * sizes.depth);
  const auto b = stored(numbers(sizes.depth * sizes.columns));
  const PackedBf16Columns packed(kernels, {b.data(), sizes.depth, sizes.columns, sizes.columns, 1});
  std::vector<float> c(sizes.rows * sizes.columns);
  AlignedFloats scratch(bf16_product_scratch(kernels, sizes.rows, packed) / sizeof(float));
  for (auto _ : state) {
    multiply(kernels, bf16_rounding(selected_isa()),
             {.a = {a.data(), sizes.rows, sizes.depth, sizes.depth, 1},
              .b = packed,
              .c = c.data(),
              .c_stride = sizes.columns,
              .column_start = nullptr},
             reinterpret_cast<std::byte*>(scratch.data()));
    benchmark::DoNotOptimize(c.data());
  }
  count_flops(state, sizes.flops());
}

void float_product(benchmark::State& state) {
  const SgemmKernels& sgemm = sgemm_kernels(selected_isa());
  const Sizes sizes(state);
  const auto a = numbers(sizes.rows * sizes.depth);
  const auto b = numbers(sizes.depth * sizes.columns);
  AlignedFloats packed_a(a.size());
  AlignedFloats packed_b(packed_columns_size(sgemm, sizes.depth, sizes.columns));
  std::vector<float> c(sizes.rows * sizes.columns);
  pack_columns(sgemm, {b.data(), sizes.depth, sizes.columns, sizes.columns, 1}, packed_b.data());
  for (auto _ : state) {
    pack_rows(sgemm, {a.data(), sizes.rows, sizes.depth, sizes.depth, 1}, packed_a.data());
    multiply(sgemm, {sizes.rows, sizes.columns, sizes.depth, packed_a.data(), packed_b.data(), c.data(), sizes.columns});
    benchmark::DoNotOptimize(c.data());
  }
  count_flops(state, sizes.flops());
}

void product_sizes(benchmark::internal::Benchmark* each) {
  each->ArgNames({"M", "K", "N"})->Args({1, 4096, 4096})->Args({16, 4096, 4096})->Args({256, 256, 256})->Args({128, 768, 3072});
}
BENCHMARK(bf16_product)->Apply(product_sizes);
BENCHMARK(float_product)->Apply(product_sizes);

ConvolutionGeometry geometry_of(const benchmark::State& state) {
  const std::int64_t kernel = state.range(3);
  ConvolutionGeometry geometry;
  geometry.channels = state.range(0);
  geometry.filters = state.range(2);
  geometry.input = geometry.output = {1, state.range(1), state.range(1)};
  geometry.kernel = {1, kernel, kernel};
  geometry.pad = {0, kernel / 2, kernel / 2};
  return geometry;
}

double flops_of(const ConvolutionGeometry& geometry) {
  return 2.0 * static_cast<double>(geometry.output_size() * geometry.filters * geometry.depth());
}

void bf16_convolution(benchmark::State& state) {
  const Bf16Kernels& kernels = bf16_kernels(selected_isa());
  const ConvolutionGeometry geometry = geometry_of(state);
  const auto weights = stored(numbers(static_cast<std::size_t>(geometry.filters * geometry.depth())));
  const PackedBf16Filters filters(kernels, geometry, weights.data());
  const auto image = numbers(static_cast<std::size_t>(geometry.channels * geometry.input_size()));
  std::vector<float> output(static_cast<std::size_t>(geometry.filters * geometry.output_size()));
  AlignedFloats scratch(bf16_convolution_scratch(kernels, geometry));
  for (auto _ : state) {
    convolve({kernels, bf16_rounding(selected_isa()), sgemm_kernels(selected_isa())}, geometry, filters, nullptr, image.data(),
             output.data(), scratch);
    benchmark::DoNotOptimize(output.data());
  }
  count_flops(state, flops_of(geometry));
}

void float_convolution(benchmark::State& state) {
  const SgemmKernels& kernels = sgemm_kernels(selected_isa());
  const ConvolutionGeometry geometry = geometry_of(state);
  const auto weights = numbers(static_cast<std::size_t>(geometry.filters * geometry.depth()));
  const PackedFilters filters(kernels, geometry, weights.data(), preferred_form(kernels, geometry));
  const auto image = numbers(static_cast<std::size_t>(geometry.channels * geometry.input_size()));
  std::vector<float> output(static_cast<std::size_t>(geometry.filters * geometry.output_size()));
  AlignedFloats scratch(convolution_scratch(kernels, geometry, filters.form()));
  for (auto _ : state) {
    convolve(kernels, geometry, filters, nullptr, image.data(), output.data(), scratch);
    benchmark::DoNotOptimize(output.data());
  }
  count_flops(state, flops_of(geometry));
}

void convolution_sizes(benchmark::internal::Benchmark* each) {
  each->ArgNames({"C", "size", "F", "kernel"})
      ->Args({64, 56, 64, 3})
      ->Args({256, 14, 256, 3})
      ->Args({64, 56, 256, 1})
      ->Args({3, 112, 32, 3});
}
BENCHMARK(bf16_convolution)->Apply(convolution_sizes);
BENCHMARK(float_convolution)->Apply(convolution_sizes);

}  // namespace
}  // namespace titrate::kernels

BENCHMARK_MAIN();
