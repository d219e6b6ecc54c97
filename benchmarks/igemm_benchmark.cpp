// 8-bit products and convolutions (u8 x s8 to u8) beside the float32 kernels of the same shapes, on the kernels alone.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "engine/kernels/convolution/convolution.hpp"
#include "engine/kernels/convolution/integer.hpp"
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

std::vector<std::uint8_t> codes(std::size_t count) {
  std::mt19937 random(1);
  std::vector<std::uint8_t> made(count);
  for (auto& code : made) code = static_cast<std::uint8_t>(random() >> 24);
  return made;
}

// What an operation is given in any case; each benchmark counts two operations a product.
void count_operations(benchmark::State& state, double products) {
  state.counters["Gop/s"] = benchmark::Counter(2e-9 * products, benchmark::Counter::kIsIterationInvariantRate);
}

void float_product(benchmark::State& state) {
  const SgemmKernels& sgemm = sgemm_kernels(selected_isa());
  const auto rows = static_cast<std::size_t>(state.range(0));
  const auto depth = static_cast<std::size_t>(state.range(1));
  const auto columns = static_cast<std::size_t>(state.range(2));
  const auto a = numbers(rows * depth);
  const auto b = numbers(depth * columns);
  std::vector<float> packed_a(a.size()), packed_b(packed_columns_size(sgemm, depth, columns)), c(rows * columns);
  pack_columns(sgemm, {b.data(), depth, columns, columns, 1}, packed_b.data());
  for (auto _ : state) {
    pack_rows(sgemm, {a.data(), rows, depth, depth, 1}, packed_a.data());
    multiply(sgemm, {rows, columns, depth, packed_a.data(), packed_b.data(), c.data(), columns});
    benchmark::DoNotOptimize(c.data());
  }
  count_operations(state, static_cast<double>(rows * depth * columns));
}

void code_product(benchmark::State& state) {
  const IgemmKernels& igemm = igemm_kernels(selected_isa());
  const RequantizeKernels& requantize = requantize_kernels(selected_isa());
  const auto rows = static_cast<std::size_t>(state.range(0));
  const auto depth = static_cast<std::size_t>(state.range(1));
  const auto columns = static_cast<std::size_t>(state.range(2));
  const auto a = codes(rows * depth);
  const auto b = codes(depth * columns);
  const std::vector<float> multipliers(columns, 0.0001F);
  std::vector<std::uint8_t> c(rows * columns);
  const PackedCodes packed(igemm, {b.data(), true, depth, columns, columns, 1});
  const Compensation zero_points = compensation(packed, false, 128, {}, {});
  const StridedRows left{a.data(), depth, depth, 1};
  std::vector<std::byte> scratch(product_scratch(igemm, rows, packed));
  const SumsOutput output{SumsOutput::Form::u8, c.data(), columns, multipliers.data(), nullptr, 128};
  for (auto _ : state) {
    multiply_codes(igemm, requantize, {rows, left.rows(false), packed, zero_points, output}, scratch.data());
    benchmark::DoNotOptimize(c.data());
  }
  count_operations(state, static_cast<double>(rows * depth * columns));
}

void product_sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"M", "K", "N"});
  for (const auto& sizes :
       {std::vector<std::int64_t>{256, 256, 256}, {1024, 1024, 1024}, {1, 4096, 4096}, {16, 4096, 4096}, {49, 512, 2048}}) {
    benchmark->Args(sizes);
  }
}
BENCHMARK(float_product)->Apply(product_sizes);
BENCHMARK(code_product)->Apply(product_sizes);

ConvolutionGeometry square(const benchmark::State& state) {
  ConvolutionGeometry geometry;
  geometry.channels = state.range(0);
  geometry.filters = state.range(2);
  const std::int64_t size = state.range(1), kernel = state.range(3), stride = state.range(4), pad = kernel / 2;
  const std::int64_t output = (size + 2 * pad - kernel) / stride + 1;
  geometry.input = {1, size, size};
  geometry.kernel = {1, kernel, kernel};
  geometry.output = {1, output, output};
  geometry.stride = {1, stride, stride};
  geometry.pad = {0, pad, pad};
  return geometry;
}

double products_of(const ConvolutionGeometry& geometry) {
  return static_cast<double>(geometry.filters * geometry.depth() * geometry.output_size());
}

void float_convolution(benchmark::State& state) {
  const SgemmKernels& sgemm = sgemm_kernels(selected_isa());
  const ConvolutionGeometry geometry = square(state);
  const auto image = numbers(static_cast<std::size_t>(geometry.channels * geometry.input_size()));
  const auto filters = numbers(static_cast<std::size_t>(geometry.filters * geometry.depth()));
  std::vector<float> output(static_cast<std::size_t>(geometry.filters * geometry.output_size()));
  const PackedFilters packed(sgemm, geometry, filters.data(), preferred_form(sgemm, geometry));
  std::vector<float> scratch(convolution_scratch(sgemm, geometry, packed.form()));
  for (auto _ : state) {
    convolve(sgemm, geometry, packed, nullptr, image.data(), output.data(), scratch);
    benchmark::DoNotOptimize(output.data());
  }
  count_operations(state, products_of(geometry));
}

void code_convolution(benchmark::State& state) {
  const IgemmKernels& igemm = igemm_kernels(selected_isa());
  const ConvolutionGeometry geometry = square(state);
  const auto image = codes(static_cast<std::size_t>(geometry.channels * geometry.input_size()));
  const auto weights = codes(static_cast<std::size_t>(geometry.filters * geometry.depth()));
  const auto filters = static_cast<std::size_t>(geometry.filters);
  const std::vector<float> multipliers(filters, 0.0001F);
  std::vector<std::uint8_t> output(filters * static_cast<std::size_t>(geometry.output_size()));
  const PackedCodeFilters packed(igemm, geometry, weights.data(), true);
  const std::vector<Compensation> zero_points{compensation(packed.groups()[0], false, 114, {}, {})};
  std::vector<std::byte> scratch(convolution_scratch(igemm, geometry, packed));
  const SumsOutput target{SumsOutput::Form::u8, output.data(), filters, multipliers.data(), nullptr, 128};
  for (auto _ : state) {
    convolve_codes(igemm, requantize_kernels(selected_isa()), geometry, packed, zero_points, {image.data(), false, 114}, target,
                   scratch.data());
    benchmark::DoNotOptimize(output.data());
  }
  count_operations(state, products_of(geometry));
}

void convolution_sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"channels", "size", "filters", "kernel", "stride"});
  for (const auto& sizes : {std::vector<std::int64_t>{64, 56, 64, 3, 1},
                            {64, 56, 256, 1, 1},
                            {256, 14, 256, 3, 1},
                            {128, 28, 256, 3, 2},
                            {3, 224, 64, 7, 2},
                            {3, 224, 32, 3, 2}}) {
    benchmark->Args(sizes);
  }
}
BENCHMARK(float_convolution)->Apply(convolution_sizes);
BENCHMARK(code_convolution)->Apply(convolution_sizes);

}  // namespace
}  // namespace titrate::kernels

BENCHMARK_MAIN();
